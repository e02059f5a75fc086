"""Trains the mini face detector on pictures whose faces another detector found.

The loss is that of single-shot detectors (SSD: Liu et al., ECCV 2016; RetinaFace: Deng et al., CVPR 2020).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from avcer.errors import InputError
from avcer.evaluation.tables.detection import Matches, Scene, box_iou, match_faces, read_scenes
from avcer.faces.detect import CENTRE_VARIANCE, SIZE_VARIANCE, Detector, DetectorOptions, FramePixels, priors
from avcer.models.card import UNWRITTEN, ModelCard
from avcer.models.networks.mini_detector import MiniDetector
from avcer.models.preparation import card_entry
from avcer.prefetch import prefetch
from avcer.training.finish import finish
from avcer.training.loop import Plan, Report, device, fit
from avcer.training.scenes import AugmentedScenes, Sample, is_trainable, is_validation
from avcer.types import Float

RECIPE: Final = Path(__file__).with_name("recipes") / "detector.toml"
MATCH_IOU: Final = 0.35
"""A prior that overlaps a face by this much has to find it."""
MAYBE_IOU: Final = 0.3
"""A prior that overlaps a doubtful face by this much learns nothing."""
FACE, BACKGROUND, NEITHER = 1, 0, -1
SHIPPED_SCORE: Final = DetectorOptions().min_score
_LEAST_SCORE: Final = 0.2
_CARD: Final = ModelCard(
    name="mini-detector",
    family="mini",
    role="detector",
    architecture="mini-detector",
    graph=UNWRITTEN,
    weights=UNWRITTEN,
    inputs=("N", 3, "H", "W"),
    labels=(),
    preprocessing=card_entry(FramePixels((104.0, 117.0, 123.0), 1 / 64, begin_score=0.99)),
    licence="weights: research use, as the training pictures",
    source="trained by avcer train detector",
    training_data="Pictures of chandrikadeb7/Face-Mask-Detection (MIT) and EliSchwartz/imagenet-sample-images (none "
    "stated), frames of public clips; faces found by RetinaFace MobileNet-0.25 (MIT), not by people.",
    limits="Learnt from another detector's output, with its misses (covered and tightly cut faces, faces in animals). "
    "Faces below 24 pixels in the frame as reduced for the network, and strongly rotated faces, are often missed.",
)

Batch = tuple[Tensor, Tensor, Tensor, Tensor]
"""Pictures ``(N, S, S, 3)`` uint8; per prior: class ``(N, P)``, box ``(N, P, 4)``, landmarks ``(N, P, 10)``."""


def train(tables: Sequence[Path], out: Path, epochs: int | None = None, report: Report = print) -> ModelCard:
    """Trains on the scenes in ``tables``; writes the run to ``out / "run"`` and the model to ``out / "model"``.

    The same call goes on where an earlier one stopped.

    Raises:
        InputError: a table is not one of scenes, or there are too few faces to learn from and to validate with.
        ModelError: the written model does not compute what was trained.
    """
    plan = Plan.read(RECIPE)
    plan = replace(plan, epochs=epochs or plan.epochs)
    scenes = [scene for table in tables for scene in read_scenes(table)]
    network, matches = learn(scenes, plan, out / "run", report)
    threshold = best_threshold(matches)
    network.shift_scores(_log_odds(SHIPPED_SCORE) - _log_odds(threshold))
    example = torch.randn(1, 3, 360, 640)
    card = replace(_CARD, scores=_measured(matches, threshold))
    return finish(out / "model", network, card, example, ("offsets", "scores", "landmarks"))


def learn(scenes: Sequence[Scene], plan: Plan, run: Path, report: Report) -> tuple[MiniDetector, Matches]:
    """The trained network, and its detections on the validation pictures matched with their faces.

    Raises:
        InputError: too few faces.
    """
    share = plan.options["validation_share"]
    kept = [scene for scene in scenes if is_validation(scene, share)]
    learnt = [scene for scene in scenes if not is_validation(scene, share) and is_trainable(scene)]
    if not any(len(scene.faces) for scene in learnt) or not any(len(scene.faces) for scene in kept):
        raise InputError("the tables need faces both to learn from and for validation; add pictures")
    report(f"{len(learnt)} pictures to learn from, {len(kept)} for validation")
    plan = replace(plan, steps_per_epoch=max(len(learnt) // plan.batch_size, 1))

    def batches(epoch: int) -> Iterable[Batch]:
        return prefetch(epoch_batches(learnt, plan, epoch))

    def loss(network: nn.Module, batch: Batch) -> Tensor:
        return multibox_loss(network, batch, plan.options)

    def evaluate(network: nn.Module) -> dict[str, float]:
        matches = validate(network, kept, plan)
        scores = matches.at(best_threshold(matches))
        return {"recall": scores.recall, "precision": scores.precision, "f1": scores.f1}

    network = MiniDetector().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fit(network, batches, loss, evaluate, plan, run, report)
    return network, validate(network, kept, plan)


def epoch_batches(scenes: Sequence[Scene], plan: Plan, epoch: int) -> Iterator[Batch]:
    """The augmented batches of one epoch, in an order of its own; the last few pictures may be left out."""
    pictures = AugmentedScenes(scenes, plan.options, plan.seed, epoch)
    order = np.random.default_rng((plan.seed, epoch)).permutation(len(pictures))
    for step in range(plan.steps_per_epoch):
        yield collate([pictures[int(index)] for index in order[step * plan.batch_size :][: plan.batch_size]])


def collate(samples: Sequence[Sample]) -> Batch:
    """Training pictures with what each prior has to say."""
    anchors = priors(*samples[0].image.shape[:2])
    targets = zip(*(assign(sample.faces, sample.sure, anchors) for sample in samples), strict=True)
    classes, boxes, landmarks = (torch.from_numpy(np.stack(target)) for target in targets)
    return torch.from_numpy(np.stack([sample.image for sample in samples])), classes, boxes, landmarks


def assign(faces: Float, sure: int, anchors: Float) -> tuple[NDArray[np.int64], Float, Float]:
    """What each of the P priors has to say of faces ``(M, 14)``, of which the first ``sure`` are certain.

    Returns:
        Class ``(P,)``: FACE, BACKGROUND or NEITHER; box offsets ``(P, 4)``; landmark offsets ``(P, 10)``.
    """
    corners = np.concatenate([anchors[:, :2] - anchors[:, 2:] / 2, anchors[:, :2] + anchors[:, 2:] / 2], axis=1)
    overlap = box_iou(corners, faces[:, :4])
    classes = np.where((overlap[:, sure:] >= MAYBE_IOU).any(axis=1), NEITHER, BACKGROUND)
    boxes, landmarks = np.zeros((len(anchors), 4), np.float32), np.zeros((len(anchors), 10), np.float32)
    if sure > 0:
        overlap = overlap[:, :sure]
        overlap[overlap.argmax(axis=0), np.arange(sure)] = 2  # every face has the prior that fits it best
        matched = overlap.max(axis=1) >= MATCH_IOU
        classes[matched] = FACE
        boxes[matched], landmarks[matched] = encode(faces[overlap[matched].argmax(axis=1)], anchors[matched])
    return classes, boxes, landmarks


def encode(faces: Float, anchors: Float) -> tuple[Float, Float]:
    """Box offsets ``(K, 4)`` and landmark offsets ``(K, 10)`` from priors ``(K, 4)`` to faces ``(K, 14)``."""
    centre = (faces[:, :2] + faces[:, 2:4]) / 2 - anchors[:, :2]
    sizes = np.log((faces[:, 2:4] - faces[:, :2]) / anchors[:, 2:]) / SIZE_VARIANCE
    points = faces[:, 4:].reshape(-1, 5, 2) - anchors[:, None, :2]
    landmarks = points / (CENTRE_VARIANCE * anchors[:, None, 2:])
    boxes = np.concatenate([centre / (CENTRE_VARIANCE * anchors[:, 2:]), sizes], axis=1)
    return boxes.astype(np.float32), landmarks.reshape(-1, 10).astype(np.float32)


def multibox_loss(network: nn.Module, batch: Batch, options: dict[str, Any]) -> Tensor:
    """Cross-entropy of the faces and the hardest background, smooth L1 of boxes and landmarks; per matched prior."""
    assert isinstance(network, MiniDetector)
    images, classes, boxes, landmarks = (part.to(device()) for part in batch)
    mean = torch.tensor(_CARD.preprocessing["mean"], device=images.device)
    pixels = (images - mean) * _CARD.preprocessing["scale"]
    said_boxes, logits, said_landmarks = (part.float() for part in network.raw(pixels.permute(0, 3, 1, 2)))
    faces = classes == FACE
    count = int(faces.sum().clamp(min=len(images)))
    entropy = F.cross_entropy(logits.flatten(0, 1), faces.long().flatten(), reduction="none").view_as(classes)
    background = entropy[classes == BACKGROUND]
    hardest = background.topk(min(options["negatives_per_positive"] * count, len(background))).values
    box_loss = F.smooth_l1_loss(said_boxes[faces], boxes[faces], reduction="sum")
    landmark_loss = F.smooth_l1_loss(said_landmarks[faces], landmarks[faces], reduction="sum")
    weighted = options["box_weight"] * box_loss + options["landmark_weight"] * landmark_loss
    total: Tensor = (entropy[faces].sum() + hardest.sum() + weighted) / count
    return total


def validate(network: nn.Module, scenes: Sequence[Scene], plan: Plan) -> Matches:
    """Detections on ``scenes``, each laid into the corner of an even picture so that they can go in batches."""
    detector = Detector(_CARD, _engine(network), DetectorOptions(longest_side=0, min_score=_LEAST_SCORE, least_side=0))
    images = [scene.image() for scene in scenes]
    side = max((max(image.shape[:2]) for image in images), default=0)
    grey = [round(value) for value in _CARD.preprocessing["mean"]]
    padded = np.full((len(images), side, side, 3), grey, np.uint8)
    for even, image in zip(padded, images, strict=True):
        even[: image.shape[0], : image.shape[1]] = image
    parts = (list(padded[first : first + plan.batch_size]) for first in range(0, len(padded), plan.batch_size))
    found = [faces for part in parts for faces in detector.detect_batch(part)]
    return match_faces(found, [scene.faces for scene in scenes])


def best_threshold(matches: Matches) -> float:
    """The score from which on the lower of recall and precision is highest."""
    candidates = np.arange(_LEAST_SCORE, 0.99, 0.01)
    scores = (matches.at(candidate) for candidate in candidates)
    lower = [np.nan_to_num(min(score.recall, score.precision)) for score in scores]
    return float(candidates[int(np.argmax(lower))])


def _engine(network: nn.Module) -> Any:
    def run(batch: Float) -> tuple[Float, ...]:
        with torch.inference_mode():
            pixels = torch.from_numpy(batch).to(device(), memory_format=torch.channels_last)
            return tuple(output.cpu().numpy() for output in network(pixels))

    return run


def _measured(matches: Matches, threshold: float) -> dict[str, Any]:
    scores = matches.at(threshold)
    shares = {"recall_iou_0.5": scores.recall, "precision_iou_0.5": scores.precision}
    return {
        "set": "the validation share of the pictures, by name; all frames of a clip together",
        **{name: share for name, share in shares.items() if np.isfinite(share)},
        "intervals": matches.intervals_at(threshold),
        "faces": scores.faces,
        "detections": scores.detections,
    }


def _log_odds(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))

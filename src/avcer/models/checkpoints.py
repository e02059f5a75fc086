"""The published checkpoints as facts: what each is, what card it gets, how it is recognised.

Sources: AVCER (doi 10.1109/CVPRW63382.2024.00478) and its released files; RetinaFace (Deng et al., CVPR 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from avcer.labels import AUDIO_8, BASIC, VISUAL
from avcer.models.card import UNWRITTEN, ModelCard, Role

VISUAL_SOURCE: Final = "https://huggingface.co/ElenaRyumina/face_emotion_recognition"
AUDIO_SOURCE: Final = "https://drive.google.com/file/d/11m53Kys3mdPALxbHQYc6kyww9QlQIkHA"
DETECTOR_SOURCE: Final = "https://github.com/hhj1897/face_detection, folder ibug/face_detection/retina_face/weights"


@dataclass(frozen=True)
class Checkpoint:
    """A published file.

    ``mark`` is the name of a tensor, and the length of its first axis, that together no other published file has;
    ``sha256`` is empty where the authors' hash is not known; ``example`` is the shape of an input to convert the
    network with, ``reach`` the largest value in such an input; ``outputs`` are the names of what it returns.
    """

    file: str
    sha256: str
    mark: tuple[str, int]
    card: ModelCard
    example: tuple[int, ...]
    outputs: tuple[str, ...]
    reach: float = 1.0


def _card(role: Role, architecture: str, **values: Any) -> ModelCard:
    values = {"licence": "MIT", "labels": (), **values}
    return ModelCard(f"published-{role}", "published", role, architecture, UNWRITTEN, UNWRITTEN, **values)


def _detector(architecture: str, limits: str) -> ModelCard:
    return _card(
        "detector",
        architecture,
        inputs=("N", 3, "H", "W"),
        preprocessing={"kind": "frame", "mean": [104.0, 117.0, 123.0], "scale": 1.0, "begin_score": 0.0},
        source=DETECTOR_SOURCE,
        training_data="WIDER FACE",
        limits=limits,
    )


def _audio(architecture: str, labels: tuple[str, ...], weights: str) -> ModelCard:
    return _card(
        "audio",
        architecture,
        inputs=("N", 64000),
        labels=labels,
        preprocessing={"kind": "waveform", "padding": "mean", "variance_floor": 1e-7},
        licence="MIT; its backbone: CC BY-NC-SA 4.0, research only",
        source=weights,
        training_data="AffWild2 and MELD; backbone: audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim",
        limits="English speech above all; research use only",
    )


DETECTOR_OUTPUTS: Final = ("offsets", "scores", "landmarks")

CHECKPOINTS: Final = (
    Checkpoint(
        file="mobilenet0.25_Final.pth",
        sha256="2979b33ffafda5d74b6948cd7a5b9a7a62f62b949cef24e95fd15d2883a65220",
        mark=("body.stage1.0.0.weight", 8),
        card=_detector("retinaface-mobilenet0.25", "the light variant: misses more small and covered faces"),
        example=(1, 3, 256, 320),
        outputs=DETECTOR_OUTPUTS,
        reach=150.0,
    ),
    Checkpoint(
        file="Resnet50_Final.pth",
        sha256="6d1de9c2944f2ccddca5f5e010ea5ae64a39845a86311af6fdf30841b0a5a16d",
        mark=("body.layer1.0.conv1.weight", 64),
        card=_detector("retinaface-resnet50", "slow on a processor"),
        example=(1, 3, 256, 320),
        outputs=DETECTOR_OUTPUTS,
        reach=150.0,
    ),
    Checkpoint(
        file="FER_static_ResNet50_AffectNet.pt",
        sha256="8274190b5be4355bd2f07b59f593fcdb294f9d7c563bfa9ac9e5ea06c10692d2",
        mark=("conv_layer_s2_same.weight", 64),
        card=_card(
            "static",
            "emo-affectnet-resnet50",
            inputs=("N", 3, 224, 224),
            labels=VISUAL,
            preprocessing={"kind": "bare_box", "size": 224, "mean": [91.4953, 103.8827, 131.0912], "scale": 1.0},
            source=VISUAL_SOURCE,
            training_data="VGGFace2, then AffectNet",
            limits="photographs from the web; an emotion shown is not an emotion felt",
            scores={"AffectNet validation, 7 classes": {"accuracy": 0.664, "measured_by": "the authors"}},
        ),
        example=(1, 3, 224, 224),
        outputs=("logits", "features", "heat"),
        reach=150.0,
    ),
    Checkpoint(
        file="FER_dinamic_LSTM_Aff-Wild2.pt",
        sha256="21b0cabebe7bd0257ca8aaa991efc7546c6f46fd4d17f759d33abbb859abdacc",
        mark=("lstm1.weight_ih_l0", 2048),
        card=_card(
            "dynamic",
            "avcer-lstm",
            inputs=("N", 10, 512),
            labels=VISUAL,
            preprocessing={"kind": "feature_steps", "steps": 10, "interval_s": 0.2},
            source=VISUAL_SOURCE,
            training_data="RAVDESS, CREMA-D, SAVEE, RAMAS, IEMOCAP (Aff-Wild2, in its name, was left out for testing)",
            limits="takes the features of published-static only; mostly acted faces",
            scores={"Aff-Wild2": {"uar": 0.516, "measured_by": "the authors"}},
        ),
        example=(1, 10, 512),
        outputs=("logits",),
    ),
    Checkpoint(
        file="audio_ExprModelV3.pth",
        sha256="",
        mark=("feature_downsample.weight", 8),
        card=_audio("avcer-wav2vec2-8", AUDIO_8, AUDIO_SOURCE),
        example=(1, 64000),
        outputs=("logits",),
    ),
    Checkpoint(
        file="the 7-class audio model",
        sha256="",
        mark=("feature_downsample.weight", 7),
        card=_audio("avcer-wav2vec2-7", BASIC, "the 7-class variant of AVCER's audio model"),
        example=(1, 64000),
        outputs=("logits",),
    ),
)

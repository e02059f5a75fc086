"""Peers that look at faces. Each is given a picture of nothing but a face, as ours are."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from avcer.emotion.probabilities import softmax
from avcer.evaluation.peers.record import Rater, of_words
from avcer.types import Double, Image

FER_MARGIN = 10
"""Pixels that ``fer`` adds on each side of a face's box."""


def load_fer() -> Rater:
    """``fer``: a small network learned from FER2013; the weights come inside the package."""
    try:
        from fer.fer import FER
    except ModuleNotFoundError:
        from fer import FER
    detector = FER(mtcnn=False)

    def rate(face: Image) -> Double | None:
        times = max(1, math.ceil(3 * FER_MARGIN / min(face.shape[:2])))  # a box must be left inside the margins
        picture = cv2.resize(face, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
        height, width = (side - 2 * FER_MARGIN for side in picture.shape[:2])
        found = detector.detect_emotions(picture, face_rectangles=[(FER_MARGIN, FER_MARGIN, width, height)])
        return of_words(found[0]["emotions"]) if found else None

    return rate


def load_deepface() -> Rater:
    """``deepface``: its emotion model; the weights are those that lie in ``~/.deepface/weights``."""
    from deepface import DeepFace

    def rate(face: Image) -> Double | None:
        found = DeepFace.analyze(
            face, actions=["emotion"], detector_backend="skip", enforce_detection=False, silent=True
        )
        first: Mapping[str, Any] = found[0] if isinstance(found, list) else found
        return of_words(first["emotion"])

    rate(np.full((48, 48, 3), 128, np.uint8))  # fails here, once, if the weights are not there
    return rate


def load_emotiefflib() -> Rater:
    """``emotiefflib``: EfficientNet-B0 of HSEmotion as ONNX; the weights are those that lie in ``~/.emotiefflib``."""
    from emotiefflib.facial_analysis import EmotiEffLibRecognizer

    return _hsemotion(EmotiEffLibRecognizer(engine="onnx", model_name="enet_b0_8_best_vgaf"))


def load_hsemotion() -> Rater:
    """``hsemotion-onnx``, the older package of the same authors; the weights lie in ``~/.hsemotion``."""
    from hsemotion_onnx.facial_emotions import HSEmotionRecognizer

    return _hsemotion(HSEmotionRecognizer(model_name="enet_b0_8_best_vgaf"))


def _hsemotion(recognizer: Any) -> Rater:
    words = [recognizer.idx_to_emotion_class[place] for place in sorted(recognizer.idx_to_emotion_class)]

    def rate(face: Image) -> Double | None:
        _, logits = recognizer.predict_emotions(cv2.cvtColor(face, cv2.COLOR_BGR2RGB), logits=True)
        values = softmax(np.reshape(np.asarray(logits, np.float64), (1, -1))[:, : len(words)])[0]
        return of_words(dict(zip(words, values.tolist(), strict=True)))

    return rate


def load_pyfeat() -> Rater:
    """``py-feat``: its residual masking network, behind its own face detector, which takes files only."""
    from feat import Detector

    detector = Detector(emotion_model="resmasknet")

    def rate(face: Image) -> Double | None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "face.png"
            cv2.imwrite(str(path), face)
            found = detector.detect(str(path), data_type="image", progress_bar=False)
        rows = found.emotions.dropna()
        return of_words(rows.iloc[0].to_dict()) if len(rows) else None

    return rate

"""Each adapter, with a made-up package in place of the real one."""

from __future__ import annotations

import socket
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from avcer.errors import UsageError
from avcer.evaluation.peers import faces, voices
from avcer.evaluation.peers.record import Peer, of_words, without_network
from avcer.evaluation.peers.registry import PEERS, chosen_peers, loaded
from avcer.labels import BASIC

FACE = np.zeros((8, 8, 3), np.uint8)
SAMPLES = np.zeros(16_000, np.float32)
HAPPY = np.eye(7)[BASIC.index("Happiness")].tolist()


def install(monkeypatch: pytest.MonkeyPatch, name: str, **content: Any) -> None:
    """A module of that name, and the packages above it."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        module = ModuleType(".".join(parts[:count]))
        module.__path__ = []
        monkeypatch.setitem(sys.modules, module.__name__, module)
    sys.modules[name].__dict__.update(content)


def rated(value: Any) -> list[float]:
    assert value is not None
    return [round(float(share), 6) for share in value]


@pytest.mark.parametrize("side", [8, 48])
def test_fer(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    """It cuts out the box and ten pixels around it: the whole picture."""

    class FER:
        def __init__(self, mtcnn: bool) -> None:
            assert not mtcnn

        def detect_emotions(self, face: Any, face_rectangles: Any) -> list[dict[str, Any]]:
            (left, top, width, height), (high, wide) = face_rectangles[0], face.shape[:2]
            assert (left - 10, top - 10, width + 20, height + 20) == (0, 0, wide, high)
            assert min(width, height) > 0
            return [{"box": face_rectangles[0], "emotions": {"happy": 0.99, "angry": 0.0}}]

    install(monkeypatch, "fer.fer", FER=FER)
    assert rated(faces.load_fer()(np.zeros((side, side, 3), np.uint8))) == HAPPY


def test_deepface(monkeypatch: pytest.MonkeyPatch) -> None:
    def analyze(face: Any, actions: list[str], **options: Any) -> list[dict[str, Any]]:
        assert actions == ["emotion"]
        assert options["detector_backend"] == "skip"
        return [{"emotion": {"happy": 100.0, "neutral": 0.0}}]

    install(monkeypatch, "deepface", DeepFace=SimpleNamespace(analyze=analyze))
    assert rated(faces.load_deepface()(FACE)) == HAPPY


@pytest.mark.parametrize("name", ["emotiefflib", "hsemotion"])
def test_the_hsemotion_family(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Recognizer:
        def __init__(self, model_name: str, engine: str = "onnx") -> None:
            self.idx_to_emotion_class = {0: "Anger", 1: "Contempt", 2: "Happiness"}
            assert (model_name, engine) == ("enet_b0_8_best_vgaf", "onnx")

        def predict_emotions(self, face: Any, logits: bool) -> tuple[str, Any]:
            assert logits
            return "Happiness", np.array([-90.0, 40.0, 40.0])

    install(monkeypatch, "emotiefflib.facial_analysis", EmotiEffLibRecognizer=Recognizer)
    install(monkeypatch, "hsemotion_onnx.facial_emotions", HSEmotionRecognizer=Recognizer)
    assert rated(PEERS[name].load()(FACE)) == HAPPY  # contempt is none of the seven


def test_pyfeat(monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = pytest.importorskip("pandas")

    class Detector:
        def __init__(self, emotion_model: str) -> None:
            assert emotion_model == "resmasknet"

        def detect(self, path: str, **options: Any) -> Any:
            return SimpleNamespace(emotions=pandas.DataFrame([{"anger": 0.0, "happiness": 1.0}]))

    install(monkeypatch, "feat", Detector=Detector)
    assert rated(faces.load_pyfeat()(FACE)) == HAPPY


def test_emotion2vec(monkeypatch: pytest.MonkeyPatch) -> None:
    class AutoModel:
        def __init__(self, model: str, **options: Any) -> None:
            assert options["disable_update"]

        def generate(self, samples: Any, **options: Any) -> list[dict[str, Any]]:
            return [{"labels": ["生气/angry", "开心/happy", "其他/other", "<unk>"], "scores": [0.0, 0.5, 0.4, 0.1]}]

    install(monkeypatch, "funasr", AutoModel=AutoModel)
    assert rated(voices.load_emotion2vec()(SAMPLES)) == HAPPY


def test_speechbrain(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    encoder = SimpleNamespace(decode_ndim=lambda places: [("neu", "ang", "hap", "sad")[place] for place in places])
    model = SimpleNamespace(
        hparams=SimpleNamespace(label_encoder=encoder),
        classify_batch=lambda batch: (torch.tensor([[0.0, 0.0, 1.0, 0.0]]), None, None, ["hap"]),
    )
    install(monkeypatch, "speechbrain.inference.interfaces", foreign_class=lambda **options: model)
    assert rated(voices.load_speechbrain()(SAMPLES)) == HAPPY


def test_words_are_brought_to_the_seven() -> None:
    made = of_words({"sad": 1.0, "sadness": 1.0, "neu": 1.0, "contempt": 5.0})
    assert made is not None
    assert (made[BASIC.index("Sadness")], made[BASIC.index("Neutral")]) == (2 / 3, 1 / 3)
    assert of_words({"contempt": 1.0}) is None


def test_what_is_missing_or_broken_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Any:
        raise ModuleNotFoundError("No module named 'x'", name="x")

    def broken() -> Any:
        socket.create_connection(("127.0.0.1", 9))

    peers = [Peer("one", "faces", "one-package", missing), Peer("two", "faces", "two", broken)]
    notes: list[str] = []
    with without_network():
        assert not list(loaded(peers, notes.append))
    assert notes[0] == "peer one: not installed (x); pip install one-package"
    assert notes[1].startswith("peer two: cannot be run (peers are run without a network")
    assert "refuse" not in socket.getaddrinfo.__qualname__
    with pytest.raises(UsageError, match="unknown peer 'three'"):
        chosen_peers(["three"])

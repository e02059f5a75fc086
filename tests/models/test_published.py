from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from avcer.errors import MissingExtraError, ModelError, UsageError
from avcer.models import published
from avcer.models.card import ModelCard
from avcer.models.checkpoints import CHECKPOINTS
from avcer.models.networks import build
from avcer.models.published import import_published
from avcer.models.runtime import OpenVINOEngine
from avcer.models.store import find, sha256, verify

Save = Callable[[Any], Path]


@pytest.fixture(scope="module")
def lstm() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return build("avcer-lstm").state_dict()


@pytest.fixture(scope="module")
def light_detector() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return build("retinaface-mobilenet0.25").state_dict()


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes a checkpoint, and says where."""

    def write(content: Any) -> Path:
        path = tmp_path / "checkpoint.pt"
        torch.save(content, path)
        return path

    return write


def test_several_at_once(
    home: Path, tmp_path: Path, lstm: dict[str, Tensor], light_detector: dict[str, Tensor]
) -> None:
    files = {"dynamic": tmp_path / "a.pt", "detector": tmp_path / "b.pth"}
    torch.save({"model_state_dict": lstm, "epoch": 3}, files["dynamic"])
    torch.save({f"module.{name}": tensor for name, tensor in light_detector.items()}, files["detector"])
    lines: list[str] = []

    cards = import_published(**files, report=lines.append)

    assert [card.name for card in cards] == ["published-detector", "published-dynamic"]
    assert all("\n" not in line for line in lines)
    for card, role in zip(cards, ("detector", "dynamic"), strict=True):
        model = find("published", role)  # type: ignore[arg-type]
        assert model.card == card
        assert card.source_sha256 == sha256(files[role])
        verify(model)
    assert sorted(path.name for path in (home / "models" / "published").iterdir()) == ["detector", "dynamic"]


def test_other_weights_than_the_published_claim_no_scores(home: Path, save: Save, lstm: dict[str, Tensor]) -> None:
    lines: list[str] = []
    (card,) = import_published(dynamic=save(lstm), report=lines.append)
    assert card.scores == {}
    assert "other weights than the published FER_dinamic_LSTM_Aff-Wild2.pt" in card.limits
    assert sum("other weights" in line for line in lines) == 1


def test_the_published_file_keeps_its_scores(
    home: Path, save: Save, lstm: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(lstm)
    known = [replace(checkpoint, sha256=sha256(path)) for checkpoint in CHECKPOINTS]
    monkeypatch.setattr(published, "CHECKPOINTS", known)
    (card,) = import_published(dynamic=path)
    assert card.scores["Aff-Wild2"]["uar"] == 0.516
    assert "other weights" not in card.limits


def test_the_real_light_detector(home: Path, shared: Path) -> None:
    (card,) = import_published(detector=shared / "data" / "weights" / "retinaface_mobilenet0.25.pth")
    assert card.architecture == "retinaface-mobilenet0.25"
    assert card.source_sha256 == CHECKPOINTS[0].sha256
    offsets, scores, landmarks = OpenVINOEngine(find("published", "detector"))(np.zeros((1, 3, 90, 130), np.float32))
    priors = 2 * (12 * 17 + 6 * 9 + 3 * 5)
    assert (offsets.shape, scores.shape, landmarks.shape) == ((1, priors, 4), (1, priors, 2), (1, priors, 10))


def test_both_detectors_are_told_apart(home: Path, light_detector: dict[str, Tensor]) -> None:
    with torch.device("meta"):
        deep = build("retinaface-resnet50").state_dict()
    path = Path("detector.pth")
    assert published._recognise(path, "detector", deep).card.architecture == "retinaface-resnet50"
    assert published._recognise(path, "detector", light_detector).card.architecture == "retinaface-mobilenet0.25"


@pytest.mark.parametrize("classes", [7, 8])
def test_both_audio_models_are_told_apart(classes: int) -> None:
    state = {"feature_downsample.weight": torch.zeros(classes, 1024)}
    card = published._recognise(Path("audio.pth"), "audio", state).card
    assert card.architecture == f"avcer-wav2vec2-{classes}"
    assert len(card.labels) == classes


def test_counters_may_be_missing_or_of_another_type(light_detector: dict[str, Tensor]) -> None:
    path = Path("detector.pth")
    without = {name: tensor for name, tensor in light_detector.items() if "num_batches" not in name}
    other = {n: torch.tensor(1.0) if "num_batches" in n else tensor for n, tensor in light_detector.items()}
    for state in (without, other):
        published._load(path, build("retinaface-mobilenet0.25"), state)


def test_old_names_of_a_weight_normalisation(save: Save) -> None:
    path = save({"module.conv.weight_g": torch.zeros(1), "module.conv.weight_v": torch.zeros(2)})
    _, state = published._read(path)
    prefix = "conv.parametrizations.weight"
    assert set(state) == {f"{prefix}.original0", f"{prefix}.original1"}


def test_the_wrong_role_names_the_right_one(home: Path, save: Save, lstm: dict[str, Tensor]) -> None:
    with pytest.raises(ModelError, match="is the dynamic model, not the static one; give it as --dynamic"):
        import_published(static=save(lstm))


class Code:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return Path.touch, (Path("ran"),)  # type: ignore[return-value]


def test_a_bad_file_is_one_line_and_the_earlier_model_stays(
    home: Path, tmp_path: Path, save: Save, lstm: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    import_published(dynamic=save(lstm))
    whole = (tmp_path / "checkpoint.pt").read_bytes()
    bad = {
        "missing.pt": None,
        "empty.pt": b"",
        "truncated.pt": whole[: len(whole) // 2],
        "text.pt": b"404: Not Found",
        "code.pt": pickle.dumps(Code()),
    }
    for name, content in bad.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        _refused(tmp_path / name)
    for content in ({}, [1], {"a": 1}, {"x": torch.zeros(1)}, nn.Linear(1, 1).state_dict()):
        _refused(save(content))
    _refused(save({name: tensor for name, tensor in lstm.items() if name != "fc.bias"}))
    _refused(save({**lstm, "fc.extra": torch.zeros(1)}))
    _refused(save({**lstm, "fc.bias": torch.zeros(8)}))
    _refused(save({**lstm, "fc.bias": torch.full((7,), torch.nan)}))
    assert not (tmp_path / "ran").exists()
    verify(find("published", "dynamic"))


def _refused(path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        import_published(dynamic=path)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    assert ";" in message


def test_one_bad_file_installs_none(home: Path, tmp_path: Path, save: Save, light_detector: dict[str, Tensor]) -> None:
    (tmp_path / "bad.pt").write_bytes(b"bad")
    with pytest.raises(ModelError, match=r"bad\.pt"):
        import_published(detector=save(light_detector), dynamic=tmp_path / "bad.pt")
    assert list((home / "models" / "published").iterdir()) == []


def test_nothing_given() -> None:
    with pytest.raises(UsageError, match="no checkpoint given"):
        import_published()


def test_without_torch_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "find_spec", lambda library: None)
    with pytest.raises(MissingExtraError, match=r'pip install "avcer\[torch\]"'):
        import_published(static=tmp_path / "any.pt")


def test_cards_are_complete() -> None:
    for checkpoint in CHECKPOINTS:
        card = checkpoint.card
        assert ModelCard(**vars(card)) == card
        assert all((card.licence, card.source, card.training_data, card.limits, card.preprocessing))
        assert len(checkpoint.example) == len(card.inputs)

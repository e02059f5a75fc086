from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avcer.emotion.dynamic import DynamicModel
from avcer.models.card import ModelCard
from avcer.models.runtime import load_engine
from avcer.models.store import InstalledModel, verify
from avcer.training import dynamic, static
from avcer.training.loop import Plan
from avcer.training.sequences import Guises, compose

STEPS = Plan.read(dynamic.RECIPE).options["steps"]
STILL = STEPS | {"change": 0.0, "disturbance": 0.0, "gap": 0.0, "start": 0.0}


def numbered(faces: int = 20, kinds: int = 3) -> Guises:
    """Guises whose one feature is the number of the face; disturbed ones are negative."""
    clean = np.zeros((faces, kinds, 1 + 7), np.float32)
    clean[..., 0] = np.arange(faces)[:, None]
    targets = np.eye(7, dtype=np.float32)[np.arange(faces) % 7]
    return Guises(clean, -clean - 1, targets, np.full(faces, 1 / faces))


def test_a_state_holds() -> None:
    made = compose(numbered(), 50, 12, STILL, np.random.default_rng(0))
    assert made.features.shape == (50, 12, 1)
    assert made.static.shape == made.targets.shape == (50, 12, 7)
    assert np.all(made.features == made.features[:, :1])
    assert len(np.unique(made.features)) > 10
    assert np.array_equal(made.targets.argmax(axis=2), made.features[..., 0].astype(int) % 7)


def test_a_sudden_change_shows_at_once() -> None:
    made = compose(numbered(), 50, 12, STILL | {"change": 0.3, "ramp": 0}, np.random.default_rng(0))
    assert made.changed.any()
    assert np.array_equal(made.targets.argmax(axis=2), made.features[..., 0].astype(int) % 7)
    moved = np.diff(made.features[..., 0], axis=1) != 0
    assert not np.any(moved & ~made.changed[:, 1:])


def test_a_slow_change_passes_through_mixtures() -> None:
    made = compose(numbered(), 200, 12, STILL | {"change": 0.05, "ramp": 3}, np.random.default_rng(0))
    assert np.allclose(made.targets.sum(axis=2), 1)
    assert np.any((made.targets.max(axis=2) < 0.99) & (made.targets.max(axis=2) > 0.4))


def test_disturbed_steps_keep_the_target_of_the_state() -> None:
    made = compose(numbered(), 200, 12, STILL | {"disturbance": 0.3}, np.random.default_rng(0))
    assert 0.2 < made.disturbed.mean() < 0.5
    assert np.all(made.targets == made.targets[:, :1])
    assert np.all(made.features[~made.disturbed] >= 0)
    assert np.any(made.features[made.disturbed] < 0)


def test_a_gap_repeats_the_last_sample() -> None:
    made = compose(numbered(), 200, 12, STILL | {"change": 1.0, "ramp": 0, "gap": 0.5}, np.random.default_rng(0))
    repeated = np.mean(np.diff(made.features[..., 0], axis=1) == 0)
    assert 0.4 < repeated < 0.65


def test_following_counts_changes_that_last() -> None:
    labels = np.array([[0] * 5 + [1] * 6 + [2] * 2 + [3] * 7])
    changed = np.zeros(labels.shape, bool)
    changed[0, [5, 11, 13]] = True
    predicted = labels.copy()
    predicted[0, 5:7] = 0  # recognised two steps late; the change to 2 is over at once
    predicted[0, 13:17] = 0  # four steps late
    assert dynamic.following(labels, predicted, changed) == {
        "changes": 2,
        "followed": 0.5,
        "delay_s": pytest.approx((0.4 + 0.8) / 2),
    }


def test_training_writes_a_model_that_runs(voted_faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = dynamic.RECIPE.read_text(encoding="utf-8")
    shorter = recipe.replace("steps_per_epoch = 150", "steps_per_epoch = 10").replace(
        "sequences = 400", "sequences = 20"
    )
    (tmp_path / "dynamic.toml").write_text(shorter, encoding="utf-8")
    monkeypatch.setattr(dynamic, "RECIPE", tmp_path / "dynamic.toml")
    static.train([voted_faces], tmp_path / "static", epochs=2, report=lambda line: None)
    out, seen = tmp_path / "dynamic", tmp_path / "static" / "model"
    card = dynamic.train([voted_faces], out, epochs=1, report=lambda line: None, own_models=[seen])
    model = InstalledModel(ModelCard.read(out / "model"), out / "model")
    verify(model)
    assert model.card == card
    assert card.preprocessing["static_sha256"] == ModelCard.read(seen).graph.sha256
    assert {"accuracy", "accuracy_static", "accuracy_disturbed", "followed", "ece", "ece_before"} <= set(card.scores)
    windows = np.random.default_rng(0).random((5, 10, 192), np.float32)
    assert np.allclose(DynamicModel(card, load_engine(model, "cpu")).predict(windows).sum(axis=1), 1)


def test_the_shipped_model_reads_the_shipped_static_model() -> None:
    from avcer.models.store import find

    assert find("mini", "dynamic").card.preprocessing["static_sha256"] == find("mini", "static").card.graph.sha256

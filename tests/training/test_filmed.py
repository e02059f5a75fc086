"""Faces as a film has them: what changes, and what does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from avcer.training.faces import CANVAS
from avcer.training.filmed import UPPER_LIP, Filmed, opened, talk, with_mouths
from avcer.training.video import read_plan

LIP = int(UPPER_LIP * CANVAS)
NEVER = {"exchanged": 0.0, "says": 0.25, "opened": 0.0, "widest": 0.3}


def faces(count: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, CANVAS, CANVAS), np.uint8)


def test_a_strange_mouth_leaves_the_rest_of_the_face_alone() -> None:
    own = faces()
    changed = with_mouths(own, own[::-1])
    assert np.array_equal(changed[:, : LIP - 8], own[:, : LIP - 8])
    middle = (slice(None), slice(46, 52), slice(28, 36))
    assert not np.array_equal(changed[middle], own[middle])


def test_a_strange_mouth_takes_the_light_of_the_face() -> None:
    dark, bright = np.full((1, CANVAS, CANVAS), 40, np.uint8), np.full((1, CANVAS, CANVAS), 220, np.uint8)
    assert np.abs(with_mouths(dark, bright).astype(int) - 40).max() <= 1


def test_an_opened_mouth_is_higher_and_the_eyes_stay() -> None:
    face = np.zeros((CANVAS, CANVAS), np.uint8)
    face[10:14] = 200
    face[LIP + 4 : LIP + 8] = 200
    wide = opened(face, 1.5)
    assert np.array_equal(wide[:LIP], face[:LIP])
    assert (wide[LIP:, 0] > 100).sum() == pytest.approx(6, abs=1)
    assert np.array_equal(opened(face, 1.0), face)


def test_another_mouth_counts_a_little_in_the_target() -> None:
    own, targets = faces(7), np.eye(7, dtype=np.float32)
    changed, said = talk(own, targets, NEVER | {"exchanged": 1.0}, np.random.default_rng(1))
    assert not np.array_equal(changed, own)
    assert np.allclose(said.sum(axis=1), 1)
    assert set(np.unique(said.max(axis=1)).round(3)) <= {0.75, 1.0}
    assert np.array_equal(said.argmax(axis=1), targets.argmax(axis=1))
    for options in (NEVER, NEVER | {"opened": 1.0}):
        changed, said = talk(own, targets, options, np.random.default_rng(1))
        assert np.array_equal(said, targets)
        assert np.array_equal(changed, own) == (options is NEVER)


@pytest.mark.parametrize("option", ["coarse", "motion"])
def test_few_pixels_and_movement_take_detail_away(option: str) -> None:
    options = read_plan().options["augmentation"]
    still = dict.fromkeys(("coarse", "motion", "blur", "noise", "jpeg", "hidden", "low_light", "cut_out"), 0.0)
    visible = np.full((16, CANVAS, CANVAS), 255, np.uint8)

    def detail(changes: dict[str, float]) -> float:
        seen = Filmed(48, options | still | changes, 0)(faces(16), visible)
        assert seen.shape == (16, 1, 48, 48)
        assert 0 <= float(seen.min()) <= float(seen.max()) <= 1
        return float((seen[..., 1:] - seen[..., :-1]).abs().mean())

    assert detail({option: 1.0}) < 0.8 * detail({})


def test_the_same_seed_gives_the_same_film() -> None:
    options, visible = read_plan().options["augmentation"], np.full((8, CANVAS, CANVAS), 255, np.uint8)
    one, again, other = (Filmed(48, options, seed)(faces(8), visible) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)

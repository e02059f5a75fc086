"""Clips of faces that speak, as crops: from which frames they are taken, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avcer.errors import InputError
from avcer.evaluation.tables.speaking import read_speaking
from avcer.types import Face, Float, Image
from recordings import VideoTrack, grey, write


class Finder:
    """Finds two faces, the larger one second, but none in the first frame."""

    def __init__(self) -> None:
        self.frames = 0

    def detect(self, image: Image) -> list[Face]:
        self.frames += 1
        if self.frames == 1:
            return []
        landmarks = np.zeros((5, 2), np.float32)
        return [Face(np.array([0, 0, side, side], np.float32), landmarks, 0.9) for side in (8, 16)]


class Taker:
    """Takes the side of the box and the brightness for a picture."""

    def prepare(self, image: Image, box: Float) -> Float:
        return np.full((1, 48, 48), box[2] * 1000 + image.mean(), np.float32)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    write(tmp_path / "one.mp4", VideoTrack([grey(number) for number in range(16)]))
    (tmp_path / "labels.csv").write_text("path,label,speaker\none.mp4,Anger,ann\n", "utf-8")
    return tmp_path / "labels.csv"


def test_the_largest_face_is_looked_at_five_times_a_second(table: Path) -> None:
    finder: Any = Finder()
    taker: Any = Taker()
    seen = read_speaking(table, finder, taker)
    assert (seen.name, seen.labels.tolist(), seen.speakers.tolist()) == (table.parent.name, [1], ["ann"])
    values = seen.inputs[:, 0, 0, 0]
    assert np.all(values > 16_000)
    assert np.allclose(values - 16_000, [grey(number).mean() for number in (1, 6, 11)], atol=6)
    assert finder.frames == 4, "the detector is asked on frames that are due only"
    assert seen.owners.tolist() == [0, 0, 0]


def test_a_blend_is_no_label_here(table: Path) -> None:
    table.write_text("path,label\none.mp4,Angrily Surprised\n", "utf-8")
    finder: Any = Finder()
    taker: Any = Taker()
    with pytest.raises(InputError, match="the labels are Neutral"):
        read_speaking(table, finder, taker)


def test_clips_without_a_face_are_refused(table: Path) -> None:
    finder: Any = Finder()
    finder.detect = lambda image: []
    taker: Any = Taker()
    with pytest.raises(InputError, match="no face"):
        read_speaking(table, finder, taker)

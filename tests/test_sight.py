"""The pictures' way, with made-up models: a face is a bright square, and its grey is what it shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import numpy as np
import pytest

from avcer import sampling
from avcer.emotion.classify import ClassifyPlan
from avcer.emotion.dynamic import DynamicModel
from avcer.emotion.static import StaticModel
from avcer.prefetch import prefetch
from avcer.sampling import SamplingPlan as Plan
from avcer.sampling import batches
from avcer.sight import Eye, VisualModels, Watcher
from avcer.timing import Stages
from avcer.types import Boolean, Double, Face, FaceTrack, Float, Frame, Image
from fakes import Finder, boxes, card

EVERY_FRAME = Plan()


def _bright(image: Image) -> list[Face]:
    return [Face(box, np.zeros((5, 2), np.float32), 0.9) for box in boxes(image)]


def models(finder: Finder) -> VisualModels:
    def see(batch: Float) -> tuple[Float, ...]:
        grey = batch.mean(axis=(1, 2, 3))
        return np.stack([grey, *[np.zeros_like(grey)] * 6], axis=1), grey[:, None]

    def feel(windows: Float) -> tuple[Float, ...]:
        return (np.stack([windows[:, -1, 0], *[np.zeros(len(windows), np.float32)] * 6], axis=1),)

    static = StaticModel(card("static", margin=0.0, size=8), see)
    return VisualModels(finder, static, DynamicModel(card("dynamic"), feel))  # type: ignore[arg-type]


def frame(index: int, size: tuple[int, int] = (60, 80), face: bool = True) -> Frame:
    """Its face sways by thirty pixels, one a frame."""
    left = 10 + abs((index + 30) % 60 - 30)
    image = np.zeros((*size, 3), np.uint8)
    if face:
        image[10:40, left : left + 30] = 100 + index % 100
    return Frame(index, index / 25, image)


@dataclass
class Seen:
    """What a watcher made of all frames: their times, the tracks, and static and dynamic probabilities by track."""

    times_s: Double
    tracks: tuple[FaceTrack, ...]
    visual: dict[int, tuple[Double, Double]]


def track_and_classify(
    frames: Iterable[Frame],
    models: VisualModels,
    plan: Plan = EVERY_FRAME,
    stages: Stages | None = None,
    seen: Callable[[int], None] = lambda count: None,
) -> Seen:
    """Feeds all frames as a recording is fed, and finishes."""
    stages = stages or Stages()
    watcher = Watcher(models, plan, stages)
    eye = Eye(watcher, plan, seen)
    try:
        with closing(prefetch(batches(stages.timed("decode", frames), plan), count=1)) as ready:
            for batch in ready:
                eye.see(batch)
        eye.finish()
    finally:
        eye.close()
    visual = {track: (said["static"], said["dynamic"]) for track, said in watcher.probabilities().items()}
    return Seen(watcher.times_s(), watcher.tracks(), visual)


class Film:
    """Frames, and whether their source was closed."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames, self.closed, self.taken = frames, False, 0

    def __iter__(self) -> Iterator[Frame]:
        try:
            for one in self.frames:
                self.taken += 1
                yield one
        finally:
            self.closed = True


@pytest.mark.parametrize("plan", [
    Plan(), Plan(6, ClassifyPlan(None, 0.1)), Plan(10, ClassifyPlan(None, 0.1), detect_classified=True),
])  # fmt: skip
@pytest.mark.parametrize("frames", [1, 2, 23, 24, 25, 61])
def test_every_frame_has_its_face(plan: Plan, frames: int) -> None:
    seen = track_and_classify([frame(index) for index in range(frames)], models(Finder()), plan)
    assert seen.times_s == pytest.approx(np.arange(frames) / 25)
    static, dynamic = seen.visual[1]
    assert static.shape == dynamic.shape == (frames, 7)
    assert seen.tracks[0].frames.tolist() == list(range(frames))


def test_no_frames_are_nothing_seen() -> None:
    seen = track_and_classify([], models(Finder()))
    assert (seen.times_s.shape, seen.tracks, seen.visual) == ((0,), (), {})


def test_no_face_is_a_result() -> None:
    seen = track_and_classify(
        [frame(index, face=False) for index in range(30)], models(Finder()), Plan(6, ClassifyPlan(None, 0.1))
    )
    assert (len(seen.times_s), seen.tracks, seen.visual) == (30, (), {})


@pytest.mark.parametrize("begins", [22, 23, 24])
def test_a_face_may_begin_on_either_side_of_the_end_of_a_batch(begins: int) -> None:
    film = [frame(index, face=index >= begins) for index in range(30)]
    for plan in (Plan(), Plan(6, ClassifyPlan(None, 0.1))):
        seen = track_and_classify(film, models(Finder()), plan)
        assert seen.tracks[0].frames.tolist() == list(range(begins, 30))
        assert len(seen.visual[1][0]) == len(seen.visual[1][1]) == 30 - begins


def test_pictures_may_change_their_size() -> None:
    finder = Finder()
    film = [frame(index, (60, 80) if index < 10 else (120, 90)) for index in range(20)]
    seen = track_and_classify(film, models(finder))
    assert finder.shapes == [(60, 80)] * 10 + [(120, 90)] * 10
    # The picture was turned: no face is where it was, even if its box is.
    assert [track.frames.tolist() for track in seen.tracks] == [list(range(10)), list(range(10, 20))]


@pytest.mark.parametrize("plan", [Plan(), Plan(6, ClassifyPlan(None, 0.1))])
def test_a_face_is_followed_into_larger_pixels(plan) -> None:
    """A video call that begins small: the face is twice as large, and twice as far from the corner."""
    film = [frame(index) for index in range(20)]
    film = [one if one.index < 10 else replace(one, image=one.image.repeat(2, 0).repeat(2, 1)) for one in film]
    seen = track_and_classify(film, models(Finder()), plan)
    assert [track.frames.tolist() for track in seen.tracks] == [list(range(20))]
    np.testing.assert_allclose(seen.tracks[0].boxes[10], 2 * seen.tracks[0].boxes[9], atol=4)


def test_a_face_outside_the_picture_is_none() -> None:
    class Outside(Finder):
        def detect_batch(self, images: Sequence[Image]) -> list[list[Face]]:
            box = np.array([200, 10, 240, 50], np.float32)
            return [[*_bright(image), Face(box, np.zeros((5, 2), np.float32), 0.9)] for image in images]

    seen = track_and_classify([frame(index) for index in range(5)], models(Outside()))
    assert [track.id for track in seen.tracks] == [1]


@pytest.mark.parametrize(
    ("plan", "pixels", "frames"),
    [
        (Plan(), 640 * 360, 36), (Plan(6), 640 * 360, 36), (Plan(7), 640 * 360, 35),
        (Plan(40), 640 * 360, 40),
        (Plan(1, ClassifyPlan(10, 1.0)), 640 * 360, 30), (Plan(6), 1920 * 1080, 6), (Plan(1), 1920 * 1080, 7),
        (Plan(12), 1920 * 1080, 12), (Plan(6), 3840 * 2160, 6), (Plan(12), 3840 * 2160, 6),
        (Plan(6), 8000 * 6000, 1),
        (Plan(6, batch_scale=4), 640 * 360, 144), (Plan(6, batch_scale=4), 1920 * 1080, 30),
        (Plan(6, batch_scale=4), 3840 * 2160, 6),
    ],
)  # fmt: skip
def test_a_batch_is_bounded_in_frames_and_pixels_and_holds_whole_strides(plan: Plan, pixels: int, frames: int) -> None:
    assert plan.batch(pixels) == frames


def test_few_large_pictures_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MAX_BATCH_PIXELS", 60 * 80 * 3)
    done: list[int] = []
    track_and_classify([frame(index) for index in range(8)], models(Finder()), seen=done.append)
    assert done == [3, 6, 8]


def test_faces_are_looked_for_in_the_next_batch_meanwhile() -> None:
    beyond_the_first = Event()

    class Ahead(Finder):
        def detect_batch(self, images: Sequence[Image]) -> list[list[Face]]:
            found = super().detect_batch(images)
            if len(self.shapes) > sampling.MAX_BATCH:
                beyond_the_first.set()
            return found

    visual = models(Ahead())
    heard_of_it: list[bool] = []
    read = visual.static.predict

    def waits(batch: Float) -> Any:
        heard_of_it.append(beyond_the_first.wait(timeout=20))
        return read(batch)

    visual.static.predict = waits  # type: ignore[assignment,method-assign]
    track_and_classify([frame(index) for index in range(2 * sampling.MAX_BATCH)], visual)
    assert heard_of_it[0]


def test_two_threads_never_look_for_faces_at_once() -> None:
    class Alone(Finder):
        inside = False

        def detect_batch(self, images: Sequence[Image]) -> list[list[Face]]:
            assert not self.inside
            self.inside = True
            time.sleep(0.002)
            self.inside = False
            return super().detect_batch(images)

    finder = Alone()
    track_and_classify(
        [frame(index) for index in range(200)],
        models(finder),
        Plan(10, ClassifyPlan(5, 0.1), detect_classified=True),
    )
    assert len(finder.shapes) > 40


def test_an_error_closes_the_film_at_once() -> None:
    film = Film([frame(index) for index in range(200)])
    with pytest.raises(ArithmeticError) as caught:
        track_and_classify(film, models(Finder(fails_at=30)))
    assert caught.value.__traceback__ is not None
    assert film.closed
    assert film.taken <= 3 * sampling.MAX_BATCH


def test_an_error_of_the_film_is_raised() -> None:
    def film() -> Iterator[Frame]:
        yield frame(0)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        track_and_classify(film(), models(Finder()))


def test_the_stages_are_counted() -> None:
    stages = Stages()
    track_and_classify(
        [frame(index) for index in range(24)], models(Finder()), Plan(6, ClassifyPlan(None, 0.5)), stages
    )
    items = {name: stage["items"] for name, stage in stages.as_dict().items()}
    assert items == {"decode": 24, "cuts": 24, "detect": 5, "follow": 24, "mouth": 24, "static": 6, "dynamic": 5}


def trembling(index: int) -> Frame:
    """Its face is a pixel farther left on every third frame than on the others."""
    image = np.zeros((60, 80, 3), np.uint8)
    image[10:40, 20 - (index % 3 == 0) : 50] = 100
    return Frame(index, index / 25, image)


def boxes_found(plan: Plan, finder: Finder, frames: int = 50) -> Boolean:
    """Of each frame: whether the track's box is the one that the finder finds there."""
    (track,) = track_and_classify([trembling(index) for index in range(frames)], models(finder), plan).tracks
    truth = np.stack([_bright(trembling(index).image)[0].box for index in range(frames)])
    return np.asarray((track.boxes == truth).all(axis=1))


def test_where_a_face_is_looked_at_it_is_looked_for_and_its_track_has_it() -> None:
    plan, finder = ClassifyPlan(None, 1.0), Finder()
    found = boxes_found(Plan(10, plan, detect_classified=True), finder)
    classified, regular = {*range(0, 50, 5)}, {0, *range(9, 50, 10)}
    assert found[[*(classified | regular)]].all()
    assert not found.all()
    assert len(finder.shapes) == len(classified | regular)


def test_else_it_is_looked_at_where_it_is_taken_to_be() -> None:
    finder = Finder()
    found = boxes_found(Plan(10, ClassifyPlan(None, 1.0)), finder)
    assert not found[[5, 10, 15]].all()
    assert len(finder.shapes) == 6


def test_faces_that_are_looked_for_on_every_frame_are_looked_for_once() -> None:
    for plan in (
        Plan(1, ClassifyPlan(None, 0.1), detect_classified=True),
        Plan(10, ClassifyPlan(), detect_classified=True),
    ):
        finder = Finder()
        assert boxes_found(plan, finder).all()
        assert len(finder.shapes) == 50


def test_a_face_that_is_not_found_again_is_looked_at_where_it_is_taken_to_be() -> None:
    """On frame 5 it is missed, or far away, or nothing of it is left inside the picture."""
    for box in (None, [60, 10, 79, 40], [-31, 10, -1, 40]):

        class Fails(Finder):
            def detect_batch(self, images: Sequence[Image], box: Sequence[float] | None = box) -> list[list[Face]]:
                found = super().detect_batch(images)
                other = [] if box is None else [Face(np.array(box, np.float32), np.zeros((5, 2), np.float32), 0.9)]
                return [other if image[0, 0, 0] == 5 else faces for image, faces in zip(images, found, strict=True)]

        film = [frame(0) for _ in range(20)]
        film = [Frame(index, index / 25, one.image.copy()) for index, one in enumerate(film)]
        film[5].image[0, 0] = 5
        seen = track_and_classify(film, models(Fails()), Plan(10, ClassifyPlan(None, 1.0), detect_classified=True))
        assert seen.tracks[0].boxes[5].tolist() == seen.tracks[0].boxes[4].tolist()
        assert len(seen.visual[1][0]) == 20


def test_what_is_looked_for_later_counts_as_looking_for_faces() -> None:
    stages, finder = Stages(), Finder()
    track_and_classify(
        [trembling(index) for index in range(50)],
        models(finder),
        Plan(10, ClassifyPlan(None, 1.0), True),
        stages,
    )
    items = {name: stage["items"] for name, stage in stages.as_dict().items()}
    assert items["detect"] == len(finder.shapes) == 15

"""How often faces are classified, and what is said in between. Made-up models: a face's grey is what it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from avcer.emotion.classify import ClassifyPlan, FaceClassifier, Observation
from avcer.emotion.dynamic import DynamicModel
from avcer.emotion.static import StaticModel
from avcer.labels import BASIC
from avcer.timing import Stages
from avcer.types import Double, Float
from fakes import card

DUE = ClassifyPlan(None, 0.1)
RATE = 25
Mood = Callable[[int], int]
"""Of a frame: what the face shows, from 0 (Neutral) to 200 (nothing but Anger)."""


class Models:
    """The static model gives Anger its face's grey, and a feature that is the grey; the dynamic one believes the
    newest of a window. Both remember what they were given.
    """

    def __init__(self) -> None:
        self.greys: list[int] = []
        self.windows: list[list[int]] = []
        self.static = StaticModel(card("static", margin=0.0, size=8), self._see)
        self.dynamic = DynamicModel(card("dynamic"), self._feel)

    def _see(self, batch: Float) -> tuple[Float, ...]:
        greys = np.round(batch[:, 0, 0, 0] * 255)
        self.greys += greys.astype(int).tolist()
        return _logits(greys), greys[:, None]

    def _feel(self, windows: Float) -> tuple[Float, ...]:
        self.windows += windows[..., 0].astype(int).tolist()
        return (_logits(windows[:, -1, 0]),)


def _logits(greys: Float) -> Float:
    anger = np.clip(greys / 200, 1e-6, 1 - 1e-6)
    logits = np.full((len(greys), len(BASIC)), -30, np.float32)
    logits[:, 0], logits[:, 1] = np.log(1 - anger), np.log(anger)
    return logits


def sighting(frame: int, grey: int, track: int = 1, time_s: float | None = None) -> Observation:
    image = np.full((40, 40, 3), grey, np.uint8)
    when = frame / RATE if time_s is None else time_s
    return Observation(track, frame, when, image, np.array([4, 4, 36, 36], np.float32))


class Read:
    """What a reader made of sightings, ``size`` of them a batch: ``anger (N,)`` and ``felt (N,)`` of each track."""

    def __init__(self, sightings: Sequence[Observation], plan: ClassifyPlan, size: int = 24) -> None:
        self.models, self.stages = Models(), Stages()
        reader = FaceClassifier(self.models.static, self.models.dynamic, plan, self.stages)
        for start in range(0, len(sightings), size):
            reader.classify(sightings[start : start + size])
        self.tracks = reader.probabilities()

    def anger(self, track: int = 1) -> Double:
        return self.tracks[track][0][:, 1]

    def felt(self, track: int = 1) -> Double:
        return self.tracks[track][1][:, 1]

    @property
    def classified(self) -> int:
        return len(self.models.greys)


def clip(mood: Mood, frames: int = 100) -> list[Observation]:
    return [sighting(frame, mood(frame)) for frame in range(frames)]


def shaky(frame: int) -> int:
    return int(np.random.default_rng(frame).integers(0, 201))


def slow(frame: int) -> int:
    return frame // 5


def jump(frame: int) -> int:
    return 20 if frame < 33 else 180


def test_every_frame_is_as_if_looked_at_one_by_one() -> None:
    sightings = clip(shaky)
    read = Read(sightings, ClassifyPlan())
    models = Models()
    one_by_one = [models.static.predict(models.static.prepare(s.image, s.box)[None]) for s in sightings]  # type: ignore[index]
    assert np.array_equal(read.tracks[1][0], np.concatenate([output.probabilities for output in one_by_one]))
    assert read.models.greys == models.greys
    window, felt = models.dynamic.window(), []
    for seen, output in zip(sightings, one_by_one, strict=True):
        due = window.push(seen.time_s, output.features[0])
        felt.append(felt[-1] if due is None else models.dynamic.predict(due[None])[0])
    assert np.array_equal(read.tracks[1][1], np.stack(felt))


@pytest.mark.parametrize("size", [1, 7, 100])
def test_looking_at_every_frame_does_not_depend_on_the_batches(size: int) -> None:
    usual, other = Read(clip(shaky), ClassifyPlan()), Read(clip(shaky), ClassifyPlan(), size)
    assert np.array_equal(usual.tracks[1], other.tracks[1])
    assert usual.models.windows == other.models.windows


@pytest.mark.parametrize("mood", [slow, jump, shaky])
@pytest.mark.parametrize("size", [5, 24])
def test_the_dynamic_model_gets_what_it_would_get_of_every_frame(mood: Mood, size: int) -> None:
    sparse, full = Read(clip(mood), DUE, size), Read(clip(mood), ClassifyPlan(), size)
    assert sparse.models.windows == full.models.windows
    assert np.array_equal(sparse.felt(), full.felt())


def test_a_steady_face_is_looked_at_five_times_a_second_and_at_the_end_of_each_batch() -> None:
    read = Read(clip(slow), DUE, size=25)
    looked_at = [*range(0, 100, 5), 24, 49, 74, 99]
    assert sorted(read.models.greys) == sorted(slow(frame) for frame in looked_at)
    assert np.abs(read.anger() - Read(clip(slow), ClassifyPlan()).anger()).max() < 0.006


@pytest.mark.parametrize("place", [31, 33, 48, 50])
def test_where_two_samples_differ_those_between_are_halved_until_neighbours_agree(place: int) -> None:
    sightings = clip(lambda frame: 20 if frame < place else 180)
    read, full = Read(sightings, DUE, size=25), Read(sightings, ClassifyPlan())
    np.testing.assert_allclose(read.anger(), full.anger(), atol=1e-9)
    assert read.classified <= 24 + 3  # of five frames' gap, no more than three are looked at


def test_nothing_is_looked_at_twice() -> None:
    sightings = [sighting(frame, frame) for frame in range(100)]  # half a percent a frame, 2.5 % a sample
    greys = Read(sightings, ClassifyPlan(None, 0.01)).models.greys
    assert len(greys) == len(set(greys))
    assert len(greys) > 40


def test_a_regular_plan_looks_at_every_so_many_frames_however_they_change() -> None:
    read = Read(clip(jump), ClassifyPlan(10, 1.0), size=20)
    assert read.classified == 11  # the first, 9, 19, .. 99
    assert read.anger()[29:40] == pytest.approx(np.linspace(0.1, 0.9, 11), abs=1e-6)


def test_between_two_samples_time_counts_and_not_frames() -> None:
    times_s = [0.0, 0.01, 0.02, 0.15, 0.18, 0.2, 0.21, 0.39, 0.4]
    read = Read([sighting(i, 100 + i, time_s=t) for i, t in enumerate(times_s)], DUE)
    assert sorted(read.models.greys) == [100, 105, 108]
    expected = np.interp(times_s, [0.0, 0.2, 0.4], [0.5, 0.525, 0.54])
    np.testing.assert_allclose(read.anger(), expected, atol=1e-6)


def test_several_faces_each_have_their_own_readings() -> None:
    """The second begins in the middle of a batch, and the third on the last frame of one."""
    sightings = [
        sighting(frame, grey, track)
        for frame in range(60)
        for track, begin, grey in [(1, 0, slow(frame)), (2, 30, jump(frame)), (3, 47, 150)]
        if frame >= begin
    ]
    batches = [[one for one in sightings if one.frame // 24 == batch] for batch in range(3)]
    models = Models()
    reader = FaceClassifier(models.static, models.dynamic, DUE, Stages())
    for batch in batches:
        reader.classify(batch)
    together = reader.probabilities()
    assert [len(together[track][0]) for track in (1, 2, 3)] == [60, 30, 13]
    np.testing.assert_allclose(together[2][0][:, 1], [jump(frame) / 200 for frame in range(30, 60)], atol=1e-6)
    np.testing.assert_allclose(together[3][0][:, 1], 0.75, atol=1e-6)
    np.testing.assert_allclose(together[3][1][:, 1], 0.75, atol=1e-6)


def test_a_missed_face_has_no_rows_and_is_looked_at_when_it_is_back() -> None:
    seen = [frame for frame in range(48) if not 10 <= frame < 30]
    sightings = [sighting(frame, jump(frame)) for frame in seen]
    read, full = Read(sightings, DUE), Read(sightings, ClassifyPlan())
    assert len(read.anger()) == len(seen)
    assert read.models.windows == full.models.windows
    np.testing.assert_allclose(read.anger(), full.anger(), atol=1e-9)


def test_a_batch_without_faces_and_a_clip_without_any() -> None:
    models = Models()
    reader = FaceClassifier(models.static, models.dynamic, DUE, Stages())
    reader.classify([])
    assert reader.probabilities() == {}
    reader.classify([sighting(0, 100)])
    reader.classify([])
    reader.classify([sighting(1, 100)])
    static, dynamic = reader.probabilities()[1]
    assert static.shape == dynamic.shape == (2, 7)
    assert static[:, 1] == pytest.approx([0.5, 0.5])


def test_the_stages_count_samples_and_windows() -> None:
    read = Read(clip(slow, 50), DUE, size=25)
    items = {name: stage["items"] for name, stage in read.stages.as_dict().items()}
    assert items == {"static": read.classified, "dynamic": len(read.models.windows)} == {"static": 12, "dynamic": 10}


def test_a_face_is_looked_at_where_it_is_said_to_be() -> None:
    """The right half of each picture is of another grey. Only what is looked at is asked for, and once."""
    asked: list[int] = []

    def right_half(sightings: Sequence[Observation]) -> list[Float]:
        asked.extend(one.frame for one in sightings)
        return [np.array([24, 12, 36, 24], np.float32) for _ in sightings]

    sightings = clip(jump)
    for one in sightings:
        one.image[:, 20:] = 200 - jump(one.frame)
    models = Models()
    reader = FaceClassifier(models.static, models.dynamic, DUE, Stages())
    for start in range(0, 100, 25):
        reader.classify(sightings[start : start + 25], right_half)
    assert len(asked) == len(set(asked)) == len(models.greys)
    assert sorted(set(models.greys)) == [20, 180]
    anger = reader.probabilities()[1][0][:, 1]
    np.testing.assert_allclose(anger, [1 - jump(frame) / 200 for frame in range(100)], atol=1e-6)


def test_a_box_outside_its_picture_is_a_fault_of_the_caller() -> None:
    """Not a face less: that would be missed among the others' answers."""
    outside = np.array([50, 4, 70, 36], np.float32)
    models = Models()
    reader = FaceClassifier(models.static, models.dynamic, DUE, Stages())
    with pytest.raises(AssertionError, match="frame 7: the box"):
        reader.classify([sighting(6, 20), sighting(7, 20, track=2)], lambda some: [some[0].box, outside][: len(some)])
    assert not models.greys

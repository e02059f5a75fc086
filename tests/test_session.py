"""Sessions on made-up models: what is settled stays, and put together it is the analysis."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avcer.analysis import Analysis, FaceAnalysis
from avcer.decision.fuse import MEAN
from avcer.decision.policy import Policy
from avcer.decision.smoothing import Smoother
from avcer.emotion.classify import ClassifyPlan
from avcer.errors import UsageError
from avcer.hearing import Windows
from avcer.media import SoundBlock
from avcer.sampling import SamplingPlan
from avcer.session import Models, Session, SessionPlan
from avcer.settled import Update
from avcer.types import PER_FRAME, Clip, ExpressionTimeline, Frame
from fakes import RATE, Finder, Square, audio_model, film, speech, visual_models

SPARSE = SamplingPlan(10, ClassifyPlan(None, 0.1), detect_classified=True)
LIVE = replace(SPARSE, latency_s=0.4)
CLIP = Clip(Path("made-up.mp4"), 8.0, 200, float(RATE), 160, 120, 0, has_video=True, has_audio=True)


def one_who_sways(index: int) -> Sequence[Square]:
    return [Square(10 + abs(index % 60 - 30), grey=60 + index % 120)]


def two_of_whom_one_is_missed(index: int) -> Sequence[Square]:
    """The small one on the left is missed for 0.6 s, twice; the large one comes late, and goes for good."""
    small = [] if 40 <= index < 55 or 90 <= index < 105 else [Square(2, side=18, grey=100 + index % 50)]
    large = [Square(40, side=36, grey=200)] if 70 <= index < 150 else []
    return [*small, *large]


def nobody_in_the_middle(index: int) -> Sequence[Square]:
    return [] if 60 <= index < 130 else [Square(20, grey=90)]


def nobody(index: int) -> Sequence[Square]:
    return []


Scene = Callable[[int], Sequence[Square]]
SCENES: list[Scene] = [one_who_sways, two_of_whom_one_is_missed, nobody_in_the_middle, nobody]


def session(info: Clip | None = CLIP, finder: Any = None, fill_gaps: bool = False, **plan: Any) -> Session:
    policy = Policy(MEAN, rule="sum", fill_gaps=fill_gaps)
    chosen = SessionPlan(**{"sampling": SPARSE, "windows": Windows(2.0, 0.5), "leadership": "largest-now", **plan})
    return Session(Models(visual_models(finder), audio_model(), policy), chosen, info)


def fed(one: Session, frames: Iterable[Frame], sound: Iterable[SoundBlock]) -> Iterator[Update]:
    """The updates of a session that is fed in the order of time, each asked for as soon as there may be one."""
    waiting = iter(sound)
    block = next(waiting, None)
    for frame in frames:
        while block is not None and block.start_s <= frame.time_s:
            one.hear(block)
            block = next(waiting, None)
        one.see([frame])
        yield from one.updates()
    while block is not None:
        one.hear(block)
        yield from one.updates()
        block = next(waiting, None)


def run(one: Session, frames: Iterable[Frame], sound: Iterable[SoundBlock]) -> tuple[list[Update], Analysis]:
    updates = list(fed(one, frames, sound))
    analysis = one.finish()
    return [*updates, *one.updates()], analysis


def by_face(faces: Iterable[FaceAnalysis]) -> dict[int | None, list[FaceAnalysis]]:
    parts: dict[int | None, list[FaceAnalysis]] = {}
    for face in faces:
        parts.setdefault(face.id, []).append(face)
    return parts


def joined(parts: Sequence[Any], get: Callable[[Any], Any]) -> Any:
    return np.concatenate([get(part) for part in parts])


def same_face(parts: Sequence[FaceAnalysis], whole: FaceAnalysis) -> None:
    """The rows of a face, put together, are those of the analysis."""
    assert joined(parts, lambda face: face.frames).tolist() == whole.frames.tolist()
    if whole.track is not None:
        for name in ("frames", "boxes", "landmarks", "scores"):
            put = joined(parts, lambda face, name=name: getattr(face.track, name))
            assert np.array_equal(put, getattr(whole.track, name)), name
    for name in whole.said:
        for part in ("times_s", "values", "valid"):
            put = joined(parts, lambda face, name=name, part=part: getattr(face.said[name], part))
            assert np.array_equal(put, getattr(whole.said[name], part)), (name, part)
    np.testing.assert_allclose(joined(parts, lambda face: face.fused.values), whole.fused.values, atol=1e-12)
    assert np.array_equal(joined(parts, lambda face: face.fused.valid), whole.fused.valid)
    for heading in ("AV", *whole.curves):
        for name in PER_FRAME:
            put = joined(parts, lambda face, heading=heading, name=name: getattr(face.curve(heading), name))
            np.testing.assert_allclose(put, getattr(whole.curve(heading), name), atol=1e-12, err_msg=name)


def same(updates: Sequence[Update], analysis: Analysis) -> None:
    """The updates, put together, are the analysis."""
    assert joined(updates, lambda one: one.times_s).tolist() == analysis.times_s.tolist()
    firsts = np.cumsum([0, *[len(one.times_s) for one in updates]])[:-1]
    assert [one.first for one in updates] == firsts.tolist()
    assert joined(updates, lambda one: one.leads).tolist() == analysis.leads.tolist()
    assert np.array_equal(joined(updates, lambda one: one.audio.values), analysis.audio.values)
    assert np.array_equal(joined(updates, lambda one: one.audio.valid), analysis.audio.valid)
    parts = by_face(face for one in updates for face in one.faces)
    assert set(parts) == {face.id for face in analysis.faces}
    for whole in analysis.faces:
        same_face(parts[whole.id], whole)
    put = sorted((s for one in updates for s in one.segments), key=lambda s: (s.start_s, str(s.face)))
    whole_segments = sorted(analysis.segments, key=lambda s: (s.start_s, str(s.face)))
    assert [(s.face, s.start_s, s.label) for s in put] == [(s.face, s.start_s, s.label) for s in whole_segments]
    assert [s.end_s for s in put] == pytest.approx([s.end_s for s in whole_segments])
    assert [s.probability for s in put] == pytest.approx([s.probability for s in whole_segments])


@pytest.mark.parametrize("sampling", [SamplingPlan(), SPARSE, LIVE], ids=["every frame", "sparse", "live"])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
@pytest.mark.parametrize("sound_for", ["primary", "all"])
def test_updates_put_together_are_the_analysis(scene: Scene, sampling: SamplingPlan, sound_for: str) -> None:
    one = session(sampling=sampling, sound_for=sound_for, fill_gaps=True)
    updates, analysis = run(one, film(scene, 200), speech(7.0))
    assert len(updates) > 3
    assert len(analysis.times_s) == 200
    same(updates, analysis)
    assert {one.leadership for one in updates} == {"largest-now"}


class Hold:
    """Says the first class that a face had for ever; of a whole clip, the last one."""

    def whole(self) -> Smoother:
        return lambda rows: replace(rows, classes=np.full(len(rows.classes), rows.classes[-1]))

    def causal(self) -> Smoother:
        first: list[int] = []

        def hold(rows: ExpressionTimeline) -> ExpressionTimeline:
            first.extend(rows.classes.tolist()[:1])
            return replace(rows, classes=np.full(len(rows.classes), first[0]))

        return hold


def test_smoothing_reaches_updates_and_analysis_in_the_form_that_goes_with_the_leadership() -> None:
    frames, sound = film(two_of_whom_one_is_missed, 200), list(speech(7.0))
    plain = run(session(), frames, sound)[1]
    assert any(len(set(face.expression.classes)) > 1 for face in plain.faces)
    updates, analysis = run(session(smoothing=Hold()), frames, sound)
    same(updates, analysis)
    _, whole = run(session(smoothing=Hold(), leadership="whole-clip"), frames, sound)
    for before, now, later in zip(plain.faces, analysis.faces, whole.faces, strict=True):
        assert set(now.expression.classes) == {before.expression.classes[0]}
        assert len(set(later.expression.classes)) == 1
        assert len({segment.label for segment in later.segments}) == 1


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_asking_for_updates_changes_nothing(scene: Scene) -> None:
    one, other = session(), session()
    _, asked = run(one, film(scene, 200), speech(7.0))
    other.see(film(scene, 200))
    for block in speech(7.0):
        other.hear(block)
    silent = other.finish()
    same([*other.updates()], asked)
    assert np.array_equal(silent.audio.values, asked.audio.values)


def test_without_sound_rows_settle_with_their_batch() -> None:
    one = session(replace(CLIP, has_audio=False), sampling=SamplingPlan())
    updates, analysis = run(one, film(one_who_sways, 200), ())
    assert [len(update.times_s) for update in updates] == [36, 36, 36, 36, 56]  # the last two in the end
    assert not analysis.audio.valid.any()
    assert "decided from sight alone" in analysis.warnings


def test_rows_wait_for_the_sound_that_can_still_change_them() -> None:
    """A window of two seconds that has not begun yet may still hold a frame."""
    one = session(sampling=SamplingPlan())
    one.see(film(one_who_sways, 200))
    assert list(one.updates()) == []
    for block in speech(4.0):
        one.hear(block)
    (update,) = one.updates()
    assert update.times_s[-1] < 2.0  # the window that begins at 2 s is complete, the next is not
    assert update.audio.valid.all()


def test_a_live_row_takes_what_has_been_heard_and_waits_for_nothing() -> None:
    one = session(sampling=LIVE)
    _, analysis = run(one, film(one_who_sways, 150), speech(6.0))
    assert not analysis.audio.valid[:50].any()  # the first window of two seconds is not full yet
    assert analysis.audio.valid[60:].all()
    first = next(fed(session(sampling=LIVE), film(one_who_sways, 100), ()))
    assert first.times_s[-1] <= 0.24


def test_live_a_window_of_sound_counts_as_soon_as_it_is_full() -> None:
    one = session(sampling=LIVE)
    for block in speech(2.0):
        one.hear(block)
    one.see(film(one_who_sways, 1, first_s=2.02))
    one.flush()
    (update,) = one.updates()
    assert update.audio.valid.all()


def test_a_silent_end_does_not_go_on_for_ever() -> None:
    one = session(sampling=LIVE)
    _, analysis = run(one, film(one_who_sways, 150), speech(3.0))
    assert analysis.audio.valid[75]
    assert not analysis.audio.valid[110:].any()


def test_the_first_update_of_a_live_feed_comes_within_half_a_second() -> None:
    one = session(None, sampling=replace(SPARSE, latency_s=0.5))
    started = time.perf_counter()
    for frame in film(one_who_sways, 50):
        time.sleep(max(started + frame.time_s - time.perf_counter(), 0))
        one.see([frame])
        if list(one.updates()):
            break
    assert time.perf_counter() - started < 0.5


def test_every_live_row_is_known_within_the_limit_of_the_feeds_own_time() -> None:
    one = session(None, sampling=replace(SPARSE, latency_s=0.4))
    for frame in film(one_who_sways, 100):
        one.see([frame])
        for update in one.updates():
            assert frame.time_s - update.times_s[0] <= 0.4


def test_a_session_that_is_told_nothing_finds_out() -> None:
    one = session(None)
    _, analysis = run(one, film(one_who_sways, 100, first_s=3.0), speech(4.0, first_s=3.0))
    assert (analysis.clip.width, analysis.clip.height, analysis.clip.frame_count) == (160, 120, 100)
    assert analysis.clip.average_rate == pytest.approx(RATE)
    assert analysis.clip.duration_s == pytest.approx(4.0)
    assert analysis.clip.start_s == pytest.approx(3.0)
    assert analysis.clip.rotation == 0
    assert analysis.clip.has_audio
    assert analysis.clip.sizes == ((0, 160, 120),)


@pytest.mark.parametrize(("frames", "rate"), [(6, 10.0), (2, 10.0), (1, RATE)])
def test_the_rate_of_a_short_film_is_found_out_too(frames: int, rate: float) -> None:
    one = session(None)
    one.see([replace(frame, time_s=5 + frame.index / 10) for frame in film(one_who_sways, frames)])
    clip = one.finish().clip
    assert clip.average_rate == pytest.approx(rate)
    assert clip.duration_s == pytest.approx(frames / rate)
    assert (clip.start_s, clip.frame_count, clip.has_audio) == (5.0, frames, False)


def test_frames_are_counted_anew_and_must_rise() -> None:
    one = session(None)
    frames = [Frame(index + 7, frame.time_s, frame.image) for index, frame in enumerate(film(one_who_sways, 40))]
    one.see(frames)
    with pytest.raises(UsageError, match="must rise in time"):
        one.see(frames[-1:])
    analysis = one.finish()
    assert analysis.faces[0].frames.tolist() == list(range(40))


def test_of_frames_of_which_one_is_refused_none_is_taken() -> None:
    one = session(None)
    frames = film(one_who_sways, 4)
    with pytest.raises(UsageError, match="must rise in time"):
        one.see([frames[0], frames[1], frames[1]])
    one.see(frames)
    analysis = one.finish()
    assert len(analysis.times_s) == 4
    assert [size[0] for size in analysis.clip.sizes] == [0]


@pytest.mark.parametrize(
    "image",
    [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((0, 0, 3), np.uint8), np.zeros((8, 8, 3))],
)
def test_a_picture_that_is_not_bgr_is_refused_in_words(image: Any) -> None:
    with session(None) as one, pytest.raises(UsageError, match=r"at 0\.5 s must be \(height, width, 3\) of uint8"):
        one.see([Frame(0, 0.5, image)])


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (np.zeros((2, 100), np.float32), r"mono, \(n,\) of float32"),
        (np.zeros(100, np.int16), "it is .* of int16"),
        (np.array([0.1, np.nan], np.float32), "no number"),
    ],
)
def test_sound_that_is_not_mono_or_no_number_is_refused_in_words(samples: Any, told: str) -> None:
    with session(None) as one, pytest.raises(UsageError, match=told):
        one.hear(SoundBlock(0.0, samples))


def test_the_whole_clips_leader_is_chosen_at_the_end() -> None:
    """The large face is there for a shorter time, yet has the larger area x time."""
    scene = two_of_whom_one_is_missed
    _, now = run(session(leadership="largest-now"), film(scene, 200), speech(8.0))
    updates, whole = run(session(leadership="whole-clip"), film(scene, 200), speech(8.0))
    assert now.primary == whole.primary == 2
    assert set(whole.leads[70:150]) == {2}
    assert set(now.leads[70:82]) == {1}  # it takes over after half a second
    assert set(now.leads[84:150]) == {2}
    assert joined(updates, lambda one: one.leads).tolist() == now.leads.tolist()
    assert {one.leadership for one in updates} == {"largest-now"}


def test_the_primary_face_is_the_one_that_is_seen_longest_wherever_in_the_clip() -> None:
    def one_after_another(index: int) -> Sequence[Square]:
        return [Square(10, side=30)] if index < 110 else [Square(70, side=30)]

    _, analysis = run(session(), film(one_after_another, 200), ())
    assert analysis.primary == 1
    assert [len(face.frames) for face in analysis.faces] == [110, 90]


def test_in_the_whole_clip_the_face_leads_that_is_seen_longest_wherever_in_the_clip() -> None:
    def one_before_the_other(index: int) -> Sequence[Square]:
        return [*[Square(10, side=30)] * (index < 110), *[Square(70, side=30)] * (index >= 100)]

    _, analysis = run(session(leadership="whole-clip"), film(one_before_the_other, 200), ())
    assert analysis.leads.tolist() == [1] * 110 + [2] * 90


def test_what_a_session_holds_goes_with_it() -> None:
    """Without a circle that Python would have to look for: its arrays are large."""
    gc.disable()
    try:
        one = session()
        run(one, film(one_who_sways, 50), speech(2.0))
        gone = weakref.ref(one)
        del one
        assert gone() is None
    finally:
        gc.enable()


def test_no_frames_at_all_are_an_analysis() -> None:
    one = session(None)
    analysis = one.finish()
    assert len(analysis.times_s) == 0
    assert list(one.updates()) == []


def test_an_error_of_the_detector_is_raised_where_the_session_is_fed_and_ends_its_thread() -> None:
    frames, before = film(one_who_sways, 200), set(threading.enumerate())
    with session(finder=Finder(fails_at=3)) as one, pytest.raises(ArithmeticError):
        one.see(frames)
    assert not set(threading.enumerate()) - before


def test_portraits_are_kept_for_what_cannot_be_read_again_in_bounded_number() -> None:
    one = session(None, portraits=True)
    one.see(film(one_who_sways, 200))
    (album,) = one.finish().portraits.values()
    assert sorted(album) == [round(second * RATE) for second in np.arange(0, 8, 0.52)]
    assert {picture.shape for picture in album.values()} == {(160, 160, 3)}
    assert not run(session(), film(one_who_sways, 50), ())[1].portraits


def test_the_real_time_factor_is_by_the_clip_and_0_where_that_has_no_length() -> None:
    one = session()
    one.started -= 4.0
    assert 0.5 <= one._timings(CLIP)["real_time_factor"] < 5
    assert one._timings(replace(CLIP, duration_s=0.5))["real_time_factor"] >= 8
    assert one._timings(replace(CLIP, duration_s=0.0))["real_time_factor"] == 0


@pytest.mark.parametrize(("side", "told"), [(79, True), (80, False), (0, False)])
def test_a_large_picture_without_a_face_is_a_reason_to_look_closer(side: int, told: bool) -> None:
    """Of 160 pixels: more than twice what the detector sees."""
    _, analysis = run(session(None, detector_side=side), film(nobody, 10), ())
    (warning,) = analysis.warnings
    assert warning.startswith("no face was found: nothing to decide from")
    closer = f"the picture is 160 pixels long and faces are detected at {side}"
    assert (closer in warning and warning.endswith("try --longest-side 80")) is told
    _, found = run(session(None, detector_side=side), film(one_who_sways, 10), ())
    assert found.warnings == ("decided from sight alone",)


def test_what_there_was_no_face_or_no_voice_for_is_said() -> None:
    _, both = run(session(None), film(one_who_sways, 100), speech(4.0))
    assert both.warnings == ()
    _, heard = run(session(None), film(nobody, 100), speech(4.0))
    assert heard.warnings == ("no face was found: decided from sound alone",)
    silence = [SoundBlock(block.start_s, 0 * block.samples) for block in speech(4.0)]
    _, silent = run(session(None), film(one_who_sways, 100), silence)
    assert silent.warnings == ("the sound is digital silence", "decided from sight alone")


@pytest.mark.parametrize(("late_s", "told"), [(0.0, False), (1.0, False), (1.04, True)])
def test_sound_that_comes_after_its_frames_have_settled_is_worth_a_warning(late_s: float, told: bool) -> None:
    one = session(None, sampling=LIVE)
    one.see(film(one_who_sways, 1 + round(late_s * RATE), first_s=3.0))
    one.flush()
    list(one.updates())
    for block in speech(2.0, first_s=3.0):
        one.hear(block)
    found = [line for line in one.finish().warnings if "settled before their sound came" in line]
    assert found == ([f"{late_s:.1f} s of frames were settled before their sound came: feed it first, or say `info`"]
                     if told else [])  # fmt: skip


def test_progress_counts_up_to_what_the_clip_was_said_to_hold() -> None:
    told: dict[str, list[tuple[int, int]]] = {"pictures": [], "sound": []}
    policy = Policy(MEAN, rule="sum")
    for info, totals in ((CLIP, {"pictures": 200, "sound": 16}), (None, {"pictures": 0, "sound": 0})):
        plan = SessionPlan(SPARSE, Windows(2.0, 0.5))
        one = Session(Models(visual_models(), audio_model(), policy), plan, info,
                      lambda stage, done, total: told[stage].append((done, total)))  # fmt: skip
        run(one, film(one_who_sways, 210), speech(9.0))
        assert told["pictures"][-1] == (210, 210 if totals["pictures"] else 0)
        assert told["sound"][-1] == (18, 18 if totals["sound"] else 0)
        for stage, total in totals.items():
            assert told[stage][0][1] == total
            assert [done for done, _ in told[stage]] == sorted(done for done, _ in told[stage])
            told[stage].clear()


def test_pictures_of_another_size_are_noted_where_they_begin() -> None:
    one = session(None)
    one.see(film(one_who_sways, 10))
    one.see([replace(frame, time_s=1 + frame.time_s) for frame in film(one_who_sways, 10, size=(240, 320))])
    clip = one.finish().clip
    assert clip.sizes == ((0, 160, 120), (10, 320, 240))
    assert (clip.width, clip.height) == (160, 120)

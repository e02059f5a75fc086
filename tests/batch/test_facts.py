"""What the record keeps of an analysis, counted by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pytest

from avcer.analysis import Analysis
from avcer.batch.facts import facts
from avcer.decision.fuse import MEAN
from avcer.decision.policy import Policy
from avcer.labels import BASIC
from avcer.media import SoundBlock
from avcer.provenance import Provenance
from avcer.session import Models, Session, SessionPlan
from fakes import Square, audio_model, film, speech, visual_models


def analysed(place: Callable[[int], Sequence[Square]], frames: int = 50, sound: Iterable[SoundBlock] = ()) -> Analysis:
    one = Session(Models(visual_models(), audio_model(), Policy(MEAN, rule="gated")), SessionPlan())
    for block in sound:
        one.hear(block)
    one.see(film(place, frames))
    return one.finish()


def test_a_face_that_is_there_for_a_part_of_the_clip() -> None:
    """For 1.6 s of 2, of which 0.4 s angry; a smaller face, which is angry, for a tenth of the clip."""

    def place(index: int) -> Sequence[Square]:
        large = [Square(10, side=40, grey=250 if 10 <= index < 20 else 60)] if index < 40 else []
        return [*large, *([Square(100, side=20, grey=250)] if index < 5 else [])]

    analysis = replace(analysed(place), provenance=Provenance(timings={"seconds": 1.23456}))
    kept = facts(analysis)
    assert (kept["duration_s"], kept["frames"], kept["face_share"], kept["work_s"]) == (2.0, 50, 0.8, 1.235)
    assert (kept["sound_share"], kept["warnings"]) == (0.0, ["decided from sight alone"])
    large, small = kept["faces"]
    assert (large["face"], large["primary"], small["face"], small["primary"]) == (1, True, 2, False)
    assert (large["seconds_seen"], large["segments"]) == (1.6, 3)
    assert large["shares"] == pytest.approx({"none": 0.75, "Angrily Surprised": 0.25})
    assert large["counts"] == {"none": 2, "Angrily Surprised": 1}
    assert (small["seconds_seen"], small["shares"]) == (0.2, {"Angrily Surprised": 1.0})
    assert large["probability"] == pytest.approx(small["probability"] / 4, abs=0.02)
    assert set(small["means"]) == set(BASIC)
    told = [
        large["probability"],
        *small["means"].values(),
        *facts(analysed(place, frames=48))["faces"][0]["means"].values(),
    ]
    assert told == [round(one, 4) for one in told]
    assert small["means"]["Anger"] == pytest.approx(0.98, abs=0.02)
    assert small["means"]["Anger"] + small["means"]["Neutral"] == pytest.approx(1, abs=1e-3)


def test_a_clip_without_a_face_has_a_voice_that_is_nobodys() -> None:
    kept = facts(analysed(lambda _: [], sound=speech(2.0)))
    assert (kept["face_share"], kept["sound_share"]) == (0.0, 1.0)
    (voice,) = kept["faces"]
    assert (voice["face"], voice["primary"]) == (None, False)
    assert voice["seconds_seen"] == pytest.approx(2.0)


def test_a_clip_without_a_frame_has_no_shares() -> None:
    kept = facts(analysed(lambda _: [], frames=0))
    assert (kept["frames"], kept["duration_s"], kept["face_share"], kept["sound_share"]) == (0, 0.0, 0.0, 0.0)


def test_times_have_three_digits_and_work_that_nobody_measured_is_none() -> None:
    analysis = replace(analysed(lambda _: []), provenance=Provenance())
    kept = facts(replace(analysis, clip=replace(analysis.clip, duration_s=1.23456)))
    assert (kept["duration_s"], kept["work_s"]) == (1.235, 0.0)


def test_a_clip_in_which_nobody_is_seen_or_heard() -> None:
    for face in facts(analysed(lambda _: []))["faces"]:
        assert (face["seconds_seen"], face["probability"], face["shares"], face["means"]) == (0, None, {}, {})

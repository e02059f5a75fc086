"""What is heard of a sound, window by window."""

from __future__ import annotations

import numpy as np

from avcer.decision.person import usual_in
from avcer.hearing import Ear, hear_all
from avcer.media import SoundBlock
from fakes import Downs, UpsAndDowns, audio_model, speech


def test_both_answers_are_kept() -> None:
    heard = hear_all(speech(6), Ear(audio_model(UpsAndDowns())))
    second = hear_all(speech(6), Ear(audio_model(Downs())))
    np.testing.assert_array_equal(heard.relative, second.logits)
    np.testing.assert_array_equal(heard.as_relative().logits, heard.relative)
    assert (heard.has_relative, second.has_relative) == (True, False)
    np.testing.assert_array_equal(second.as_relative().logits, second.logits)
    assert second.usual(np.arange(3.0)) is None


def test_a_speaker_is_known_by_the_mean_over_the_frames() -> None:
    heard, times_s = hear_all(speech(6), Ear(audio_model(UpsAndDowns()))), np.arange(0, 8, 0.04)
    frames = heard.as_relative().on_frames(times_s)
    assert not frames.valid.all()
    wanted = usual_in({"audio": frames.values[frames.valid]})["audio"]
    np.testing.assert_allclose(heard.usual(times_s), wanted)
    assert heard.usual(np.array([99.0])) is None


def test_nobody_is_known_by_silence() -> None:
    silence = [SoundBlock(0.0, np.zeros(32_000, np.float32))]
    assert hear_all(silence, Ear(audio_model())).usual(np.arange(3.0)) is None
    assert hear_all([], Ear(audio_model())).usual(np.arange(3.0)) is None

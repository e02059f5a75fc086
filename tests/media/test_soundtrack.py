"""The sound of a recording for another file, packet by packet."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from avcer.media import open_sound
from avcer.media.soundtrack import soundtrack
from recordings import AudioTrack, VideoTrack, grey, tone, write

VIDEO = VideoTrack([grey(number) for number in range(5)])


def recording(folder: Path, codec: str, channels: int = 1) -> Path:
    """A few pictures, and three seconds of sound."""
    return write(folder / "clip.mkv", VIDEO, AudioTrack(tone(3, channels=channels), codec))


def given(
    path: Path, *until_s: float, zero_s: float = 0.0, span_s: tuple[float, float] = (0.0, 9.0)
) -> list[list[float]]:
    """When the packets begin that a track gives up to each of the times in turn."""
    with (
        av.open(str(path.with_name("made.mp4")), "w") as made,
        soundtrack(open_sound(path), zero_s, span_s) as track,
    ):
        track.attach(made)
        parts = [list(track.packets(one)) for one in until_s]
        return [[float(packet.pts * packet.time_base) for packet in part] for part in parts]


CODECS = pytest.mark.parametrize("codec", ["aac", "flac", "libmp3lame", "pcm_s16le"])
"""Three that are copied, and one that is coded anew."""


@CODECS
def test_what_is_heard_up_to_a_time_is_given_and_the_rest_later(tmp_path, codec):
    first, second, none, rest = given(recording(tmp_path, codec), 0.5, 1.0, 1.0, float("inf"))
    assert 0.35 < first[-1] <= 0.5 < second[0]
    assert second[-1] <= 1.0 < rest[0]
    assert not none
    assert rest[-1] == pytest.approx(3, abs=0.3)
    times_s = [*first, *second, *rest]
    assert times_s == sorted(times_s)


@CODECS
def test_of_a_part_its_own_sound_is_given_and_begins_at_nought(tmp_path, codec):
    first, rest = given(recording(tmp_path, codec), 0.5, float("inf"), zero_s=1.0, span_s=(1.0, 2.0))
    assert first[0] == pytest.approx(0, abs=0.3)
    assert 0.2 < first[-1] <= 0.5 < rest[0]
    assert rest[-1] == pytest.approx(0.9, abs=0.3)
    assert max(rest) < 1.1


def made_of(path: Path) -> tuple[str, int, str]:
    """Codec, rate and layout of the stream that a track adds to a file."""
    with (
        av.open(str(path.with_name("made.mp4")), "w") as made,
        soundtrack(open_sound(path), 0.0, (0.0, 9.0)) as track,
    ):
        track.attach(made)
        made.start_encoding()
        for packet in track.packets(float("inf")):
            made.mux(packet)
    with av.open(str(path.with_name("made.mp4"))) as container:
        codec = container.streams.audio[0].codec_context
        return codec.name, codec.sample_rate, codec.layout.name


@pytest.mark.parametrize(
    ("codec", "channels", "expected"),
    [
        ("pcm_s16le", 1, ("aac", 16_000, "mono")),
        ("pcm_s16le", 2, ("aac", 16_000, "stereo")),
        ("pcm_s16le", 6, ("aac", 16_000, "stereo")),
        ("flac", 2, ("flac", 16_000, "stereo")),
        ("libmp3lame", 2, ("mp3float", 16_000, "stereo")),
    ],
)
def test_sound_that_players_expect_is_copied_and_other_sound_becomes_aac_of_one_or_two_channels(
    tmp_path, codec, channels, expected
):
    assert made_of(recording(tmp_path, codec, channels)) == expected


def test_mp3_slower_than_players_expect_in_mp4_becomes_aac(make_clip):
    path = make_clip(
        "clip.mkv", range(25), sounds=[(0.0, np.zeros((2, 8000), np.float32))], sample_rate=8000, audio_codec="mp3"
    )
    assert made_of(path) == ("aac", 8000, "stereo")


@pytest.mark.parametrize(("rate", "expected"), [(8000, 8000), (16_050, 48_000), (96_000, 48_000)])
def test_a_rate_that_aac_does_not_have_becomes_the_highest(make_clip, rate, expected):
    sounds = [(0.0, np.zeros((2, rate), np.float32))]
    path = make_clip("clip.mkv", range(25), sounds=sounds, sample_rate=rate)
    assert made_of(path) == ("aac", expected, "stereo")

"""Which picture and which sound are meant, and what is said about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from avcer.errors import InputError
from avcer.media import Pictures, Sound, frames_at, open_sound, probe, tracks
from avcer.media.container import packets_of
from recordings import AudioTrack, VideoTrack, grey, tone, two_programmes, write

PICTURES = [grey(number) for number in range(25)]
SCREEN = VideoTrack([grey(3)] * 25, title="Screen")
CAMERA = VideoTrack(PICTURES, title="Camera")
SILENCE = AudioTrack(np.zeros((1, 16_000), np.float32), title="Desktop")
VOICE = AudioTrack(tone(1), title="Microphone")


def loudness(sound: Sound) -> float:
    return float(np.abs(np.concatenate([block.samples for block in sound])).max())


def changes(path: Path, track: int | None = None) -> bool:
    """Whether the picture is not the grey one."""
    means = [float(frame.image.mean()) for frame in Pictures(path, track=track)]
    return max(means) - min(means) > 50


@pytest.mark.parametrize(("name", "codec"), [("clip.mkv", "aac"), ("clip.mov", "pcm_s16le"), ("clip.mp4", "aac")])
@pytest.mark.parametrize("before", [1, 3])
def test_silent_tracks_before_one_that_speaks_are_passed_over(tmp_path, name, codec, before):
    silent, voice = (AudioTrack(track.samples, codec, title=track.title) for track in (SILENCE, VOICE))
    sound = open_sound(write(tmp_path / name, CAMERA, *[silent] * before, voice, silent))
    assert loudness(sound) == pytest.approx(0.5, abs=0.05)
    assert f"{before + 1} 'Microphone'" in sound.warnings[0] or name != "clip.mkv"
    assert f"{before + 2} audio tracks: 1" in sound.warnings[0]
    assert sound.warnings[0].count("(silent)") == before
    assert sound.warnings[0].count("(heard)") == 1
    assert "--audio-track" in sound.warnings[0]


def test_a_quiet_track_is_passed_over_and_called_quiet(tmp_path):
    sound = open_sound(write(tmp_path / "clip.mkv", CAMERA, AudioTrack(tone(1, 0.005)), VOICE))
    assert loudness(sound) == pytest.approx(0.5, abs=0.01)
    assert "1 (quiet), 2 'Microphone' (heard)" in sound.warnings[0]


def test_a_track_of_noise_is_no_silence(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.05, (1, 16_000)).astype(np.float32)
    sound = open_sound(write(tmp_path / "clip.mkv", CAMERA, AudioTrack(noise), VOICE))
    assert loudness(sound) < 0.4
    assert sound.warnings == ["2 audio tracks: 1 (heard), 2 'Microphone'; --audio-track chooses another"]


def test_where_all_are_silent_the_first_is_heard(tmp_path):
    sound = open_sound(write(tmp_path / "clip.mkv", CAMERA, SILENCE, SILENCE))
    assert loudness(sound) == 0
    assert "1 'Desktop' (heard)" in sound.warnings[0]


def test_the_default_flag_counts(tmp_path):
    first, second = AudioTrack(tone(1, 0.1), default=False), AudioTrack(tone(1, 0.8), default=True)
    assert loudness(open_sound(write(tmp_path / "clip.mkv", CAMERA, first, second))) == pytest.approx(0.8, abs=0.01)


def test_a_single_track_needs_no_word(tmp_path):
    sound = open_sound(write(tmp_path / "clip.mkv", CAMERA, VOICE))
    assert loudness(sound) == pytest.approx(0.5, abs=0.01)
    assert sound.warnings == []


def test_an_audio_track_can_be_chosen(tmp_path):
    path = write(tmp_path / "clip.mkv", CAMERA, SILENCE, VOICE, AudioTrack(tone(1, 0.2)))
    assert [loudness(open_sound(path, track=number)) > 0.3 for number in (1, 2, 3)] == [False, True, False]
    for number in (0, 4):
        with pytest.raises(InputError, match=f"has 3 audio tracks, and no track {number}; choose .* --audio-track"):
            open_sound(path, track=number)


@pytest.mark.parametrize("name", ["clip.mkv", "clip.mp4"])
def test_the_video_track_that_is_flagged_is_read(tmp_path, name):
    screen, camera = VideoTrack(SCREEN.pictures, default=False), VideoTrack(PICTURES, default=True)
    path = write(tmp_path / name, screen, camera)
    pictures = Pictures(path)
    assert len({round(frame.image.mean()) for frame in pictures}) > 10
    assert pictures.warnings == ["2 video tracks: 1, 2 (analysed); --video-track chooses another"]
    assert probe(path).video_track == 2


def test_of_equal_video_tracks_the_first_is_read_unless_another_is_chosen(tmp_path):
    path = write(tmp_path / "clip.mkv", SCREEN, CAMERA)
    assert not changes(path)
    assert changes(path, track=2)
    assert probe(path, track=2).video_track == 2
    assert next(frames_at(path, [0.2], track=2))[1].mean() == pytest.approx(grey(5).mean(), abs=4)
    with pytest.raises(InputError, match="has 2 video tracks, and no track 3"):
        probe(path, track=3)


def test_the_sound_is_that_of_the_programme(tmp_path):
    """Of a broadcast with two programmes; that of the other one is louder, and stereo."""
    first = write(tmp_path / "1.ts", VideoTrack(PICTURES, "mpeg2video"), AudioTrack(tone(1, 0.3), "mp2"),
                  mpegts_service_id="1")  # fmt: skip
    second = write(tmp_path / "2.ts", VideoTrack(PICTURES, "mpeg2video"), AudioTrack(tone(1, 0.9, channels=2), "mp2"),
                   mpegts_service_id="2", mpegts_pmt_start_pid="5000", mpegts_start_pid="600")  # fmt: skip
    path = tmp_path / "broadcast.ts"
    path.write_bytes(two_programmes(first.read_bytes(), second.read_bytes()))
    assert loudness(open_sound(path)) == pytest.approx(0.3, abs=0.05)
    assert loudness(open_sound(path, video_track=2)) == pytest.approx(0.9, abs=0.05)
    assert "1 (analysed), 2" in note(path)


def test_the_silence_of_a_programme_is_not_filled_from_another(tmp_path):
    silent = AudioTrack(np.zeros((1, 16_000), np.float32), "mp2")
    first = write(tmp_path / "1.ts", VideoTrack(PICTURES, "mpeg2video"), silent, mpegts_service_id="1")
    second = write(tmp_path / "2.ts", VideoTrack(PICTURES, "mpeg2video"), AudioTrack(tone(1), "mp2"),
                   mpegts_service_id="2", mpegts_pmt_start_pid="5000", mpegts_start_pid="600")  # fmt: skip
    path = tmp_path / "broadcast.ts"
    path.write_bytes(two_programmes(first.read_bytes(), second.read_bytes()))
    assert loudness(open_sound(path)) < 1e-3


def note(path: Path) -> str:
    pictures = Pictures(path)
    for _ in pictures:
        pass
    return pictures.warnings[0]


def heard(path: Path) -> tuple[NDArray[np.float32], list[str]]:
    sound = open_sound(path)
    return np.concatenate([block.samples for block in sound]), sound.warnings


@pytest.mark.parametrize("share", [-1.0, -0.8])
def test_channels_of_opposite_phase_are_heard(tmp_path, share):
    voice = tone(2)
    samples, warnings = heard(write(tmp_path / "clip.mkv", CAMERA, AudioTrack(np.concatenate([voice, share * voice]))))
    np.testing.assert_allclose(samples, voice[0], atol=1e-3)
    assert any("cancel each other" in line for line in warnings)


def test_only_the_part_of_opposite_phase_is_one_channel(tmp_path):
    left = tone(4)
    right = np.concatenate([left[:, :32_000], -left[:, 32_000:]], axis=1)
    samples, _ = heard(write(tmp_path / "clip.mkv", CAMERA, AudioTrack(np.concatenate([left, right]))))
    np.testing.assert_allclose(samples[:31_000], left[0, :31_000], atol=1e-3)
    np.testing.assert_allclose(samples[40_000:], left[0, 40_000:], atol=1e-3)


def test_unrelated_channels_are_averaged(tmp_path):
    noise = np.random.default_rng(1).normal(0, 0.2, (2, 32_000)).astype(np.float32).clip(-1, 1)
    for second in (noise[1], np.zeros(32_000, np.float32), noise[0]):
        stereo = np.stack([noise[0], second])
        samples, warnings = heard(write(tmp_path / "clip.mkv", CAMERA, AudioTrack(stereo)))
        np.testing.assert_allclose(samples, stereo.mean(axis=0), atol=1e-3)
        assert warnings == []


def test_surround_sound_with_a_voice_in_the_middle_is_averaged(tmp_path):
    channels = np.zeros((6, 32_000), np.float32)
    channels[2] = tone(2)[0]
    samples, warnings = heard(write(tmp_path / "clip.mkv", CAMERA, AudioTrack(channels)))
    np.testing.assert_allclose(samples, channels[2] / 6, atol=1e-3)
    assert warnings == []


def test_a_track_that_appears_in_mid_file(tmp_path: Path) -> None:
    """PyAV knows the tracks that the head of the file announces; what it read before counts."""
    one, two = (write(tmp_path / f"{number}.ts", CAMERA, *[AudioTrack(tone(1), "mp2")] * number) for number in (1, 2))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(one.read_bytes() + two.read_bytes())
    assert len(list(Pictures(joined))) >= 25
    assert loudness(open_sound(joined)) > 0.4
    probe(joined)


def test_pictures_that_would_fill_the_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "large.mkv", CAMERA)
    monkeypatch.setattr(tracks, "LARGEST_PIXELS", 192 * 176)  # with edges of 64
    assert len(list(Pictures(path))) == 25
    monkeypatch.setattr(tracks, "LARGEST_PIXELS", 64 * 48 - 1)
    with pytest.raises(InputError, match=r"64x48 pixels, more than 3,071; scale the recording down"):
        list(Pictures(path))


def test_packets_end_where_pyav_stumbles_over_such_a_track() -> None:
    """It does so at times only: whether it sees the track there is left to chance."""

    class Container:
        def demux(self) -> Iterator[str]:
            yield from ("first", "last")
            raise IndexError

    assert list(packets_of(Container())) == ["first", "last"]  # type: ignore[arg-type]


def test_a_codec_of_the_sound_that_nobody_knows(tmp_path: Path) -> None:
    """In FLV, whose length FFmpeg may guess from the rates of its tracks."""
    path = write(tmp_path / "a.flv", VideoTrack(PICTURES, codec="flv"), AudioTrack(tone(1), "pcm_s16le"))
    stored = bytearray(path.read_bytes())
    at = 13
    while at < len(stored):
        if stored[at] == 8:  # a tag of sound; the upper half of its first byte is the codec
            stored[at + 11] = 0x9F & stored[at + 11] | 0x90
        at += 15 + int.from_bytes(stored[at + 1 : at + 4], "big")
    path.write_bytes(stored)
    assert probe(path).duration_s == pytest.approx(1.0, abs=0.1)

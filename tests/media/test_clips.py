"""Every real clip and every awkward input, against what is recorded of them in clips.csv."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from avcer.errors import InputError
from avcer.media import Pictures, is_silent, open_sound, probe, windows

REAL = [
    "WolfgangLanger_Pexels.mp4",
    "face_noface.mov",
    "liveportrait_d10.mp4",
    "liveportrait_d11.mp4",
    "liveportrait_d12.mp4",
    "liveportrait_d13.mp4",
    "liveportrait_d14.mp4",
    "liveportrait_d20.mp4",
    "liveportrait_d6.mp4",
    "no_face.mp4",
    "pcavs_00002.mp4",
    "pcavs_00010.mp4",
    "pcavs_00015.mp4",
    "pcavs_00086.mp4",
    "pcavs_517600055.mp4",
    "pcavs_620900105.mp4",
    "pcavs_796100172.mp4",
    "sadtalker_1.mp4",
    "short_hamilton_clip.mp4",
    "single_face.mp4",
]
EDGE = [
    'edge/it\'s a "clip" é.mp4',
    "edge/two_people.mp4",
    "edge/vp9_opus.webm",
    "edge/mjpeg_pcm.avi",
    "edge/rotated_90.mp4",
    "edge/truncated.mp4",
    "edge/one_frame.mp4",
    "edge/short_0.3s.mp4",
    "edge/fps60.mp4",
    "edge/vfr.mp4",
    "edge/audio_late_1s.mp4",
]
REFUSED = {"edge/empty.mp4": "is empty", "edge/not_a_video.mp4": "not a video", "edge/audio_only.m4a": "no picture"}
SOUND_STARTS_S = {"edge/audio_late_1s.mp4": 0.936, "face_noface.mov": 2.43, "short_hamilton_clip.mp4": 0.008}


@pytest.fixture(scope="module")
def rows(clips: Path) -> dict[str, dict[str, str]]:
    with (clips / "clips.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def test_none_is_left_out(rows):
    assert set(rows) == {*REAL, *EDGE, *REFUSED}


@pytest.mark.parametrize("name", [*REAL, *EDGE])
def test_picture(clips, rows, name):
    row, clip, pictures = rows[name], probe(clips / name), Pictures(clips / name)
    times = [frame.time_s for frame in pictures if frame.image.shape == (clip.height, clip.width, 3)]
    size = (int(row["width"]), int(row["height"]))
    assert (clip.width, clip.height) == (size[::-1] if clip.rotation % 180 else size)
    assert clip.average_rate == pytest.approx(float(row["avg_fps"]), abs=1e-3)
    assert clip.duration_s == pytest.approx(float(row["duration_s"]), abs=0.07)
    assert clip.has_audio == bool(row["audio_codec"])
    assert len(times) == pictures.count == int(row["frames"])
    assert all(later > earlier for earlier, later in pairwise(times))
    assert pictures.damaged == 0
    assert bool(pictures.warnings) == (name == "edge/truncated.mp4")


@pytest.mark.parametrize("name", [*REAL, *EDGE])
def test_sound(clips, rows, name):
    sound = open_sound(clips / name)
    assert (sound is not None) == bool(rows[name]["audio_codec"])
    if sound is None:
        return
    samples = np.concatenate([block.samples for block in sound])
    assert sound.start_s == pytest.approx(SOUND_STARTS_S.get(name, 0.0), abs=1e-3)
    assert np.abs(samples).max() <= 1
    assert is_silent(samples) == (name == "WolfgangLanger_Pexels.mp4")
    if not is_silent(samples):
        level_db = 10 * np.log10(np.mean(samples**2, dtype=np.float64))
        # The table's loudness is over both channels at the full rate; their mean, cut at 8 kHz, has less.
        assert float(rows[name]["mean_volume_db"]) - 8 < level_db < float(rows[name]["mean_volume_db"]) + 1.5
    if name != "edge/truncated.mp4":
        assert sound.damaged == 0


@pytest.mark.parametrize("name", REFUSED)
def test_refused(clips, name):
    with pytest.raises(InputError, match=REFUSED[name]):
        probe(clips / name)


def test_truncated_says_how_far_it_goes(clips):
    pictures = Pictures(clips / "edge/truncated.mp4")
    assert sum(1 for _ in pictures) == 104
    assert "cut short: 104 of about 150 frames" in pictures.warnings[0]


@pytest.mark.parametrize(
    "name",
    [
        "pcavs_00002.mp4",
        "face_noface.mov",
        "sadtalker_1.mp4",
        "edge/rotated_90.mp4",
        "edge/mjpeg_pcm.avi",
        "edge/vp9_opus.webm",
    ],
)
def test_the_pixels_are_those_of_opencv(clips, name):
    capture = cv2.VideoCapture(str(clips / name))
    for frame, _ in zip(Pictures(clips / name), range(25), strict=False):
        np.testing.assert_array_equal(frame.image, capture.read()[1])
    capture.release()


def test_rotated_is_upright(clips):
    clip, frame = probe(clips / "edge/rotated_90.mp4"), next(iter(Pictures(clips / "edge/rotated_90.mp4")))
    source = next(iter(Pictures(clips / "liveportrait_d10.mp4"))).image
    assert (clip.width, clip.height, clip.rotation) == (360, 480, 90)
    middle = cv2.resize(source, (480, 480))[:, 60:420]
    assert np.corrcoef(frame.image.ravel(), middle.ravel())[0, 1] > 0.9


def test_variable_rate_keeps_its_times(clips):
    steps = np.diff([frame.time_s for frame in Pictures(clips / "edge/vfr.mp4")])
    assert (steps.min(), steps.max()) == pytest.approx((0.04, 0.28))


def test_windows_are_those_of_the_released_code(clips, golden):
    for table in sorted((golden / "e2e").glob("*/audio_windows.csv")):
        with table.open(newline="") as file:
            expected = [int(row["start_sample"]) for row in csv.DictReader(file)]
        sound = open_sound(clips / f"{table.parent.name}.mp4")
        assert [window.start_s * 16_000 for window in windows(sound)] == expected

"""Files like those that people have: what was wrong with each kind, and that the analysis is right all the same."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from avcer.analysis import Analysis
from avcer.errors import InputError
from avcer.media import Pictures, open_sound, probe
from avcer.options import Options
from avcer.output.subtitles import write_srt
from avcer.output.tables import tables
from avcer.output.tiers import tiers_of
from avcer.pipeline import Analyzer
from recordings import AudioTrack, VideoTrack, grey, shift_clock, tone, write

AUDIO_NOTE = "2 audio tracks: 1 'Desktop' (silent), 2 'Microphone' (heard); --audio-track chooses another"
VIDEO_NOTE = "2 video tracks: 1, 2 (analysed); --video-track chooses another"
SILENT = ("there is no sound stream", "decided from sight alone")


@pytest.fixture(scope="module")
def field(shared: Path) -> Path:
    folder = shared / "data" / "field"
    if not folder.is_dir():
        pytest.skip(f"needs the files from the field in {folder}")
    return folder


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(rule="gated")


def frames_with_a_face(analysis: Analysis) -> set[int]:
    return {frame for face in analysis.faces if face.track for frame in face.track.frames.tolist()}


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("control.mp4", ()),
        ("mirrored.mp4", ()),
        ("half_d1.mp4", ()),
        ("half_d1_control.mp4", ()),
        ("two_tracks.mkv", (AUDIO_NOTE,)),
        ("screen_then_camera.mkv", (VIDEO_NOTE,)),
        ("starts_at_5s.mkv", ()),
        ("long_subtitle.mkv", ()),
        ("starts_at_ten_hours.ts", ()),
        ("repeats.ogv", ()),
        ("size_control.webm", SILENT),
    ],
)  # fmt: skip
def test_as_the_control(field, analyzer, name, notes):
    analysis = analyzer.analyze(field / name)
    labels = Counter(analysis.leader().labels[label] for label in analysis.leader().classes if label >= 0)
    assert len(frames_with_a_face(analysis)) >= 70
    assert 45 <= labels["Happily Surprised"] <= 55
    assert sorted(analysis.warnings) == sorted(notes)
    assert analysis.clip.duration_s == pytest.approx(3, abs=0.1)


def test_a_call_that_starts_small(field, analyzer):
    analysis = analyzer.analyze(field / "size_grows.webm")
    assert len({frame for frame in frames_with_a_face(analysis) if frame >= 10}) >= 60
    assert analysis.clip.sizes == ((0, 160, 90), (10, 640, 360))
    track = analysis.faces[0].track
    assert track.boxes[track.frames < 10].max(initial=0) <= 160
    assert track.boxes[track.frames >= 10].max() > 160


def test_eight_parts_stay_together(field):
    pictures = [(frame.time_s, frame.image.mean()) for frame in Pictures(field / "joined_eight.ts")]
    shown = [b[0] for a, b in pairwise(pictures) if a[1] < 120 < b[1]]
    sound = open_sound(field / "joined_eight.ts")
    loud = np.flatnonzero(np.abs(np.concatenate([block.samples for block in sound])) > 0.1)
    heard = sound.start_s + loud[np.diff(loud, prepend=-8000) > 4000] / 16_000
    np.testing.assert_allclose(shown, heard, atol=0.05)
    assert len(shown) == 8


def test_the_remedy_of_an_animation(field):
    with pytest.raises(InputError, match="convert it"):
        probe(field / "animated.webp")


def test_subtitles_count_from_the_start_and_tables_as_the_file(field, analyzer, tmp_path):
    analysis = analyzer.analyze(field / "starts_at_ten_hours.ts")
    control = analyzer.analyze(field / "control.mp4")
    write_srt(analysis, tmp_path / "far.srt", tiers_of(analysis, tmp_path))
    write_srt(control, tmp_path / "control.srt", tiers_of(control, tmp_path))
    texts = [re.split(r"\((0\.\d\d)\)", (tmp_path / name).read_text()) for name in ("far.srt", "control.srt")]
    assert texts[0][::2] == texts[1][::2]
    # The sound of the two is coded differently, and their probabilities lie 0.005 apart.
    np.testing.assert_allclose(*([float(word) for word in text[1::2]] for text in texts), atol=0.011)
    assert len(texts[0]) > 1
    assert tables(analysis)["compound"]["time_s"].values[0] == pytest.approx(36_000)
    assert tables(analysis)["segments"]["start_s"].values[0] == pytest.approx(36_000)


# The same without any file from outside.

PICTURES = [grey(number) for number in range(75)]


@pytest.fixture(scope="module")
def late(tmp_path_factory) -> Path:
    """Three seconds without a face that begin at an hour."""
    path = write(tmp_path_factory.mktemp("late") / "late.ts", VideoTrack(PICTURES, "mpeg2video"),
                 AudioTrack(tone(3), "mp2"))  # fmt: skip
    path.write_bytes(shift_clock(path.read_bytes(), 3600 * 90_000))
    return path


@pytest.mark.parametrize(("times", "table_s", "cue_s"), [(None, 3600, 0), ("file", 3600, 3600), ("start", 0, 0)])
def test_the_option_times_moves_either(analyzer, late, tmp_path, times, table_s, cue_s):
    analysis = analyzer.analyze(late)
    provenance = analysis.provenance
    options = {**provenance["options"], "times": times}
    analysis = replace(analysis, provenance=replace(provenance, options=options)
                       if not isinstance(provenance, dict) else {**provenance, "options": options})  # fmt: skip
    for name, column in (("audio", "time_s"), ("compound", "time_s"), ("segments", "start_s")):
        assert tables(analysis)[name][column].values[0] == pytest.approx(table_s, abs=0.2), name
    if any(segment.label != "none" for segment in analysis.segments):
        write_srt(analysis, tmp_path / "cues.srt", tiers_of(analysis, tmp_path))
        hours, minutes, seconds = (tmp_path / "cues.srt").read_text().split("\n")[1].split(" ")[0].split(":")
        first_s = min(segment.start_s for segment in analysis.segments if segment.label != "none") - 3600
        shown_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
        assert shown_s == pytest.approx(cue_s + first_s, abs=0.2)


def test_options_reach_the_recording(late):
    """The span and the tracks that the options name are those that are analysed."""
    part = Analyzer(start=1.0, end=2.0).analyze(late)
    assert len(part.times_s) == 25
    assert part.times_s[0] == pytest.approx(3601, abs=0.2)
    assert part.clip.duration_s == pytest.approx(1, abs=0.1)
    assert np.isfinite(part.audio.values).all()
    for option in ({"audio_track": 2}, {"video_track": 2}):
        with pytest.raises(InputError, match="and no track 2"):
            Analyzer(**option).analyze(late)


def test_the_audio_track_that_is_chosen_is_heard(tmp_path):
    path = write(tmp_path / "clip.mkv", VideoTrack(PICTURES), AudioTrack(tone(3)), AudioTrack(0 * tone(3)))
    assert not any("silence" in line for line in Analyzer().analyze(path).warnings)
    assert any("silence" in line for line in Analyzer(audio_track=2).analyze(path).warnings)


def test_the_video_track_that_is_chosen_is_seen(tmp_path):
    path = write(tmp_path / "clip.mkv", VideoTrack(PICTURES), VideoTrack(PICTURES[:30]))
    assert [len(Analyzer(video_track=number).analyze(path).times_s) for number in (1, 2)] == [75, 30]


def test_no_face_in_a_very_large_picture_has_a_hint(tmp_path):
    path = write(tmp_path / "large.mp4", VideoTrack([grey(3, (1920, 1080))] * 3, "mjpeg"), container_format="mov")
    (note,) = [line for line in Analyzer().analyze(path).warnings if "no face" in line]
    assert "the picture is 1920 pixels long" in note
    assert "try --longest-side 960" in note


@pytest.mark.parametrize("wrong", [{"start": -1.0}, {"start": 2.0, "end": 2.0}, {"audio_track": 0}, {"times": "clip"}])
def test_options_are_checked(wrong):
    with pytest.raises(Exception, match=list(wrong)[-1]):
        Options(**wrong)

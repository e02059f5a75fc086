"""Every real clip and every awkward one, through the whole pipeline with the shipped models."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from avcer import Analysis, Analyzer
from avcer.errors import InputError
from reference import CLIPS

TABLE = CLIPS / "clips.csv"
ROWS = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())) if TABLE.exists() else []
PICTURES = [row["file"] for row in ROWS if row["frames"]]
NO_PICTURES = [row["file"] for row in ROWS if not row["frames"]]
FACELESS = {"no_face.mp4"}
SILENT = {"WolfgangLanger_Pexels.mp4"}

pytestmark = pytest.mark.skipif(not ROWS, reason=f"needs the real clips in {CLIPS}")


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer()


@pytest.fixture(scope="module")
def analyses(analyzer: Analyzer) -> dict[str, Analysis]:
    return {name: analyzer.analyze(CLIPS / name) for name in PICTURES}


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_every_clip_is_analysed(analyses: dict[str, Analysis], name: str) -> None:
    row = next(row for row in ROWS if row["file"] == name)
    analysis = analyses[name]
    assert len(analysis.times_s) == int(row["frames"])
    assert (analysis.clip.width, analysis.clip.height) == _upright(row)
    assert (np.diff(analysis.times_s) > 0).all()
    heard = bool(row["audio_codec"]) and name not in SILENT
    assert analysis.audio.valid.any() == heard
    assert (analysis.primary is None) == (name in FACELESS)
    for face in analysis.faces:
        for said in (face.static, face.dynamic, face.audio):
            np.testing.assert_allclose(said.values[said.valid].sum(axis=1), 1, atol=1e-3)
        assert (face.compound.valid == (face.static.valid | face.audio.valid)).all()


def _upright(row: dict[str, str]) -> tuple[int, int]:
    size = int(row["width"]), int(row["height"])
    return size[::-1] if row["file"] == "edge/rotated_90.mp4" else size


@pytest.mark.slow
def test_one_person_is_one_primary_track(analyses: dict[str, Analysis]) -> None:
    """On clips of one person in one shot, the primary face is there on nearly every frame."""
    steady = [row["file"] for row in ROWS if row["people"].startswith("1:") and row["frames"]]
    seen = {name: len(analyses[name].face(analyses[name].primary).track.frames) / len(analyses[name].times_s)  # type: ignore[union-attr]
            for name in steady}  # fmt: skip
    assert len(seen) >= 20
    assert np.mean([share > 0.9 for share in seen.values()]) > 0.9, seen


@pytest.mark.slow
def test_two_people_have_a_timeline_each(analyses: dict[str, Analysis]) -> None:
    analysis = analyses["edge/two_people.mp4"]
    people = [face for face in analysis.faces if face.track and len(face.track.frames) > 50]
    assert len(people) == 2
    assert sorted(bool(face.audio.valid.any()) for face in people) == [False, True]


@pytest.mark.slow
def test_late_sound_is_not_heard_before_it_starts(analyses: dict[str, Analysis]) -> None:
    audio = analyses["edge/audio_late_1s.mp4"].audio
    assert not audio.valid[audio.times_s < 0.93].any()
    assert audio.valid[(audio.times_s > 1.0) & (audio.times_s < 4.0)].all()
    moved = analyses["face_noface.mov"].audio
    assert not moved.valid[moved.times_s < 2.42].any()


@pytest.mark.slow
def test_faces_do_not_outlive_the_cut_to_black(analyses: dict[str, Analysis]) -> None:
    analysis = analyses["face_noface.mov"]
    assert max(face.track.last for face in analysis.faces if face.track) < 73
    alone = analysis.face(None)
    assert alone is not None
    assert alone.frames.min() >= 72


@pytest.mark.slow
def test_what_is_missing_is_said(analyses: dict[str, Analysis]) -> None:
    assert any("silence" in line for line in analyses["WolfgangLanger_Pexels.mp4"].warnings)
    assert any("no sound stream" in line for line in analyses["liveportrait_d13.mp4"].warnings)
    assert any("no face" in line for line in analyses["no_face.mp4"].warnings)
    assert any("cut short" in line for line in analyses["edge/truncated.mp4"].warnings)
    assert analyses["pcavs_00015.mp4"].warnings == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["pcavs_620900105.mp4", "edge/one_frame.mp4", 'edge/it\'s a "clip" é.mp4', "no_face.mp4"]
)
def test_saved_analyses_come_back(analyses: dict[str, Analysis], tmp_path: Path, name: str) -> None:
    analysis = analyses[name]
    written = analysis.save(tmp_path / "out")
    assert {path.name for path in written} >= {"compound.csv", "analysis.json", "timeline.png", "submission.txt"}
    again = Analysis.load(tmp_path / "out" / "analysis.json")
    assert again.warnings == analysis.warnings
    for one, other in zip(analysis.faces, again.faces, strict=True):
        np.testing.assert_allclose(other.fused.values, one.fused.values, atol=1e-5)
        np.testing.assert_array_equal(other.compound.classes, one.compound.classes)
    json.loads((tmp_path / "out" / "analysis.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_is_no_video_is_refused_in_one_line(analyzer: Analyzer, name: str) -> None:
    with pytest.raises(InputError, match=Path(name).stem) as caught:
        analyzer.analyze(CLIPS / name)
    assert "\n" not in str(caught.value)

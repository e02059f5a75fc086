from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from avcer.analysis import Analysis
from avcer.labels import AVCER_12
from avcer.output.submission import NOTHING_KNOWN, submission_classes, write_submission

Make = Callable[..., Analysis]


def test_the_file_has_the_challenge_s_form(scene: Make, tmp_path: Path) -> None:
    analysis = scene(frames=12, faces=((0, 11, ()),), path=Path("some") / "video,\n1.mp4", vocabulary=AVCER_12)
    lines = write_submission(analysis, tmp_path / "submission.txt").read_text().splitlines()
    assert lines[0] == (
        "image_location,Fearfully_Surprised,Happily_Surprised,Sadly_Surprised,Disgustedly_Surprised,"
        "Angrily_Surprised,Sadly_Fearful,Sadly_Angry"
    )
    assert len(lines) == 13
    assert lines[1].startswith("video_1/00001.jpg,")
    assert lines[12].startswith("video_1/00012.jpg,")
    assert {line.rsplit(",", 1)[1] for line in lines[1:]} <= set("0123456")


def test_a_name_with_blanks_is_written_as_the_page_says(scene: Make, tmp_path: Path) -> None:
    analysis = scene(path=Path("my clip, 2.mp4"))
    assert "\nmy_clip_2/00001.jpg," in write_submission(analysis, tmp_path / "submission.txt").read_text()
    page = (Path(__file__).parents[2] / "docs" / "output.md").read_text(encoding="utf-8")
    assert "(`my clip, 2.mp4` is\n`my_clip_2`)" in page


def test_the_decision_of_the_primary_face(scene: Make) -> None:
    analysis = scene()
    decided = analysis.faces[0].compound.classes
    submitted = submission_classes(analysis)
    assert (submitted[decided >= 0] == decided[decided >= 0]).all()


def test_none_falls_back_on_the_unmasked_sums(scene: Make) -> None:
    analysis = scene()
    fused = analysis.faces[0].fused
    fused.values[10] = [0.5, 0.14, 0.01, 0.02, 0.03, 0.1, 0.02]  # Rule 1 leaves Neutral: no compound; Sadly Angry
    assert submission_classes(analysis)[10] == 6


def test_frames_without_a_prediction_hold_the_last_and_begin_with_the_first(scene: Make) -> None:
    analysis = scene(faces=((20, 70, ()),), sound=False)
    classes = submission_classes(analysis)
    assert (classes[:20] == classes[20]).all()
    assert (classes[71:] == classes[70]).all()


def test_sound_alone_counts_where_no_face_is_there(scene: Make) -> None:
    analysis = scene(faces=((0, 49, ()),))
    alone = analysis.faces[-1]
    assert alone.id is None
    decided = alone.compound.classes
    assert (submission_classes(analysis)[50:][decided >= 0] == decided[decided >= 0]).all()


def test_after_a_cut_whoever_is_there_leads(scene: Make) -> None:
    analysis = scene(faces=((0, 49, ()), (50, 99, ())), sound=False)
    second = analysis.faces[1]
    decided = second.compound.classes
    assert (submission_classes(analysis)[50:][decided >= 0] == decided[decided >= 0]).all()


def test_a_clip_without_any_prediction(scene: Make) -> None:
    classes = submission_classes(scene(faces=(), sound=False))
    assert (classes == np.full(100, NOTHING_KNOWN)).all()


def test_the_rule_of_the_analysis_is_used(scene: Make) -> None:
    analysis = scene()
    analysis.faces[0].fused.values[0] = [0.0, 0.3, 0.31, 0.0, 0.0, 0.0, 0.35]
    assert submission_classes(analysis)[0] == 3
    analysis.provenance["options"]["rule"] = "2"  # Disgust and Surprise 6:2, Anger and Surprise 5:2, Anger and Sadness
    assert submission_classes(analysis)[0] == 3
    analysis.faces[0].fused.values[0] = [0.0, 0.6, 0.0, 0.0, 0.0, 0.0, 0.59]
    assert submission_classes(analysis)[0] == 4

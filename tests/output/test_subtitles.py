from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from avcer.analysis import Analysis
from avcer.output.corrections import Correction, Corrections, write_corrections
from avcer.output.subtitles import write_srt, write_vtt
from avcer.output.tiers import tiers_of
from avcer.types import Segment

SEGMENTS = (
    Segment(0, 0.0, 1.5, "Sadly Angry", "compound", 52.0, 0.512),
    Segment(0, 1.5, 2.0, "none", "none", None, 0.0),
    Segment(0, 2.0, 3.0, "Neutral", "neutral", None, 0.9),
    Segment(0, 3.0, 4.25, "Happiness", "basic", 100.0, 0.876),
    Segment(0, 3661.0004, 3662.9996, "Fear & <Awe>", "compound", 50.0, 0.7),
)


def with_segments(scene: Callable[..., Analysis]) -> Analysis:
    analysis = scene()
    return replace(analysis, faces=(replace(analysis.faces[0], segments=SEGMENTS),))


def srt(analysis: Analysis, folder: Path) -> str:
    return write_srt(analysis, folder / "a.srt", tiers_of(analysis, folder)).read_text()


def test_srt(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    assert srt(with_segments(scene), tmp_path) == (
        "1\n00:00:00,000 --> 00:00:01,500\nSadly Angry (0.51)\n\n"
        "2\n00:00:03,000 --> 00:00:04,250\nHappiness (0.88)\n\n"
        "3\n01:01:01,000 --> 01:01:03,000\nFear & <Awe> (0.70)\n\n"
    )


def test_vtt(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    analysis = with_segments(scene)
    assert write_vtt(analysis, tmp_path / "a.vtt", tiers_of(analysis, tmp_path)).read_text() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nSadly Angry (0.51)\n\n"
        "00:00:03.000 --> 00:00:04.250\nHappiness (0.88)\n\n"
        "01:01:01.000 --> 01:01:03.000\nFear &amp; &lt;Awe&gt; (0.70)\n\n"
    )


def test_several_faces_are_told_apart(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    analysis = scene(faces=((0, 50, ()), (20, 80, ())))
    text = srt(analysis, tmp_path)
    assert "Face 0: " in text
    assert "Face 1: " in text
    assert "Voice: " in text


def test_a_persons_word_goes_first(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    said = Corrections(names={0: "Bo"}, segments=(Correction(0, 0.0, 1.5, "Fear"),))
    write_corrections(said, tmp_path)
    analysis = scene(faces=((0, 50, ()), (20, 80, ())))
    assert "\nBo: Fear (corrected)\n" in srt(analysis, tmp_path)

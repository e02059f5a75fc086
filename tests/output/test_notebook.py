"""How results behave where people try things out: short texts, keys, iteration, pictures."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from avcer import Provenance
from avcer.analysis import Analysis
from avcer.errors import MissingExtraError, UsageError

Make = Callable[..., Analysis]


def test_a_record_says_in_one_line_what_it_is(scene: Make) -> None:
    analysis = scene(faces=((5, 60, (range(20, 30),)), (40, 79, ())))
    assert repr(analysis) == "<Analysis of clip.mp4: 4.0 s, 100 frames, 2 faces, rule 1>"
    face = analysis[0]
    for record in (analysis, face, face.track, face.static, face.expression, analysis.provenance):
        assert len(repr(record)) < 120
        assert "\n" not in repr(record)


def test_a_record_alone_is_a_table_of_its_fields(scene: Make) -> None:
    analysis = scene(faces=((5, 60, ()),))
    (track,), timeline = analysis.tracks, analysis.timelines[0]
    for record in (analysis.clip, track, timeline, analysis[0].static, analysis.segments[0]):
        text = record._repr_html_()
        assert text.startswith(f"<table><caption>{type(record).__name__}</caption>")
        assert text.count("<tr>") == len(fields(record))
        assert len(text) < 5000
    assert f"<th>boxes</th><td>float32 array {track.boxes.shape}</td>" in track._repr_html_()
    assert "<script" not in replace(analysis.segments[0], label="<script>")._repr_html_()


def test_tracks_and_timelines_are_those_of_the_faces(scene: Make) -> None:
    analysis = scene(faces=((5, 60, ()), (40, 79, ())))
    assert analysis.tracks == (analysis[0].track, analysis[1].track)
    assert analysis.timelines == tuple(face.expression for face in analysis)


def test_records_compare_by_identity_and_can_be_keys(scene: Make) -> None:
    analysis = scene()
    assert analysis == analysis
    assert analysis != replace(analysis)
    assert analysis[0].static != replace(analysis[0].static)
    assert len({analysis, analysis[0], analysis[0].expression, analysis[0].track}) == 4


def test_faces_by_id_and_in_turn(scene: Make) -> None:
    analysis = scene(faces=((5, 60, ()), (40, 79, ())))
    assert [face.id for face in analysis] == [0, 1, None]
    assert len(analysis) == 3
    assert analysis[1] is analysis["1"] is analysis.faces[1]
    assert analysis[None] is analysis.faces[2]
    for there in (1, "1", None, analysis.faces[1]):
        assert there in analysis
    assert 7 not in analysis
    with pytest.raises(KeyError, match=r"no face 7 in clip\.mp4; there are: 0, 1, None"):
        analysis[7]


def test_the_html_has_a_picture_and_a_table_and_no_script(scene: Make) -> None:
    analysis = replace(scene(faces=((0, 99, ()),)), warnings=("<script>alert(1)</script>",))
    text = analysis._repr_html_()
    assert 'src="data:image/png;base64,' in text
    assert len(re.findall("<tr>", text)) == 1 + min(len(analysis.segments), 30)
    assert analysis.segments[0].label in text
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_clip_without_a_result_shows_itself_too(scene: Make) -> None:
    assert "no face" in scene(faces=(), sound=False)._repr_html_()


def test_plot_gives_a_figure_and_faces_only_if_asked(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the clip was opened")

    analysis = scene()
    assert isinstance(analysis.plot(), Figure)
    monkeypatch.setattr("avcer.output.timeline.cut_filmstrip", refuse)
    assert isinstance(analysis.plot(faces=False), Figure)


def test_tables_as_data_frames(scene: Make) -> None:
    pytest.importorskip("pandas")
    analysis = scene()
    assert len(analysis.to_pandas()) == 100
    assert list(analysis.to_pandas("segments")["label"]) == [segment.label for segment in analysis.segments]
    with pytest.raises(UsageError, match="static, dynamic, audio, fused, compound, segments"):
        analysis.to_pandas("frames")


def test_a_data_frame_asks_for_pandas(scene: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"avcer\[pandas\]"):
        scene().to_pandas()


class TestProvenance:
    def test_it_is_a_record_and_still_read_by_key(self, scene: Make) -> None:
        provenance = scene().provenance
        assert isinstance(provenance, Provenance)
        assert (provenance.rule, provenance.family) == ("1", "mini")
        assert provenance["options"]["rule"] == "1"
        assert provenance.get("nothing") is None
        with pytest.raises(AttributeError):
            provenance.version = "2"  # type: ignore[misc]

    def test_what_another_version_says_is_kept(self) -> None:
        document = {"version": "9", "options": {}, "weather": {"rain": True}}
        again = Provenance.of_dict(Provenance.of_dict(document).to_dict())
        assert again.more == {"weather": {"rain": True}}
        assert again["weather"] == {"rain": True}
        assert {field.name for field in fields(Provenance)} >= {"identity", "device", "precision", "timings"}


def test_a_folder_is_loaded(scene: Make, tmp_path: Path) -> None:
    scene().save(tmp_path, ["json"])
    assert repr(Analysis.load(tmp_path)) == repr(scene())

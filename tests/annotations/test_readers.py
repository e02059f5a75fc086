"""Files of annotations, written by writers that are not ours or by hand, as labels."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from avcer.annotations.labels import Label, labels_of, read_labels, write_labels
from avcer.annotations.read import read_annotation
from avcer.annotations.words import Words
from avcer.errors import InputError, OutputError
from avcer.output.corrections import Correction, Corrections, write_corrections

LONG = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 3
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "Zo\u00eb ""Z"""
        xmin = 0
        xmax = 3
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 1.25
            text = "Happy"
        intervals [2]:
            xmin = 1.25 ! an edge
            xmax = 3
            text = ""
    item [2]:
        class = "TextTier"
        name = "cuts"
        xmin = 0
        xmax = 3
        points: size = 1
        points [1]:
            number = 1.5
            mark = "3 4 <x> ""q"" "
'''
SHORT = '''"ooTextFile"
"TextGrid"
0 3 <exists> 1
"IntervalTier" "Zo\u00eb ""Z""" 0 3 2
0 1.25 "Happy"
1.25 3 ""
'''

EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
<MEDIA_DESCRIPTOR MEDIA_URL="file:///gone/a%20b.mp4" MIME_TYPE="video/mp4" {more}/></HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="t2"/>
<TIME_SLOT TIME_SLOT_ID="t3"/><TIME_SLOT TIME_SLOT_ID="t4" TIME_VALUE="900"/></TIME_ORDER>
<TIER TIER_ID="mood" PARENT_REF="who" LINGUISTIC_TYPE_REF="ref">
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="b1" ANNOTATION_REF="a2"><ANNOTATION_VALUE>sad</ANNOTATION_VALUE>
</REF_ANNOTATION></ANNOTATION>
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="b2" ANNOTATION_REF="a2" PREVIOUS_ANNOTATION="b1">
<ANNOTATION_VALUE>Angry</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>
<TIER TIER_ID="who" LINGUISTIC_TYPE_REF="label" PARTICIPANT="Zo\u00eb" ANNOTATOR="KM">
{rows}</TIER></ANNOTATION_DOCUMENT>"""
ROWS = "".join(
    f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{n}" TIME_SLOT_REF1="t{n}" TIME_SLOT_REF2="t{n + 1}">'
    f"<ANNOTATION_VALUE>{word}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
    for n, word in ((1, "Happy"), (2, "Fear"), (3, ""))
)


def written(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def rows(path: Path, *tiers: str) -> list[tuple[str, float, float, str]]:
    labels = labels_of(read_annotation(path), Words(), tiers)
    return [(one.tier, round(one.start_s, 6), round(one.end_s, 6), one.label) for one in labels]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom"])
@pytest.mark.parametrize("text", [LONG, SHORT], ids=["long", "short"])
def test_textgrid(text: str, encoding: str, tmp_path: Path) -> None:
    if encoding == "utf-16-le-bom":
        text, encoding = "\ufeff" + text, "utf-16-le"
    path = written(tmp_path, "a.TextGrid", text.replace("\n", "\r\n"), encoding)
    assert rows(path) == [('Zo\u00eb "Z"', 0.0, 1.25, "Happiness")]


@pytest.mark.parametrize("form", ["short_textgrid", "long_textgrid"])
def test_textgrid_of_praatio(form: str, tmp_path: Path) -> None:
    textgrid = pytest.importorskip("praatio.textgrid")
    made = textgrid.Textgrid()
    entries = [(0.5, 1.0, "Sadly Angry"), (1.0, 1.123456, "surprised")]
    made.addTier(textgrid.IntervalTier("A & <B>", entries, 0, 2))
    made.save(str(tmp_path / "a.TextGrid"), format=form, includeBlankSpaces=True)
    assert rows(tmp_path / "a.TextGrid") == [
        ("A & <B>", 0.5, 1.0, "Sadly Angry"), ("A & <B>", 1.0, 1.123456, "Surprise"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"ooBinaryFile\x08TextGrid", "binary"),
        (LONG[:200].encode(), "ends too early"),
        (LONG.replace("1.25", "x").encode(), "in the place of a number"),
        (LONG.replace("xmax = 1.25", "xmax = 0").encode(), "from 0 to 0"),
        (LONG.replace("xmax = 1.25", "xmax = 1e999").encode(), "a number is too large"),
        (b'"ooTextFile" "Pitch" 0 1', "Pitch"),
        (LONG.encode("latin-1"), "utf-8"),
        (b"", "ends too early"),
    ],
)
def test_textgrids_that_are_none_are_one_line(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.TextGrid"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as raised:
        read_annotation(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_eaf(tmp_path: Path) -> None:
    """Annotations without times share what is between; a shifted medium shifts them; the clip is named."""
    path = written(tmp_path, "a.eaf", EAF.format(rows=ROWS, more='TIME_ORIGIN="500"'))
    assert rows(path) == [("who", 0.5, 0.8, "Happiness"), ("who", 0.8, 1.1, "Fear")]
    (first, _) = labels_of(read_annotation(path), Words())
    assert (first.speaker, first.annotator, first.clip) == ("Zo\u00eb", "KM", Path("/gone/a b.mp4"))


def test_dependent_tier_of_an_eaf_has_the_times_of_its_parent(tmp_path: Path) -> None:
    path = written(tmp_path, "a.eaf", EAF.format(rows=ROWS, more=""))
    assert rows(path, "mood") == [("mood", 0.3, 0.45, "Sadness"), ("mood", 0.45, 0.6, "Anger")]


def test_an_orphan_of_an_eaf_is_said_of_tiers_that_are_read(tmp_path: Path) -> None:
    """As pympi leaves it where a label is taken away that has something below it."""
    path = written(
        tmp_path, "a.eaf", EAF.format(rows=ROWS, more="").replace('ANNOTATION_REF="a2"', 'ANNOTATION_REF="a9"')
    )
    assert [label for *_, label in rows(path)] == ["Happiness", "Fear"]
    with pytest.raises(InputError, match="annotation b1 of tier 'mood' hangs below a9, which is gone"):
        rows(path, "mood")
    path.write_text(path.read_text(encoding="utf-8").replace('PARENT_REF="who"', ""), encoding="utf-8")
    with pytest.raises(InputError, match="which is gone; remove it, or read other tiers with --tier"):
        rows(path)
    assert len(rows(path, "who")) == 2


def test_clip_of_an_eaf_is_found_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a b.mp4").touch()
    path = written(tmp_path, "a.eaf", EAF.format(rows=ROWS, more='RELATIVE_MEDIA_URL="./a%20b.mp4"'))
    assert read_annotation(path).clip == tmp_path / "a b.mp4"


def test_clip_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    clip = tmp_path / os.fsdecode(b"gespr\xe4ch.mp4")
    try:
        clip.touch()
    except OSError:
        pytest.skip("this file system has names in UTF-8 alone")
    path = written(tmp_path, "a.eaf", EAF.format(rows=ROWS, more='RELATIVE_MEDIA_URL="./gespr%E4ch.mp4"'))
    assert read_annotation(path).clip == clip


def test_eaf_of_pympi(tmp_path: Path) -> None:
    pympi = pytest.importorskip("pympi")
    made = pympi.Elan.Eaf()
    made.add_tier("A & <B>")
    made.add_annotation("A & <B>", 100, 1234, "disgusted")
    made.to_file(str(tmp_path / "a.eaf"))
    assert rows(tmp_path / "a.eaf") == [("A & <B>", 0.1, 1.234, "Disgust")]


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (EAF.format(rows=ROWS, more="").replace("?>", f"?>{BOMB}", 1), "document type"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><ANNOTATION_DOCUMENT/>', "document type"),
        (EAF.format(rows=ROWS, more="")[:-40], "save it again"),
        (EAF.format(rows=ROWS, more="").replace("milliseconds", "PAL-frames"), "PAL-frames"),
        (EAF.format(rows=ROWS.replace('"t4"', '"t9"'), more=""), "t9"),
        (EAF.format(rows=ROWS.replace('"t4"', '"t2"'), more=""), "has no time"),
        (EAF.format(rows=ROWS, more="").replace('TIER_ID="who"', 'TIER_ID="who" PARENT_REF="mood"'), "below each"),
        ("<html/>", "html"),
        ("", "no element"),
    ],
)
def test_eafs_that_are_none_are_one_line(text: str, reason: str, tmp_path: Path) -> None:
    path = written(tmp_path, "a.eaf", text)
    with pytest.raises(InputError, match=reason) as raised:
        read_annotation(path)
    assert "\n" not in str(raised.value)


def test_corrections_on_the_clock_of_a_player(tmp_path: Path) -> None:
    segments = (Correction(2, 10.5, 11.0, "Sadly Angry"), Correction(None, 10, 12, "joy"))
    said = Corrections({1: "Zo\u00eb"}, {2: 1}, segments)
    path = write_corrections(said, tmp_path)
    with pytest.raises(InputError, match=r"analysis\.json"):
        read_annotation(path)
    clip = {"path": "/x/a.mp4", "duration_s": 5, "frame_count": 0, "average_rate": 25, "width": 1, "height": 1,
            "rotation": 0, "has_video": True, "has_audio": True, "start_s": 10.0}  # fmt: skip
    (tmp_path / "analysis.json").write_text(json.dumps({"clip": clip}))
    assert rows(path) == [("Voice", 0.0, 2.0, "Happiness"), ("Zo\u00eb", 0.5, 1.0, "Sadly Angry")]
    assert read_annotation(path).clip == Path("/x/a.mp4")


def test_unknown_words_and_tiers_are_named_with_the_remedy(tmp_path: Path) -> None:
    path = written(tmp_path, "a.TextGrid", LONG.replace('text = ""', 'text = "smile"'))
    with pytest.raises(InputError, match=r"'smile' \(1\); say what words mean with --map FILE.*--tier"):
        rows(path)
    with pytest.raises(InputError, match="no tier 'x'; its tiers are"):
        rows(path, "x")
    with pytest.raises(InputError, match="no tier holds a label"):
        rows(written(tmp_path, "b.TextGrid", SHORT.replace("Happy", "hello")))


def test_a_tier_without_labels_is_passed_over_and_said(tmp_path: Path) -> None:
    text = SHORT.replace("<exists> 1", "<exists> 2") + '"IntervalTier" "speech" 0 3 1 0 3 "so happy that"\n'
    told: list[str] = []
    labels = labels_of(read_annotation(written(tmp_path, "a.TextGrid", text)), Words(), (), told.append)
    assert [one.label for one in labels] == ["Happiness"]
    assert len(told) == 1
    assert "'speech'" in told[0]


def test_labels_table(tmp_path: Path) -> None:
    clip = tmp_path / "c" / "\u00e4 & <1>.mp4"
    labels = [Label(clip, 0.5, 1.25, "Sadly Angry", 'Z "q", r', "Z", "KM", "sad", "a.eaf")]
    path = write_labels(labels, tmp_path / "out")
    assert read_labels(path)[0].clip.resolve() == labels[0].clip
    assert read_labels(path)[0].tier == labels[0].tier
    assert write_labels(labels, tmp_path / "out") == path
    path.write_text(path.read_text(encoding="utf-8").replace("Sadly", "Happily"), encoding="utf-8")
    with pytest.raises(OutputError, match="there already"):
        write_labels(labels, tmp_path / "out")
    path.write_text(path.read_text(encoding="utf-8").replace("1.250000", "0.1"), encoding="utf-8")
    with pytest.raises(InputError, match="row 2"):
        read_labels(path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="'path'"):
        read_labels(path)

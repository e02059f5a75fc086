"""Each export, read back by a reader that is not ours: every label and every time, in every awkward case."""

from __future__ import annotations

import csv
import html
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pyarrow import parquet

from avcer.analysis import Analysis
from avcer.files import make_folder
from avcer.output.corrections import Correction, Corrections, Marker, Split, write_corrections
from avcer.output.tiers import tiers_of
from avcer.output.writers import save
from avcer.types import Segment
from avcer.words import EXPORTS

ODD = 'Ärger & <Wut> "x"'
HOUR_S = 3600.0


def labelled(scene: Callable[..., Analysis], *rows: Segment, name: str = "clip.mp4", start_s: float = 0.0) -> Analysis:
    """One face with these segments."""
    analysis = scene()
    clip = replace(analysis.clip, path=Path("/data") / name, start_s=start_s, duration_s=10.0)
    return replace(analysis, clip=clip, faces=(replace(analysis.faces[0], segments=rows),))


def said(start_s: float, end_s: float, label: str, probability: float = 0.75) -> Segment:
    return Segment(0, start_s, end_s, label, "basic", None, probability)


def plain(scene: Callable[..., Analysis]) -> Analysis:
    return labelled(scene, said(0.0, 1.5, "Happiness"), said(1.5, 2.0, "none"), said(2.0, 4.0, ODD))


def rounded(scene: Callable[..., Analysis]) -> Analysis:
    """Variable rates: times that fall between milliseconds, and a segment shorter than one."""
    return labelled(scene, said(0.0, 0.33334, "Fear"), said(0.33334, 0.3337, "Anger"), said(0.3337, 0.3338, "Fear"))


def late(scene: Callable[..., Analysis]) -> Analysis:
    """A file whose clock begins at ten hours; a player shows 0."""
    begin_s = 10 * HOUR_S
    return labelled(scene, said(begin_s + 0.04, begin_s + 2, "Sadness"), start_s=begin_s)


def long(scene: Callable[..., Analysis]) -> Analysis:
    return labelled(scene, said(9.5 * HOUR_S, 9.75 * HOUR_S, "Disgust"))


def crowd(scene: Callable[..., Analysis]) -> Analysis:
    return scene(faces=tuple((10 * number, 10 * number + 40, ()) for number in range(6)))


def nobody(scene: Callable[..., Analysis]) -> Analysis:
    return scene(faces=())


def odd_name(scene: Callable[..., Analysis]) -> Analysis:
    return labelled(scene, said(0, 1, "Neutral"), name="Gespräch <2> & 'mehr' #1.mp4")


def lines(scene: Callable[..., Analysis]) -> Analysis:
    return labelled(scene, said(0, 1, "Fear\nand \x07awe -- >"), said(1, 2, "Fear"), name="a\nb.mp4")


def silent(scene: Callable[..., Analysis]) -> Analysis:
    analysis = plain(scene)
    return replace(analysis, clip=replace(analysis.clip, has_audio=False))


CASES = (plain, rounded, late, long, crowd, nobody, odd_name, lines, silent)
Rows = list[tuple[str, int, int, str]]


def expected(analysis: Analysis, folder: Path) -> Rows:
    """Face, start and end in milliseconds, label."""
    tiers = tiers_of(analysis, folder).tiers
    return sorted((tier.name, one.start_ms, one.end_ms, one.label) for tier in tiers for one in tier.intervals)


@pytest.fixture(params=CASES, ids=lambda case: case.__name__)
def analysis(request: pytest.FixtureRequest, scene: Callable[..., Analysis]) -> Analysis:
    case: Callable[..., Analysis] = request.param
    return case(scene)


def test_tiers_rise_and_hold_nothing_empty(analysis: Analysis, tmp_path: Path) -> None:
    found = tiers_of(analysis, tmp_path)
    for tier in found.tiers:
        reached_ms = 0
        for one in tier.intervals:
            assert reached_ms <= one.start_ms < one.end_ms <= found.end_ms
            reached_ms = one.end_ms
    assert len({tier.name for tier in found.tiers}) == len(found.tiers)


def test_times_are_those_of_a_player(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    assert expected(late(scene), tmp_path) == [("Face 0", 40, 2000, "Sadness")]


def test_elan(analysis: Analysis, tmp_path: Path) -> None:
    pympi = pytest.importorskip("pympi")
    save(analysis, tmp_path, ["eaf"])
    read = pympi.Elan.Eaf(str(tmp_path / "segments.eaf"))
    tiers = [name for name in read.get_tier_names() if not name.endswith(": probability")]
    found = [(name, *row[:3]) for name in tiers for row in read.get_annotation_data_for_tier(name)]
    assert sorted(found) == expected(analysis, tmp_path)
    assert read.adocument["FORMAT"] == "3.0"


def test_elan_file_as_elan_orders_it(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    save(plain(scene), tmp_path, ["eaf"])
    root = ElementTree.parse(tmp_path / "segments.eaf").getroot()
    order = list(dict.fromkeys(child.tag for child in root))
    assert order == [
        "HEADER",
        "TIME_ORDER",
        "TIER",
        "LINGUISTIC_TYPE",
        "LANGUAGE",
        "CONSTRAINT",
        "CONTROLLED_VOCABULARY",
    ]
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    assert media is not None
    assert media.get("MEDIA_URL") == "file:///data/clip.mp4"
    entries = {entry.get("CVE_ID") for entry in root.iter("CV_ENTRY_ML")}
    assert {one.get("CVE_REF") for one in root.iter("ALIGNABLE_ANNOTATION")} <= entries
    slots = {slot.get("TIME_SLOT_ID") for slot in root.iter("TIME_SLOT")}
    for one in root.iter("ALIGNABLE_ANNOTATION"):
        assert {one.get("TIME_SLOT_REF1"), one.get("TIME_SLOT_REF2")} <= slots


@pytest.mark.parametrize(
    "names", [("Markers", "Anna"), ("Anna", "Anna: probability"), ("Anna: probability", "Anna"), ("A (1)", "A (1)")]
)
def test_no_two_tiers_have_one_name(names: tuple[str, str], scene: Callable[..., Analysis], tmp_path: Path) -> None:
    """Whatever a person calls the faces."""
    corrections = Corrections(dict(enumerate(names)), {}, (), (Marker(1.0, "here"),))
    write_corrections(corrections, tmp_path)
    save(scene(faces=((0, 99, ()), (0, 99, ()))), tmp_path, ["eaf", "textgrid"])
    elan = [str(tier.get("TIER_ID")) for tier in ElementTree.parse(tmp_path / "segments.eaf").iter("TIER")]
    praat = re.findall(r'name = "(.*)"', (tmp_path / "segments.TextGrid").read_text())
    assert len(set(elan)) == len(elan) == 5
    assert len(set(praat)) == len(praat) == 3


def test_elan_curves(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    save(scene(), tmp_path, ["eaf"])
    with (tmp_path / "elan_curves.csv").open(newline="") as file:
        rows = [[float(cell) for cell in row] for row in csv.reader(file)]
    assert all(abs(sum(row[1:]) - 1) < 0.01 for row in rows)
    source = ElementTree.parse(tmp_path / "segments_tsconf.xml").getroot().find("tracksource")
    assert source is not None
    assert source.get("source-url") == (tmp_path / "elan_curves.csv").as_uri()
    assert len(source.findall("track")) == 7


def test_praat(analysis: Analysis, tmp_path: Path) -> None:
    textgrid = pytest.importorskip("praatio.textgrid")
    save(analysis, tmp_path, ["textgrid"])
    read = textgrid.openTextgrid(str(tmp_path / "segments.TextGrid"), includeEmptyIntervals=False)
    found = [
        (tier.name, round(1000 * entry.start), round(1000 * entry.end), entry.label)
        for tier in read.tiers for entry in tier.entries if entry.label
    ]  # fmt: skip
    assert sorted(found) == expected(analysis, tmp_path)
    end_s = tiers_of(analysis, tmp_path).end_ms / 1000
    assert all(tier.maxTimestamp == end_s for tier in read.tiers)


def test_bids_and_boris(analysis: Analysis, tmp_path: Path) -> None:
    save(analysis, tmp_path, ["bids", "boris"])
    events = next(tmp_path.glob("*_events.tsv"))
    with events.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    found = [
        (row["face"], round(1000 * float(row["onset"])),
         round(1000 * (float(row["onset"]) + float(row["duration"]))), row["trial_type"])
        for row in rows
    ]  # fmt: skip
    assert sorted(found) == expected(analysis, tmp_path)
    assert set(json.loads(events.with_suffix(".json").read_text())) == set(
        events.read_text(encoding="utf-8").splitlines()[0].split("\t")
    )
    with (tmp_path / "boris.tsv").open(newline="", encoding="utf-8") as file:
        boris = list(csv.DictReader(file, delimiter="\t"))
    ms = [
        (r["Subject"], round(1000 * float(r["Start (s)"])), round(1000 * float(r["Stop (s)"])), r["Behavior"])
        for r in boris
    ]
    assert sorted(ms) == expected(analysis, tmp_path)


def test_emotionml(analysis: Analysis, tmp_path: Path) -> None:
    save(analysis, tmp_path, ["emotionml"])
    space = "{http://www.w3.org/2009/10/emotionml}"
    root = ElementTree.parse(tmp_path / "segments.emotionml").getroot()
    names = {item.get("name") for item in root.iter(f"{space}item")}
    found = []
    for emotion in root.iter(f"{space}emotion"):
        category, reference = emotion.find(f"{space}category"), emotion.find(f"{space}reference")
        assert category is not None
        assert reference is not None
        assert category.get("name") in names
        start, end = str(reference.get("uri")).split("#t=")[1].split(",")
        found.append((round(1000 * float(start)), round(1000 * float(end))))
    assert sorted(found) == sorted((start, end) for _, start, end, _ in expected(analysis, tmp_path))


def test_label_studio(analysis: Analysis, tmp_path: Path) -> None:
    save(analysis, tmp_path, ["labelstudio"])
    task = json.loads((tmp_path / "labelstudio.json").read_text())[0]
    regions = task["predictions"][0]["result"]
    found = [
        (region["meta"]["text"][0], round(1000 * region["value"]["start"]), round(1000 * region["value"]["end"]),
         region["value"]["timeserieslabels"][0])
        for region in regions
    ]  # fmt: skip
    assert sorted(found) == expected(analysis, tmp_path)
    view = ElementTree.parse(tmp_path / "labelstudio.xml").getroot()
    labels = {label.get("value") for label in view.iter("Label")}
    assert {label for _, _, _, label in found} <= labels
    assert len(regions) == len({region["id"] for region in regions})


def offered(folder: Path) -> dict[str, list[str]]:
    """The labels that annotators can choose from, by format."""
    elan, studio = (ElementTree.parse(folder / name) for name in ("segments.eaf", "labelstudio.xml"))
    emotions = ElementTree.parse(folder / "segments.emotionml")
    return {
        "eaf": [str(value.text) for value in elan.iter("CVE_VALUE")],
        "labelstudio": [str(label.get("value")) for label in studio.iter("Label")],
        "emotionml": [str(one.get("name")).replace("_", " ") for one in emotions.iter() if one.tag.endswith("item")],
        "audformat": json.loads((folder / "audformat" / "db.yaml").read_text())["schemes"]["label"]["labels"],
    }


def test_annotators_can_choose_every_label_that_could_be_said(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    """Whatever occurs in the clip: a set-up of one clip fits the next."""
    analysis = scene()
    few, none = replace(analysis, faces=(replace(analysis.faces[0], segments=()),)), scene(faces=(), sound=False)
    for name, one in {"few": few, "none": none, "all": analysis}.items():
        write_corrections(Corrections({}, {}, (Correction(0, 0.0, 1.0, "Anger"),)), make_folder(tmp_path / name))
        save(one, tmp_path / name, ["eaf", "labelstudio", "emotionml", "audformat"])
        for labels in offered(tmp_path / name).values():
            assert labels == [*analysis.labels, "Anger"]


@pytest.mark.filterwarnings("ignore")  # audformat's own, of pandas
def test_audformat(analysis: Analysis, tmp_path: Path) -> None:
    audformat = pytest.importorskip("audformat")
    save(analysis, tmp_path, ["audformat"])
    table = audformat.Database.load(str(tmp_path / "audformat"))["segments"].df
    index = table.index
    found = [
        (row.face, round(start.total_seconds() * 1000), round(end.total_seconds() * 1000), row.label)
        for (_, start, end), row in zip(index, table.itertuples(), strict=True)
    ]
    assert sorted(found) == expected(analysis, tmp_path)


def cues(analysis: Analysis, folder: Path) -> list[tuple[int, int, str]]:
    """What subtitles should hold: no Neutral; several faces by their names."""
    several = len(analysis.faces) > 1
    return sorted(
        (start, end, f"{name}: {label}" if several else label)
        for name, start, end, label in expected(analysis, folder) if label != "Neutral"
    )  # fmt: skip


def test_subrip(analysis: Analysis, tmp_path: Path) -> None:
    pysrt = pytest.importorskip("pysrt")
    save(analysis, tmp_path, ["srt"])
    read = pysrt.open(str(tmp_path / "segments.srt"), encoding="utf-8")
    assert sorted((one.start.ordinal, one.end.ordinal, one.text.rpartition(" (")[0]) for one in read) == cues(
        analysis, tmp_path
    )


def test_webvtt(analysis: Analysis, tmp_path: Path) -> None:
    webvtt = pytest.importorskip("webvtt")
    save(analysis, tmp_path, ["vtt"])
    read = webvtt.read(str(tmp_path / "segments.vtt"))
    found = [
        (
            one.start_time.in_milliseconds(),
            one.end_time.in_milliseconds(),
            html.unescape(one.raw_text).rpartition(" (")[0],
        )
        for one in read
    ]
    assert sorted(found) == cues(analysis, tmp_path)


def test_parquet_in_three_readers(analysis: Analysis, tmp_path: Path) -> None:
    """Every frame's label and time, as the analysis has them."""
    duckdb, polars = pytest.importorskip("duckdb"), pytest.importorskip("polars")
    save(analysis, tmp_path, ["parquet"])
    path = str(tmp_path / "analysis.parquet")
    wanted = sorted(
        (int(frame), -1 if face.id is None else face.id, float(analysis.times_s[frame]), label)
        for face in analysis.faces
        for frame, label in zip(face.frames, map(face.expression.label, face.expression.classes), strict=True)
    )  # fmt: skip
    columns = ["frame", "face", "time_s", "AV"]
    in_polars = polars.read_parquet(path).select(columns).with_columns(polars.col("face").fill_null(-1)).rows()
    in_duckdb = duckdb.sql(f"select frame, coalesce(face, -1), time_s, AV from '{path}'").fetchall()
    rows = zip(*parquet.read_table(path, columns=columns).to_pydict().values(), strict=True)
    in_arrow = [(frame, -1 if face is None else face, *rest) for frame, face, *rest in rows]
    assert sorted(in_polars) == sorted(in_duckdb) == sorted(in_arrow) == wanted


EMOTIONML = {
    "emotionml": ({"version", "category-set"}, {"vocabulary", "emotion"}),
    "vocabulary": ({"type", "id"}, {"item"}),
    "item": ({"name"}, set()),
    "emotion": ({"expressed-through"}, {"info", "category", "reference"}),
    "category": ({"name", "confidence"}, set()),
    "reference": ({"uri", "role"}, set()),
}
"""Of EmotionML 1.0 (W3C recommendation of 22 May 2014, sections 2 to 4) the elements that we write: all attributes and
children that may be there. ``test_heavy_readers.py`` takes the W3C's own schemas, where they are at hand.
"""


def test_emotionml_is_built_as_the_recommendation_says(analysis: Analysis, tmp_path: Path) -> None:
    save(analysis, tmp_path, ["emotionml"])
    root = ElementTree.parse(tmp_path / "segments.emotionml").getroot()
    space = "{http://www.w3.org/2009/10/emotionml}"
    assert root.tag == f"{space}emotionml"
    assert root.get("version") == "1.0"
    vocabularies = {one.get("id"): one for one in root.iter(f"{space}vocabulary")}
    assert root.get("category-set", "").removeprefix("#") in vocabularies
    for element in root.iter():
        if not element.tag.startswith(space):
            continue  # in a namespace of ours, below info, where anything may be
        name = element.tag.removeprefix(space)
        if name == "info":
            assert all(not child.tag.startswith(space) for child in element)
            continue
        attributes, children = EMOTIONML[name]
        assert set(element.attrib) == attributes
        assert {child.tag.removeprefix(space) for child in element} <= children
    for emotion in root.iter(f"{space}emotion"):
        assert len(emotion.findall(f"{space}category")) == 1
        assert set(emotion.get("expressed-through", "").split()) <= {"face", "voice"}
    for category in root.iter(f"{space}category"):
        assert re.fullmatch(r"[\w.\-]+", category.get("name", ""))
        assert 0 <= float(category.get("confidence", "")) <= 1
    for vocabulary in vocabularies.values():
        names = [item.get("name") for item in vocabulary]
        assert len(names) == len(set(names)) > 0


def test_emotionml_names_the_voice_where_it_counts(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    """The scene's sound is the first face's. Here it counts for a second only; of a face that was split, for the part
    that is there then.
    """
    analysis = scene(faces=((0, 99, ()), (0, 99, ())))
    face, other = analysis.faces
    sound = replace(face.audio, valid=face.audio.valid & (face.audio.times_s < 1))
    rows = (said(0, 0.5, "Fear"), said(1, 2, "Fear"), said(2.5, 4, "Fear"))
    heard = replace(face, said={**face.said, "audio": sound}, segments=rows)
    faces = (heard, replace(other, segments=tuple(replace(row, face=1) for row in rows)))
    write_corrections(Corrections(splits=(Split(0, 2.0, 7),)), tmp_path)
    save(replace(analysis, faces=faces), tmp_path, ["emotionml"])
    found = {}
    for emotion in ElementTree.parse(tmp_path / "segments.emotionml").iter(
        "{http://www.w3.org/2009/10/emotionml}emotion"
    ):
        (who,) = emotion.iter("{urn:avcer}segment")
        found.setdefault(who.get("face"), []).append(emotion.get("expressed-through"))
    assert found == {"Face 0": ["face voice", "face"], "Face 7": ["face"], "Face 1": ["face"] * 3}


def test_a_name_that_is_not_utf_8(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    analysis = labelled(scene, said(0, 1, "Fear"), name=os.fsdecode(b"gespr\xe4ch.mp4"))
    save(analysis, tmp_path, [*EXPORTS, "emotionml"])
    for name in ("segments.emotionml", "segments.eaf"):
        assert b"gespr%E4ch.mp4" in (tmp_path / name).read_bytes()
        ElementTree.parse(tmp_path / name)


def test_boxes(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    analysis = scene()
    save(analysis, tmp_path, ["mot"])
    rows = [[float(cell) for cell in line.split(",")] for line in (tmp_path / "boxes.mot.txt").read_text().splitlines()]
    track = analysis.faces[0].track
    assert track is not None
    assert len(rows) == sum(len(face.track.frames) for face in analysis.faces if face.track)
    assert rows[0][0] == track.frames[0] + 1
    assert rows[0][4] == pytest.approx(float(track.boxes[0, 2] - track.boxes[0, 0]), abs=0.01)


class TestCorrections:
    """What a person said is in every export, marked, and the machine's answer stays what it was."""

    @pytest.fixture
    def folder(self, scene: Callable[..., Analysis], tmp_path: Path) -> Path:
        corrections = Corrections(
            names={0: "Zoë"}, segments=(Correction(0, 1.0, 2.5, "Sadly Angry"),), markers=(Marker(3.0, "laughs\nloud"),)
        )
        write_corrections(corrections, tmp_path)
        words = ["eaf", "textgrid", "emotionml", "labelstudio", "boris", "audformat", "bids", "mot", "srt", "vtt",
                 "parquet", "corrected"]  # fmt: skip
        save(plain(scene), tmp_path, words)
        return tmp_path

    def test_a_persons_label_takes_the_place_of_the_machines(
        self, scene: Callable[..., Analysis], folder: Path
    ) -> None:
        assert expected(plain(scene), folder) == [
            ("Zoë", 0, 1000, "Happiness"), ("Zoë", 1000, 2500, "Sadly Angry"), ("Zoë", 2500, 4000, ODD),
        ]  # fmt: skip

    def test_it_is_marked(self, folder: Path) -> None:
        root = ElementTree.parse(folder / "segments.eaf").getroot()
        below = root.find("TIER[@TIER_ID='Zoë: probability']")
        assert below is not None
        assert [value.text for value in below.iter("ANNOTATION_VALUE")] == ["0.750", "corrected", "0.750"]
        assert 'text = "Sadly Angry*"' in (folder / "segments.TextGrid").read_text()
        assert 'mark = "laughs loud"' in (folder / "segments.TextGrid").read_text()
        assert "\tperson" in next(folder.glob("*_events.tsv")).read_text()
        assert "corrected by a person" in (folder / "boris.tsv").read_text()
        assert 'by="person"' in (folder / "segments.emotionml").read_text()
        assert '"manual"' in (folder / "labelstudio.json").read_text()
        assert "Sadly Angry,Zoë,1.0000,person" in (folder / "audformat" / "db.segments.csv").read_text("utf-8")
        for name in ("segments.srt", "segments.vtt"):
            assert "Zoë: Sadly Angry (corrected)" in (folder / name).read_text("utf-8")

    def test_markers_are_points(self, folder: Path) -> None:
        assert "\n3.000\t0\tlaughs loud\tn/a\tn/a\tperson\n" in next(folder.glob("*_events.tsv")).read_text("utf-8")
        with (folder / "boris.tsv").open(newline="", encoding="utf-8") as file:
            (point,) = [row for row in csv.DictReader(file, delimiter="\t") if row["Behavior type"] == "POINT"]
        assert (point["Behavior"], point["Start (s)"], point["Stop (s)"]) == ("laughs loud", "3.000", "3.000")

    def test_every_format_has_the_name(self, folder: Path) -> None:
        """And no format that people know is left out of this test."""
        files = {
            "eaf": "segments.eaf", "textgrid": "segments.TextGrid", "emotionml": "segments.emotionml",
            "labelstudio": "labelstudio.json", "boris": "boris.tsv", "audformat": "audformat/db.segments.csv",
            "bids": "clip_events.tsv", "mot": "boxes.names.csv", "corrected": "corrected.csv",
        }  # fmt: skip
        assert set(files) == set(EXPORTS)
        for name in files.values():
            text = (folder / name).read_text(encoding="utf-8")
            assert "Zoë" in (json.dumps(json.loads(text), ensure_ascii=False) if name.endswith("json") else text)
        assert "0,Zoë,person" in (folder / "boxes.names.csv").read_text(encoding="utf-8")

    def test_parquet_has_what_people_said_beside_the_machines(self, folder: Path) -> None:
        table = parquet.read_table(folder / "analysis.parquet").to_pandas()
        given = table[table["corrected"].notna()]
        assert set(given["corrected"]) == {"Sadly Angry"}
        assert given["time_s"].min() == 1.0
        assert given["time_s"].max() == pytest.approx(2.48)
        assert set(table["name"]) == {"Zoë"}

    def test_merged_faces_are_one_in_boxes_and_tables(self, scene: Callable[..., Analysis], tmp_path: Path) -> None:
        """Where both are seen at once, there is one box."""
        write_corrections(Corrections(names={0: "A"}, merged={1: 0}), tmp_path)
        save(scene(faces=((0, 50, ()), (40, 90, ()))), tmp_path, ["mot", "parquet"])
        rows = [line.split(",")[:2] for line in (tmp_path / "boxes.mot.txt").read_text().splitlines()]
        assert [int(frame) for frame, _ in rows] == list(range(1, 92))
        assert {face for _, face in rows} == {"0"}
        assert (tmp_path / "boxes.names.csv").read_text() == "face,name,named_by\n0,A,person\n"
        table = parquet.read_table(tmp_path / "analysis.parquet").to_pandas()
        assert set(table["person"].dropna()) == {0}
        assert set(table["face"].dropna()) == {0, 1}

    def test_merged_faces_are_one_tier(self, scene: Callable[..., Analysis], tmp_path: Path) -> None:
        write_corrections(Corrections(merged={1: 0}), tmp_path)
        names = [tier.name for tier in tiers_of(scene(faces=((0, 50, ()), (60, 90, ()))), tmp_path).tiers]
        assert names.count("Face 0") == 1
        assert "Face 1" not in names

    @pytest.mark.parametrize("text", ["{", "[]", '{"format": "x"}', '{"format": "avcer-corrections", "version": 2}'])
    def test_damaged_corrections_are_one_line(self, scene: Callable[..., Analysis], tmp_path: Path, text: str) -> None:
        from avcer.errors import InputError

        (tmp_path / "corrections.json").write_text(text)
        with pytest.raises(InputError, match=r"corrections\.json"):
            save(plain(scene), tmp_path, ["eaf"])

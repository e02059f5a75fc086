"""There and back: exported, edited as a person would, imported, scored."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avcer import cli
from avcer.analysis import Analysis
from avcer.annotations.labels import read_labels
from avcer.evaluation.annotated.compare import compare
from avcer.evaluation.annotated.scores import scores
from avcer.files import make_folder
from avcer.output.corrections import Correction, Corrections, write_corrections
from avcer.output.writers import save

TEXTGRID = '"ooTextFile" "TextGrid" 0 3 <exists> 1 "IntervalTier" "mood" 0 3 1 0 3 "Happy"\n'


def called(capsys: pytest.CaptureFixture[str], *words: object, status: int = 0) -> str:
    assert cli.main([str(word) for word in words]) == status
    return capsys.readouterr().out


def scored(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(called(capsys, "evaluate", "annotations", *words, "--json"))
    return found


@pytest.fixture(params=["even", "variable", "late"])
def result(request: pytest.FixtureRequest, scene: Callable[..., Analysis], tmp_path: Path) -> Path:
    analysis = scene(faces=((0, 99, ()), (20, 80, ())), rate=29.97, path=tmp_path / "\u00e4 & <1>.mp4")
    if request.param != "even":
        shift_s = 36000.0 if request.param == "late" else 0.0
        analysis = shifted(analysis, shift_s)
    save(analysis, tmp_path / "result", ["json", "eaf", "textgrid"])
    return tmp_path / "result"


def shifted(analysis: Analysis, shift_s: float) -> Analysis:
    """On a clock that begins elsewhere, and with frames that last unevenly."""
    wobble = (lambda time_s: time_s + 0.004 * ((time_s * 31.7) % 1)) if not shift_s else (lambda time_s: time_s)

    def moved(record: Any, **more: Any) -> Any:
        return replace(record, times_s=wobble(record.times_s) + shift_s, **more)

    faces = tuple(
        replace(
            face,
            said={name: moved(one) for name, one in face.said.items()}, fused=moved(face.fused),
            expression=moved(face.expression), curves={name: moved(one) for name, one in face.curves.items()},
            segments=tuple(
                replace(one, start_s=float(wobble(one.start_s)) + shift_s, end_s=float(wobble(one.end_s)) + shift_s)
                for one in face.segments
            ),
        )
        for face in analysis.faces
    )  # fmt: skip
    said = {name: moved(one) for name, one in analysis.said.items()}
    return moved(replace(analysis, faces=faces, said=said, clip=replace(analysis.clip, start_s=shift_s)))


@pytest.mark.parametrize("name", ["segments.eaf", "segments.TextGrid"])
def test_what_was_exported_agrees_wholly(result: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    called(capsys, "import-annotations", result / name, "--out", result / "labels")
    found = scored(capsys, result, result / "labels" / "labels.csv")
    assert found["frames"]["kappa"] == found["segments"]["kappa"] == 1.0
    assert found["frames"]["annotator_only"] == 0
    assert found["differences"] == []
    assert {one["against"] for one in found["tiers"]} == {"Face 0", "Face 1"}
    count = found["stretches"]["n"]
    assert count == found["segments"]["n"] == found["stretches"]["own"] == sum(one["own"] for one in found["tiers"])
    note = f"note: {count} of {count} stretches are avcer's own, unchanged"
    assert note in called(capsys, "evaluate", "annotations", result, result / "labels" / "labels.csv")


def test_stretches_that_a_person_took_over_are_not_avcers_own(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another label, other times, or a name in the place of avcer's; of a tier that was left as it was, all are."""
    table = result / "labels.csv"
    called(capsys, "import-annotations", result / "segments.eaf", "--quiet")
    with table.open(newline="", encoding="utf-8") as file:
        first, second, third, *others = list(csv.DictReader(file))
    first["label"], second["end"], third["annotator"] = "Sadness", str(float(second["end"]) - 0.001), "KM"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(first))
        writer.writeheader()
        writer.writerows([first, second, third, *others])
    assert scored(capsys, result, table)["stretches"] == {"n": 3 + len(others), "own": len(others)}


@pytest.mark.parametrize("times", ["file", "start", None])
@pytest.mark.parametrize("name", ["segments.eaf", "segments.TextGrid"])
def test_the_way_back_follows_the_clock_that_was_asked_for(
    times: str | None, name: str, scene: Callable[..., Analysis], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"options": {"times": times}} if times else {}
    analysis = shifted(scene(provenance=options, path=tmp_path / "late.mp4"), 5.0)
    save(analysis, tmp_path / "result", ["json", "eaf", "textgrid"])
    assert cli.main(["import-annotations", str(tmp_path / "result" / name), "--out", str(tmp_path)]) == 0
    told = capsys.readouterr().err
    found = scored(capsys, tmp_path / "result", tmp_path / "labels.csv")
    assert found["frames"]["agreement"] == 1.0
    assert found["frames"]["annotator_only"] == 0
    assert found["stretches"]["own"] == found["stretches"]["n"] > 0
    assert ("5 s are taken off" in told) == (times == "file")


def test_an_edited_label_is_the_one_difference(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Edited by a program that is not ours."""
    pympi = pytest.importorskip("pympi")
    read = pympi.Elan.Eaf(str(result / "segments.eaf"))
    start, end, was = read.get_annotation_data_for_tier("Face 0")[1][:3]
    below = next(one for one in read.get_ref_annotation_data_for_tier("Face 0: probability") if one[0] == start)
    read.remove_ref_annotation("Face 0: probability", (below[0] + below[1]) // 2)
    read.remove_annotation("Face 0", (start + end) // 2)
    read.add_annotation("Face 0", start, end, "Sadly Fearful" if was != "Sadly Fearful" else "Sadly Angry")
    read.to_file(str(result / "edited.eaf"))
    called(capsys, "import-annotations", result / "edited.eaf", "--out", result / "labels")
    found = scored(capsys, result, result / "labels" / "labels.csv", "--out", result / "scores")
    assert 0 < found["frames"]["kappa"] < 1
    (one,) = found["differences"]
    assert (one["tier"], one["label_machine"]) == ("Face 0", was)
    assert one["start_s"] * 1000 == pytest.approx(start, abs=1)
    assert one["end_s"] * 1000 == pytest.approx(end, abs=1)
    assert found["segments"]["n"] - found["segments"]["agreement"] * found["segments"]["n"] == pytest.approx(1)
    with (result / "scores" / "differences.csv").open(newline="", encoding="utf-8") as file:
        assert [row["label_machine"] for row in csv.DictReader(file)] == [was]
    assert json.loads((result / "scores" / "agreement.json").read_text())["frames"] == found["frames"]
    assert was in called(capsys, "evaluate", "annotations", result, result / "labels" / "labels.csv")


def test_a_label_that_a_person_replaced_may_leave_its_probability(
    scene: Callable[..., Analysis], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pympi = pytest.importorskip("pympi")
    save(scene(), tmp_path, ["json", "eaf"])
    read = pympi.Elan.Eaf(str(tmp_path / "segments.eaf"))
    start, end, _ = read.get_annotation_data_for_tier("Face 0")[0][:3]
    read.remove_annotation("Face 0", (start + end) // 2)
    read.add_annotation("Face 0", start, end, "Anger")
    read.to_file(str(tmp_path / "segments.eaf"))
    called(capsys, "import-annotations", tmp_path / "segments.eaf")
    assert read_labels(tmp_path / "labels.csv")[0].label == "Anger"


def test_corrections_are_annotations(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    """The machine's own labels are judged, not what the corrections made of them."""
    save(scene(), tmp_path, ["json"])
    path = write_corrections(Corrections({0: "Zo\u00eb"}, {}, (Correction(0, 1.0, 2.0, "Happiness"),)), tmp_path)
    assert cli.main(["import-annotations", str(path), "--quiet"]) == 0
    compared, _ = compare(read_labels(tmp_path / "labels.csv"), [tmp_path])
    found = scores(compared)
    assert found["frames"]["n"] == 25
    assert found["frames"]["agreement"] == 0.0  # the rule of the scene knows compounds alone
    assert found["tiers"][0]["against"] == "Zo\u00eb"
    assert found["frames"]["machine_only"] == 75


def test_a_face_named_as_another_tier_is_found_by_its_name(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    save(scene(), tmp_path, ["json"])
    path = write_corrections(Corrections({0: "Markers"}, {}, (Correction(0, 1.0, 2.0, "Happiness"),)), tmp_path)
    assert cli.main(["import-annotations", str(path), "--quiet"]) == 0
    compared, _ = compare(read_labels(tmp_path / "labels.csv"), [tmp_path])
    assert compared[0].face == "Markers (0)"


def rows(*parts: str) -> str:
    return "path,start,end,label,speaker,tier,annotator,word,source\n" + "".join(f"{part}\n" for part in parts)


def test_two_annotators_are_judged_against_each_other(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    save(scene(), tmp_path, ["json"])
    table = tmp_path / "l.csv"
    table.write_text(rows("clip.mp4,0,2,Fear,,x,A,,", "clip.mp4,0,1,Fear,,x,B,,", "clip.mp4,1,2,Anger,,x,B,,"))
    found = scores(compare(read_labels(table), [tmp_path])[0])
    assert found["people"]["n"] == 50
    assert found["people"]["agreement"] == 0.5
    assert {one["against"] for one in found["tiers"]} == {"whoever leads"}
    assert found["stretches"] == {"n": 3, "own": 0}


def test_differences_say_whose_they_are(
    scene: Callable[..., Analysis], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where two annotators differ from the machine in one and the same way."""
    save(scene(path=tmp_path / "clip.mp4"), tmp_path, ["json"])
    for name in ("anna", "bob"):
        (tmp_path / f"{name}.TextGrid").write_text(TEXTGRID)
    called(capsys, "import-annotations", tmp_path / "anna.TextGrid", tmp_path / "bob.TextGrid")
    shown = called(capsys, "evaluate", "annotations", tmp_path, tmp_path / "labels.csv", "--out", tmp_path / "scores")
    assert "clip.mp4, mood, bob.TextGrid: " in shown
    with (tmp_path / "scores" / "differences.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({tuple(row.values()) for row in rows}) == len(rows)
    assert {(row["who"], row["source"]) for row in rows} == {("", "anna.TextGrid"), ("", "bob.TextGrid")}
    assert {row["label_person"] for row in rows} == {"Happiness"}


def test_two_annotators_of_one_clip(
    scene: Callable[..., Analysis], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their files may have one name and lie anywhere; the tables may be one or two."""
    save(scene(path=tmp_path / "clip.mp4"), tmp_path / "result", ["json"])
    for name, word in {"la": "Happy", "lb": "Sad"}.items():
        make_folder(tmp_path / name).joinpath("a.TextGrid").write_text(TEXTGRID.replace("Happy", word))
    files, video = [tmp_path / name / "a.TextGrid" for name in ("la", "lb")], ["--video", tmp_path / "clip.mp4"]
    called(capsys, "import-annotations", *files, *video, "--out", tmp_path)
    together = scored(capsys, tmp_path / "result", tmp_path / "labels.csv")
    for file in files:
        called(capsys, "import-annotations", file, *video)
    apart = scored(capsys, tmp_path / "result", *(file.with_name("labels.csv") for file in files))
    for found in (together, apart):
        assert found["people"] == {"n": 75, "agreement": 0.0, "kappa": 0.0, "alpha": pytest.approx(-1, abs=0.1)}
        assert found["stretches"]["n"] == len(found["tiers"]) == 2
        assert len({one["source"] for one in found["differences"]}) == 2


def test_tiers_that_name_no_face(
    scene: Callable[..., Analysis], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of them may be two people. The column 'speaker' says of whom a tier is."""
    save(scene(faces=((0, 50, ()), (40, 99, ()))), tmp_path, ["json"])
    table = tmp_path / "l.csv"
    table.write_text(rows("clip.mp4,0,1,Fear,,Anna,A,,", "clip.mp4,2,3,Fear,,Bob,A,,"))
    assert cli.main(["evaluate", "annotations", str(tmp_path), str(table)]) == 1
    assert "'Anna', 'Bob'" in capsys.readouterr().err
    table.write_text(rows("clip.mp4,0,1,Fear,face 0,Anna,A,,", "clip.mp4,2,3,Fear,Face 1,Bob,A,,"))
    found = scored(capsys, tmp_path, table)
    assert [one["against"] for one in found["tiers"]] == ["Face 0", "Face 1"]


def test_many_results(scene: Callable[..., Analysis], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Labels find the result of their clip; a clip without one is named, and the status says so."""
    for number in (1, 2):
        save(scene(path=Path(f"/gone/{number}.mp4"), seed=number), tmp_path / "out" / str(number), ["json"])
    table = tmp_path / "l.csv"
    table.write_text(rows("1.mp4,0,1,Fear,,,,,", "/gone/2.mp4,0,1,Fear,,,,,", "3.mp4,0,1,Fear,,,,,"))
    call = ["evaluate", "annotations", str(tmp_path / "out"), str(table)]
    assert cli.main([*call, "--json"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["clips"] == 2
    assert "3.mp4: has no result" in shown.err
    save(scene(path=Path("/other/1.mp4")), tmp_path / "out" / "again", ["json"])
    assert cli.main(call) == 1
    assert "give one RESULT" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["evaluate", "annotations", "l.csv"], ["evaluate", "annotations", "r", "l.csv", "--rule", "1"],
              ["evaluate", "annotations", "k.csv", "l.csv"]],
)  # fmt: skip
def test_wrong_usage(words: list[str]) -> None:
    assert cli.main(words) == 2


def test_one_file_that_is_none_does_not_stop_the_others(
    scene: Callable[..., Analysis], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(scene(), tmp_path, ["textgrid"])
    (tmp_path / "bad.eaf").write_text("{")
    files = [str(tmp_path / name) for name in ("bad.eaf", "segments.TextGrid")]
    assert cli.main(["import-annotations", *files]) == 1
    assert capsys.readouterr().err.count("bad.eaf") == 1
    assert read_labels(tmp_path / "labels.csv")

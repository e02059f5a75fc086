from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from avcer import cli
from avcer.analysis import Analysis
from avcer.errors import OutputError, UsageError
from avcer.output.document import load_json
from avcer.output.tiers import Tiers, tiers_of
from avcer.output.writers import DEFAULT_FORMATS, FORMATS, Format, add, reads_curves, save

Make = Callable[..., Analysis]

TABLES = ["static.csv", "dynamic.csv", "audio.csv", "fused.csv", "compound.csv", "segments.csv"]


def test_the_usual_formats_write_the_contract(scene: Make, tmp_path: Path) -> None:
    paths = save(scene(), tmp_path / "made" / "here", DEFAULT_FORMATS)
    assert [path.name for path in paths] == [*TABLES, "analysis.json", "analysis.npz", "timeline.png", "submission.txt"]
    assert sorted(paths) == sorted((tmp_path / "made" / "here").iterdir())


def test_a_format_is_written_once(scene: Make, tmp_path: Path) -> None:
    paths = save(scene(), tmp_path, ["srt", "vtt", "srt"])
    assert [path.name for path in paths] == ["segments.srt", "segments.vtt"]


def test_an_unknown_format_names_the_known_ones_and_writes_nothing(scene: Make, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"unknown format 'xlsx'; the formats are csv, json, png, txt, srt, vtt, parquet, jsonl, eaf"
    ):
        save(scene(), tmp_path / "out", ["csv", "xlsx"])
    assert not (tmp_path / "out").exists()


def test_formats_in_one_text_are_no_list(scene: Make, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must be a list of words, such as \['csv', 'json'\], not 'csv'"):
        save(scene(), tmp_path, "csv")


def test_a_heading_that_is_none(scene: Make) -> None:
    with pytest.raises(UsageError, match="no heading 'X'; there are: AV, VS, VD, A"):
        scene().leader("X")


def test_a_folder_that_cannot_be_made(scene: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another folder"):
        save(scene(), tmp_path / "file", ["txt"])


def test_formats_that_were_added_one_after_another_go_with_their_analysis(scene: Make, tmp_path: Path) -> None:
    save(scene(), tmp_path, ["json"])
    for word in ("srt", "vtt", "txt"):
        add(scene(), tmp_path, [word])
    assert (tmp_path / "segments.srt").exists()
    save(scene(provenance={"version": "another"}), tmp_path, ["json"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["analysis.json", "analysis.npz"]


def test_importing_the_table_is_light() -> None:
    assert set(DEFAULT_FORMATS) < set(FORMATS)
    import subprocess

    code = (
        "import sys, avcer.output.writers; print([m for m in ('matplotlib', 'openvino', 'torch') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@pytest.mark.parametrize("word", [word for word, row in FORMATS.items() if not row.curves])
def test_a_format_that_reads_no_curve_is_the_same_without_their_numbers(word: str, scene: Make, tmp_path: Path) -> None:
    save(scene(), tmp_path, ["json"])
    written = []
    for labels_alone in (False, True):
        folder = tmp_path / str(labels_alone) / "here"
        folder.mkdir(parents=True)
        paths = add(load_json(tmp_path, labels_alone), folder, [word])
        written.append({path.name: path.read_bytes().replace(str(folder).encode(), b"") for path in paths})
    assert written[0] == written[1]


def test_a_format_reads_curves_unless_its_row_says_that_it_does_not(
    scene: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a new one never gets zeros in their place."""
    seen: list[float] = []
    new = Format(lambda analysis, folder: seen.append(analysis.faces[0].curve("VS").probability.max()) or [])
    monkeypatch.setitem(FORMATS, "new", new)
    save(scene(), tmp_path, ["json"])
    assert cli.main(["export", str(tmp_path), "--formats", "eaf,new", "--quiet"]) == 0
    assert seen[0] > 0
    assert not reads_curves(["eaf", "csv"])


def test_one_call_makes_the_tiers_once(scene: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def counted(analysis: Analysis, folder: Path) -> Tiers:
        made.append(folder)
        return tiers_of(analysis, folder)

    monkeypatch.setattr("avcer.output.writers.tiers_of", counted)
    save(scene(), tmp_path, ("eaf", "textgrid", "emotionml", "labelstudio", "boris", "audformat", "bids", "srt", "vtt"))
    assert made == [tmp_path]
    save(scene(), tmp_path, ("csv", "mot", "corrected"))
    assert made == [tmp_path]


def test_parquet_leaves_pandas_alone() -> None:
    """Which takes 30 MB and half a second, and is installed beside pyarrow more often than not."""
    code = (
        "import sys, numpy as np\n"
        "from avcer.output.tables import Column, Table\n"
        "from avcer.output.table_files import to_arrow\n"
        "whole = Column('face', np.array([0.0, np.nan]), 'x', 0)\n"
        "number = Column('valence', np.array([np.nan, 0.5]), 'x', 6)\n"
        "text = Column('label', np.array(['Zürich', None], object), 'x')\n"
        "print(to_arrow(Table('t', (whole, number, text)), {}).to_pydict(), 'pandas' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "{'face': [0, None], 'valence': [None, 0.5], 'label': ['Zürich', None]} False"

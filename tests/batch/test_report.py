"""The page and the tables of a batch, from records made by hand."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from avcer.batch.entries import Entry
from avcer.batch.page import Table, hours
from avcer.batch.record import ClipRecord
from avcer.batch.report import write_report
from avcer.batch.summary import CLIP_COLUMNS, FACE_COLUMNS, MADE_COLUMNS, clip_rows, face_rows, write_summaries
from avcer.labels import NONE
from recordings import VideoTrack, grey, write

SETTINGS = {"identity": {"vocabulary": {"name": "two", "compounds": [["Bittersweet", "Happiness", "Sadness"]]}}}


def face(number: int | None, seconds: float, primary: bool = False, **shares: float) -> dict[str, Any]:
    return {
        "face": number, "primary": primary, "seconds_seen": seconds, "segments": len(shares), "probability": 0.5,
        "shares": shares, "counts": dict.fromkeys(shares, 1), "means": {},
    }  # fmt: skip


def done(name: str, *faces: Mapping[str, Any], seconds: float = 1.0, **facts: Any) -> ClipRecord:
    known = {"duration_s": 4.0, "frames": 100, "face_share": 0.5, "sound_share": 0.25, "warnings": [], **facts}
    return ClipRecord(Entry(name, Path(f"{name}.mp4")), "done", 1, seconds=seconds, facts={**known, "faces": faces})


def failed(name: str) -> ClipRecord:
    return ClipRecord(Entry(name, Path(f"{name}.mp4")), "failed", 2, f"{name}.mp4: not a video file; give one", 0.5)


def page(folder: Path, *clips: ClipRecord, thumbnails: bool = False) -> str:
    return write_report(clips, folder / "report.html", SETTINGS, thumbnails).read_text()


def cells(html: str, heading: str) -> list[list[str]]:
    """The rows of the table below a heading, as texts."""
    part = html.split(f"<h2>{heading}</h2>")[1].split("</table>")[0]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in part.split("<tr>")[1:]]
    return [[re.sub("<[^>]*>", "", cell) for cell in row] for row in rows if row]


def test_totals_and_failures(tmp_path: Path) -> None:
    waits = ClipRecord(Entry("d", Path("d.mp4")))
    html = page(tmp_path, done("a", seconds=1.0), done("b", seconds=2.5), failed("c"), waits)
    assert "<h1>Batch of 4 clips</h1>" in html
    assert cells(html, "Totals") == [["queued", "1"], ["done", "2"], ["failed", "1"], ["total", "4"]]
    assert "Video done: 8.0 s. Work, all workers together: 4.0 s, which is 0.500 times as long as the video." in html
    assert cells(html, "Failures (1)") == [["c", "not a video file; give one", "2"]]
    assert "<h1>Batch of 1 clip</h1>" in page(tmp_path, failed("c"))
    assert "Work, all workers together: 0.5 s.</p>" in page(tmp_path, failed("c"))


def test_labels_of_faces_and_of_voices_are_told_apart_the_most_frequent_first_and_none_last(tmp_path: Path) -> None:
    of_faces = [face(1, 8.0, True, **{NONE: 0.5, "Fear": 0.25, "Bittersweet": 0.25}), face(2, 2.0, Fear=1.0)]
    html = page(tmp_path, done("a", *of_faces), done("b", face(None, 30.0, Anger=1.0)))
    assert cells(html, "Labels of faces") == [
        ["Fear", "4.0 s", "40.0%", ""],
        ["Bittersweet", "2.0 s", "20.0%", ""],
        ["none (cannot tell)", "4.0 s", "40.0%", ""],
    ]
    assert cells(html, "Labels from sound alone") == [["Anger", "30.0 s", "100.0%", ""]]
    widths = [float(one) for one in re.findall(r"width:([\d.]+)%;background", html)]
    assert widths == [100, 50, 100, 100]
    never = page(tmp_path, done("c", face(1, 0.0, Fear=1.0)))
    assert cells(never, "Labels of faces") == [["Fear", "0.0 s", "", ""]]
    assert "width:0.0%" in never
    alone = page(tmp_path, done("b", face(None, 3.0, Anger=1.0)))
    assert "Labels of faces" not in alone
    assert "Labels from sound alone" in alone
    assert "Labels from sound alone" not in page(tmp_path, done("a", *of_faces))
    assert "No clip has a face or a voice that was labelled" in page(tmp_path, failed("c"), done("d"))


def test_the_ten_slowest_clips_stand_there_the_slowest_first(tmp_path: Path) -> None:
    html = page(tmp_path, *[done(f"c{number}", seconds=float(number)) for number in range(1, 13)], failed("x"))
    rows = cells(html, "Slowest clips")
    assert [row[0] for row in rows] == [f"c{number}" for number in range(12, 2, -1)]
    assert rows[0] == ["c12", "4.0 s", "12.0 s", "3.000"]
    assert "Slowest clips" not in page(tmp_path, failed("x"))


def test_notes_are_counted(tmp_path: Path) -> None:
    clips = [done("a", warnings=["quiet", "dark"]), done("b", warnings=["quiet"]), done("c")]
    assert cells(page(tmp_path, *clips), "Notes on clips") == [["quiet", "2"], ["dark", "1"]]
    assert "Notes on clips" not in page(tmp_path, done("c"))


def test_a_picture_of_each_clip_from_its_middle(tmp_path: Path) -> None:
    """Of a part of a clip, from the middle of the part; of a file that is gone, or failed, none."""
    path = write(tmp_path / "clip.mkv", VideoTrack([grey(number // 10, (64, 48)) for number in range(150)]))
    whole = ClipRecord(Entry("whole", path), "done", 1, facts={"duration_s": 6.0, "faces": []})
    part = ClipRecord(Entry("part", path, 4.0, 6.0), "done", 1, facts={"duration_s": 2.0, "faces": []})
    gone = ClipRecord(Entry("gone", tmp_path / "gone.mkv"), "done", 1, facts={"duration_s": 2.0, "faces": []})
    broken = ClipRecord(Entry("broken", path), "failed", 1, "why")
    html = page(tmp_path, whole, part, gone, broken, thumbnails=True)
    named = re.findall(r"base64,([^\"]*)\"><figcaption>(\w+)<", html)
    assert [name for _, name in named] == ["whole", "part"]
    for (encoded, _), number in zip(named, (7, 12), strict=True):
        image = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (120, 160, 3)
        assert image.mean() == pytest.approx(grey(number).mean(), abs=10)
    assert "figcaption>" not in page(tmp_path, whole)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0.0 s"),
        (59.9, "59.9 s"),
        (60, "1.0 min"),
        (3599, "60.0 min"),
        (3600, "1.0 h"),
        (9000, "2.5 h"),
        (3.6e6, "1000.0 h"),
    ],
)
def test_times_in_words(seconds: float, told: str) -> None:
    assert hours(seconds) == told


def test_columns_of_numbers_stand_to_the_right_but_for_the_first() -> None:
    table = Table("id", "clips", "note")
    table.row("7", 3, "fine")
    table.row("8", "4.5 s", "7 of them")
    html = table.html()
    assert html.count('<td class="number">3<') == html.count('<td class="number">4.5 s<') == 1
    assert '<th class="number">clips<' in html
    assert "<th>id<" in html
    assert "<th>note<" in html
    plain = Table("", "", numbers=False)
    plain.row("fps", 5)
    assert "number" not in plain.html()
    assert "<th" not in plain.html()


def test_rows_of_the_summary() -> None:
    lead = face(2, 3.0, True, Fear=0.4, Anger=0.6)
    clip = done("a", face(1, 1.0, Fear=1.0), lead, face(None, 1.0, Sadness=1.0), seconds=2.12345, warnings=["x", "y"])
    (row, other) = clip_rows([clip, failed("b")])
    assert (row["faces"], row["frames"], row["segments"], row["seconds"]) == (2, 100, 4, 2.123)
    assert (row["label"], row["label_share"], row["warnings"]) == ("Anger", 0.6, "x; y")
    assert row["real_time_factor"] == 0.5309
    assert (other["faces"], other["segments"], other["label"], other["real_time_factor"]) == (None,) * 4
    assert other["error"] == "b.mp4: not a video file; give one"
    (timeless,) = clip_rows([done("c", duration_s=0.0)])
    assert (timeless["real_time_factor"], timeless["faces"], timeless["label"]) == (None, 0, None)
    first, second, third = face_rows([clip, failed("b")])
    assert [one["primary"] for one in (first, second, third)] == [0, 1, 0]
    assert (second["share of Anger"], second["share of Sadness"]) == (0.6, 0.0)
    assert (second["segments of Anger"], second["segments of Sadness"]) == (1, 0)
    assert third["face"] is None


def test_every_column_is_described_in_the_file_and_on_the_page(tmp_path: Path) -> None:
    clip = done("a", face(1, 1.0, True, Fear=1.0))
    write_summaries([replace(clip, entry=replace(clip.entry, extra={"scene": "two"}))], tmp_path)
    summary, faces = (pq.read_table(tmp_path / f"{name}.parquet").schema for name in ("summary", "faces"))
    assert all(field.metadata[b"description"] for schema in (summary, faces) for field in schema)
    said = {name: faces.field(name).metadata[b"description"].decode() for name in faces.names}
    assert said["share of Fear"] == "share of this face's time whose label is Fear"
    assert (said["segments"], said["scene"]) == ("number of segments of this face", "a column of the manifest")
    page = (Path(__file__).parents[2] / "docs" / "batch.md").read_text(encoding="utf-8")
    made = {f"{beginning}...": meaning.format("...") for beginning, meaning in MADE_COLUMNS.items()}
    for name, meaning in [*CLIP_COLUMNS.items(), *FACE_COLUMNS.items(), *made.items()]:
        assert f"| `{name}` | {meaning} |" in page


def test_a_part_of_a_clip_is_told_from_the_others(tmp_path: Path) -> None:
    clip = done("a", face(1, 1.0, True, Fear=1.0))
    parts = [replace(clip, entry=replace(clip.entry, id=name, start_s=start, end_s=end))
             for name, start, end in (("a1", 0.0, 2.5), ("a2", 2.5, None))]  # fmt: skip
    write_summaries([*parts, failed("b")], tmp_path)
    for name, rows in (("summary", [(0.0, 2.5), (2.5, None), (None, None)]), ("faces", [(0.0, 2.5), (2.5, None)])):
        table = pq.read_table(tmp_path / f"{name}.parquet")
        assert {str(table.schema.field(column).type) for column in ("start", "end")} == {"double"}
        assert list(zip(table["start"].to_pylist(), table["end"].to_pylist(), strict=True)) == rows


def test_columns_of_the_table_have_their_types(tmp_path: Path) -> None:
    write_summaries([done("a", face(1, 1.0, True, Fear=1.0)), failed("b")], tmp_path)
    for name, columns in {
        "summary": {"attempts": "int64", "frames": "int64", "seconds": "double", "label_share": "double",
                    "label": "string", "warnings": "string"},
        "faces": {"face": "int64", "primary": "int64", "segments of Fear": "int64", "share of Fear": "double",
                  "mean Anger": "double", "probability": "double", "id": "string"},
    }.items():  # fmt: skip
        schema = pq.read_table(tmp_path / f"{name}.parquet").schema
        assert {column: str(schema.field(column).type) for column in columns} == columns

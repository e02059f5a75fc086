"""A batch with workers that die, hang and fail: the record is the truth, and the same call goes on."""

from __future__ import annotations

import csv
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from avcer.batch.child import Job
from avcer.batch.entries import Entry
from avcer.batch.estimate import _estimated, estimate
from avcer.batch.plan import Plan
from avcer.batch.record import ClipRecord, Source
from avcer.batch.run import BatchOptions, Watcher, run_batch, status
from avcer.batch.shard import Shard
from avcer.errors import InputError, UsageError
from avcer.options import Options
from avcer.output.record import Record as Results
from avcer.output.record import Source as Clip
from avcer.output.record import write_hidden

FAKE = BatchOptions(formats=("csv",), command=(sys.executable, str(Path(__file__).with_name("fake_worker.py"))))
USUAL = Options()


class Notes(Watcher):
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.todo = self.current = -1
        self.clips: dict[str, ClipRecord] = {}
        self.begun = Event()

    def note(self, line: str) -> None:
        self.lines.append(line)

    def begins(self, todo: int, current: int) -> None:
        self.todo, self.current = todo, current

    def progress(self, job: Job, stage: str, done: int, total: int) -> None:
        self.begun.set()

    def ended(self, clip: ClipRecord) -> None:
        self.clips[clip.entry.id] = clip


def clips(root: Path, **contents: str) -> Path:
    root.mkdir(exist_ok=True)
    for name, content in contents.items():
        (root / f"{name}.mp4").write_text(content)
    return root


def run(root: Path, out: Path, batch: BatchOptions = FAKE, options: Options = USUAL) -> tuple[dict[str, int], Notes]:
    notes = Notes()
    return run_batch([str(root)], out, options, batch, notes), notes


def rows(out: Path) -> dict[str, dict[str, str]]:
    with (out / "summary.csv").open(newline="", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def found(counts: dict[str, int]) -> tuple[int, int, int]:
    return counts["done"], counts["failed"], counts["total"]


def test_one_bad_clip_never_costs_another(tmp_path: Path) -> None:
    root = clips(tmp_path / "in", a="ok", b="fail", c="kill", d="exit", e="ok")
    counts, notes = run(root, tmp_path / "out", replace(FAKE, workers=2))
    assert found(counts) == (2, 3, 5)
    assert (tmp_path / "out" / "a" / "compound.csv").read_text() == "ok,None,None\n"
    errors = {name: row["error"] for name, row in rows(tmp_path / "out").items()}
    assert errors["a"] == errors["e"] == ""
    assert "not a video file" in errors["b"]
    assert "killed (SIGKILL)" in errors["c"]
    assert "status 3 (the decoder gave up)" in errors["d"]
    assert not (tmp_path / "out" / "c").exists()
    assert set(notes.clips) == {"a", "b", "c", "d", "e"}


def test_a_clip_whose_worker_died_is_tried_once_more(tmp_path: Path) -> None:
    counts, _ = run(clips(tmp_path / "in", a="once", b="ok", c="kill"), tmp_path / "out")
    assert found(counts) == (2, 1, 3)
    assert {name: row["attempts"] for name, row in rows(tmp_path / "out").items()} == {"a": "2", "b": "1", "c": "2"}


def test_a_clip_that_hangs_is_ended(tmp_path: Path) -> None:
    counts, _ = run(clips(tmp_path / "in", a="hang", b="ok"), tmp_path / "out", replace(FAKE, timeout_s=0.5))
    assert found(counts) == (1, 1, 2)
    assert "longer than 0.5 s" in rows(tmp_path / "out")["a"]["error"]


def test_the_same_call_goes_on_and_does_nothing_twice(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="ok", b="fail"), tmp_path / "out"
    run(root, out)
    before = (out / "a" / "compound.csv").stat().st_mtime_ns
    clips(root, c="ok")
    counts, notes = run(root, out)
    assert (notes.todo, notes.current, set(notes.clips)) == (1, 2, {"c"})
    assert found(counts) == (2, 1, 3)
    assert (out / "a" / "compound.csv").stat().st_mtime_ns == before
    assert any("--retry-failed" in line for line in notes.lines)


def test_failed_clips_are_tried_again_on_request(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="fail"), tmp_path / "out"
    run(root, out)
    counts, notes = run(root, out, replace(FAKE, retry_failed=True))
    assert notes.todo == 1
    assert found(counts) == (0, 1, 1)
    assert rows(out)["a"]["attempts"] == "2"


def test_changed_options_and_files_are_noticed(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="ok", b="ok"), tmp_path / "out"
    run(root, out)
    _, notes = run(root, out, options=Options(rule="sum"))
    assert notes.todo == 2
    assert any("other options" in line and "sum" in line for line in notes.lines)
    (root / "a.mp4").write_text("ok, but changed")
    _, notes = run(root, out, options=Options(rule="sum"))
    assert set(notes.clips) == {"a"}
    assert any("another source file" in line for line in notes.lines)


def test_what_is_a_persons_survives_a_second_analysis(tmp_path: Path) -> None:
    root, folder = clips(tmp_path / "in", a="ok"), tmp_path / "out" / "a"
    run(root, tmp_path / "out")
    write_hidden(Results(Clip(str(root / "a.mp4"), 2, 0), "first", ("compound.csv",)), folder)
    (folder / "corrections.json").write_text("{}")
    run(root, tmp_path / "out", options=replace(USUAL, rule="1"))
    assert (folder / "corrections.json").read_text() == "{}"


def test_a_file_that_was_only_touched_is_as_it_was(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="ok"), tmp_path / "out"
    run(root, out)
    (root / "a.mp4").write_text("ok")
    assert run(root, out)[1].todo == 0


def test_lost_results_are_made_again(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="ok"), tmp_path / "out"
    run(root, out)
    (out / "a" / "compound.csv").unlink()
    (out / "a").rmdir()
    assert run(root, out)[1].todo == 1
    assert (out / "a" / "compound.csv").exists()


def test_a_folder_that_no_batch_made_is_left_alone(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="ok"), tmp_path / "out"
    (out / "a").mkdir(parents=True)
    (out / "a" / "thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="in the way"):
        run(root, out)
    assert (out / "a" / "thesis.txt").read_text() == "precious"


def test_what_a_killed_call_left_running_is_done_by_the_next(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="ok", b="ok"), tmp_path / "out"
    run(root, out)
    with sqlite3.connect(out / "batch.sqlite") as base:
        base.execute(
            "INSERT INTO events (clip, run, time_s, state, attempts, error) VALUES ('b', 1, 0, 'running', 2, '')"
        )
    (out / ".work" / "b").mkdir(parents=True)
    counts, notes = run(root, out)
    assert set(notes.clips) == {"b"}
    assert found(counts) == (2, 0, 2)
    assert not (out / ".work").exists()


def test_shards_together_equal_one_run(tmp_path: Path) -> None:
    root = clips(tmp_path / "in", a="ok", b="fail", c="ok", d="ok")
    run(root, tmp_path / "one")
    totals = [run(root, tmp_path / "many", replace(FAKE, shard=Shard(index, 3)))[0]["total"] for index in (1, 2, 3)]
    assert totals == [2, 1, 1]
    one, many = rows(tmp_path / "one"), rows(tmp_path / "many")
    assert one.keys() == many.keys()
    for name, row in one.items():
        untimed = {key: value for key, value in row.items() if key not in ("seconds", "real_time_factor")}
        assert untimed == {key: many[name][key] for key in untimed}
    assert status(tmp_path / "many") == status(tmp_path / "one")


def test_two_calls_do_not_work_in_one_folder(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="slow1.5"), tmp_path / "out"
    notes = Notes()
    first = Thread(target=run_batch, args=([str(root)], out, Options(), FAKE, notes))
    first.start()
    assert notes.begun.wait(10)
    with pytest.raises(UsageError, match="another avcer batch"):
        run(root, out)
    assert status(out)["running"] == 1
    first.join()


def test_options_that_no_worker_can_use_end_the_batch_at_once(tmp_path: Path) -> None:
    class Wrong(Options):
        def to_dict(self) -> dict[str, Any]:
            return {"models": "none"}

    with pytest.raises(UsageError, match="must be one of"):
        run(clips(tmp_path / "in", a="ok"), tmp_path / "out", options=Wrong())


def test_summaries_and_report(tmp_path: Path) -> None:
    manifest = clips(tmp_path / "in", a="ok", b="fail") / "corpus.csv"
    manifest.write_text("path,group\na.mp4,<young>\nb.mp4,old\n")
    run_batch([str(manifest)], tmp_path / "out", Options(), FAKE)
    summary = rows(tmp_path / "out")
    first = "id,path,state,error,attempts,seconds,duration_s,real_time_factor,faces"
    assert (tmp_path / "out" / "summary.csv").read_text().startswith(first)
    assert (summary["a"]["group"], summary["a"]["label"], summary["a"]["faces"]) == ("<young>", "Happiness", "1")
    assert summary["b"]["label"] == ""
    with (tmp_path / "out" / "faces.csv").open(newline="") as file:
        face = next(csv.DictReader(file))
    assert (face["id"], face["share of Happiness"], face["segments of Neutral"]) == ("a", "0.75", "1")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Failures (1)" in page
    assert "http" not in page
    assert "<script" not in page


def test_parquet_summary_has_the_same_types_whatever_happened(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    run(clips(tmp_path / "in", a="fail"), tmp_path / "bad")
    run(clips(tmp_path / "in", a="ok"), tmp_path / "good")
    bad, good = (pq.read_table(tmp_path / name / "summary.parquet") for name in ("bad", "good"))
    assert bad.schema.equals(good.schema)
    assert good.schema.field("real_time_factor").metadata[b"description"]


def test_a_dry_run_leaves_nothing_and_estimates(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="ok", b="ok", c="ok", d="ok"), tmp_path / "out"
    guess = estimate([str(root)], out, Options(), FAKE)
    assert (guess.clips, guess.measured) == (4, 3)
    assert guess.hours == pytest.approx(4 * 2.0 / 3600)
    assert not out.exists()


def test_a_dry_run_reckons_by_bytes_and_leaves_out_what_cannot_be_read(tmp_path: Path) -> None:
    """The fourth clip has half of all bytes; each of the others is 2 s long."""
    root = clips(tmp_path / "in", a="ok", b="ok", c="slow0.2", d="ok and more")
    guess = estimate([str(root)], tmp_path / "out", Options(), FAKE)
    assert (guess.clips, guess.current, guess.measured) == (4, 0, 3)
    assert guess.hours == pytest.approx(2 * 3 * 2.0 / 3600)
    assert guess.work_hours is not None
    assert 2 * 0.2 / 3600 <= guess.work_hours < 2 * 20 / 3600
    table = root / "corpus.csv"
    table.write_text("path\na.mp4\ngone.mp4\n")
    guess = estimate([str(table)], tmp_path / "out", Options(), FAKE)
    assert (guess.clips, guess.measured, guess.hours) == (2, 1, pytest.approx(2.0 / 3600))
    table.write_text("path\ngone.mp4\n")
    guess = estimate([str(table)], tmp_path / "out", Options(), FAKE)
    assert (guess.clips, guess.measured, guess.hours, guess.work_hours) == (1, 0, None, None)


def test_hours_are_reckoned_from_the_share_of_all_bytes_that_was_measured(tmp_path: Path) -> None:
    """Two clips of four bytes each, which last 90 s and took 18 s, of five of as many bytes."""
    root = clips(tmp_path, a="four", b="four", c="four", d="four", e="four")
    entries = tuple(Entry(name, root / f"{name}.mp4") for name in "abcde")
    done = [ClipRecord(one, "done", source=Source(4, 0), facts={"duration_s": 45.0}) for one in entries[:2]]
    found = _estimated(Plan(entries, frozenset("f"), ()), done, 18.0)
    assert (found.clips, found.current, found.measured) == (5, 1, 2)
    assert found.hours == pytest.approx(2.5 * 90 / 3600)
    assert found.work_hours == pytest.approx(2.5 * 18 / 3600)


def test_a_clip_that_is_missing_is_tried_again_once_it_is_there(tmp_path: Path) -> None:
    table, out = clips(tmp_path / "in", a="ok") / "corpus.csv", tmp_path / "out"
    table.write_text("path\na.mp4\nlate.mp4\n")
    assert found(run(table, out)[0]) == (1, 1, 2)
    assert run(table, out)[1].todo == 0
    clips(tmp_path / "in", late="ok")
    counts, notes = run(table, out)
    assert (found(counts), set(notes.clips)) == ((2, 0, 2), {"late"})
    (tmp_path / "in" / "a.mp4").unlink()
    assert set(run(table, out)[1].clips) == {"a"}


def test_status_of_no_batch(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no batch"):
        status(tmp_path)


def test_a_thousand_entries_cost_little(tmp_path: Path) -> None:
    """The record adds up events; reading it back finds each clip once, in the order of the queue."""
    from avcer.batch.record import Record

    record = Record(tmp_path / "batch.sqlite")
    record.begin({}, "test")
    record.queue([Entry(f"c{number:04}", Path("a.mp4")) for number in range(1000)], {})
    record.add("c0500", "running", 1)
    record.add("c0500", "done", 1)
    states = {name: clip.state for name, clip in record.clips().items()}
    record.close()
    assert len(states) == 1000
    assert states["c0500"] == "done"
    assert next(iter(states)) == "c0000"

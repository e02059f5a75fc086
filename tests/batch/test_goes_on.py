"""What may happen to a batch between and during its calls: the right clips are analysed, and nothing is lost."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pyarrow.parquet as pq
import pytest

from avcer.batch.child import Job
from avcer.batch.differences import differences, shown_facts
from avcer.batch.run import BatchOptions, Watcher, run_batch, status
from avcer.batch.shard import Shard, only_one
from avcer.errors import UsageError
from avcer.options import Options
from avcer.output.corrections import Correction, Corrections, write_corrections

FAKE = BatchOptions(formats=("csv",), command=(sys.executable, str(Path(__file__).with_name("fake_worker.py"))))


class Notes(Watcher):
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.todo = -1

    def note(self, line: str) -> None:
        self.lines.append(line)

    def begins(self, todo: int, current: int) -> None:
        self.todo = todo


def run(source: Path, out: Path, batch: BatchOptions = FAKE, **changes: str) -> tuple[dict[str, int], Notes]:
    notes = Notes()
    return run_batch([str(source)], out, replace(Options(), **changes), batch, notes), notes  # type: ignore[arg-type]


def clips(root: Path, **contents: str) -> Path:
    root.mkdir()
    for name, content in contents.items():
        (root / f"{name}.mp4").write_text(content)
    return root


def test_a_clip_that_changes_while_it_is_analysed_has_no_result_until_it_stays(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="grow"), tmp_path / "out"
    assert run(root, out)[0]["failed"] == 1
    assert not (out / "a").exists()
    assert "changed while it was analysed" in (out / "summary.csv").read_text()
    assert run(root, out)[0]["done"] == 1
    assert (out / "a" / "compound.csv").read_text().startswith("ok now")


def test_a_corpus_may_be_divided_anew(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="ok", b="ok", c="fail", d="ok"), tmp_path / "out"
    run(root, out, replace(FAKE, shard=Shard(1, 3)))
    todo = [run(root, out, replace(FAKE, shard=Shard(index, 2)))[1].todo for index in (1, 2)]
    counts, notes = run(root, out)
    assert sum(todo) == 2
    assert (notes.todo, counts["done"], counts["failed"], counts["total"]) == (0, 3, 1, 4)
    assert run(root, out, replace(FAKE, retry_failed=True))[1].todo == 1
    assert status(out)["total"] == 4


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [("1/1", "1/1", False), ("1/3", "1/3", False), ("1/3", "2/3", True), ("1/1", "1/3", False), ("1/3", "1/2", False)],
)
def test_calls_at_once_never_do_the_same_work(tmp_path: Path, first: str, second: str, both: bool) -> None:
    with only_one(tmp_path, Shard.parse(first)):
        if both:
            with only_one(tmp_path, Shard.parse(second)):
                return
        with pytest.raises(UsageError, match="another avcer batch"), only_one(tmp_path, Shard.parse(second)):
            pass
    with only_one(tmp_path, Shard.parse(second)):
        return


def test_one_of_two_parents_at_once_does_all_the_work(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="slow0.3", b="slow0.3"), tmp_path / "out"
    refused: list[UsageError] = []

    def parent() -> None:
        try:
            run(root, out)
        except UsageError as error:
            refused.append(error)

    parents = [Thread(target=parent) for _ in range(2)]
    for one in parents:
        one.start()
    for one in parents:
        one.join()
    with sqlite3.connect(out / "batch.sqlite") as base:
        assert base.execute("SELECT COUNT(*) FROM events WHERE state = 'running'").fetchone() == (2,)
    assert len(refused) == 1


def test_columns_of_the_users_that_bear_our_names_or_change_later(tmp_path: Path) -> None:
    table = clips(tmp_path / "in", a="ok") / "corpus.csv"
    table.write_text("path,label,duration_s,mean age\na.mp4,Anger,long,40\n")
    run(table, tmp_path / "out")
    row = pq.read_table(tmp_path / "out" / "summary.parquet").to_pylist()[0]
    assert (row["label"], row["manifest_label"], row["manifest_duration_s"]) == ("Happiness", "Anger", "long")
    assert row["manifest_mean age"] == "40"
    table.write_text("path,label,rater\na.mp4,Fear,me\n")
    assert run(table, tmp_path / "out")[1].todo == 0
    row = pq.read_table(tmp_path / "out" / "faces.parquet").to_pylist()[0]
    assert (row["manifest_label"], row["rater"]) == ("Fear", "me")


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text there")
def test_a_name_that_is_no_text_costs_nothing(tmp_path: Path) -> None:
    root = clips(tmp_path / "in", a="ok")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff.mp4")).write_text("ok")
    counts, _ = run(root, tmp_path / "out")
    assert counts["done"] == 2


def test_failed_clips_and_changed_options(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="ok", b="fail"), tmp_path / "out"
    run(root, out)
    notes = run(root, out, replace(FAKE, retry_failed=True), rule="sum")[1]
    assert (notes.todo, len(notes.lines)) == (2, 1)
    assert "2 clips to analyse again: analysed with other options (" in notes.lines[0]
    assert "rule: none -> sum" in notes.lines[0]


def test_results_come_back_where_a_call_was_killed_between_two_names(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="ok", b="ok"), tmp_path / "out"
    run(root, out)
    (out / ".work").mkdir()
    (out / "a").rename(out / ".work" / "a.old")
    (root / "b.mp4").write_text("fail")
    run(root, out)
    assert (out / "a" / "compound.csv").exists()


def test_a_record_whose_writer_was_killed_is_read(tmp_path: Path) -> None:
    """Its journal is still to be played back: SQLite must be allowed to do so."""
    run(clips(tmp_path / "in", a="ok"), tmp_path / "out")
    torn = tmp_path / "torn"
    torn.mkdir()
    base = sqlite3.connect(tmp_path / "out" / "batch.sqlite", isolation_level=None)
    base.execute("PRAGMA cache_size = 1")
    base.execute("BEGIN")
    base.executemany(
        "INSERT INTO events (clip, run, time_s, state, attempts, error) VALUES ('a', 1, 0, 'failed', 9, ?)",
        [("x" * 1000,) for _ in range(500)],
    )
    for path in (tmp_path / "out").glob("batch.sqlite*"):
        shutil.copyfile(path, torn / path.name)
    base.close()
    assert (torn / "batch.sqlite-journal").stat().st_size > 0
    assert status(torn)["done"] == 1


def test_the_report_counts_what_people_corrected(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="ok", b="ok"), tmp_path / "out"
    run(root, out)
    assert "Corrections by people" not in (out / "report.html").read_text()
    said = Corrections(names={1: "Ada"}, segments=[Correction(1, 0.0, 1.0, "Fear"), Correction(1, 1.0, 2.0, "Anger")])
    write_corrections(said, out / "a")
    (out / "b" / "corrections.json").write_text("{")
    run(root, out)
    page = (out / "report.html").read_text()
    assert "2 segments corrected and 1 faces named" in page
    assert "corrections.json: cannot be read" in page


def test_summaries_are_written_anew_only_where_something_happened(tmp_path: Path) -> None:
    root, out = clips(tmp_path / "in", a="ok"), tmp_path / "out"
    report, table = out / "report.html", out / "summary.csv"

    def written() -> list[int]:
        before = report.stat().st_mtime_ns
        run(root, out)
        return [before, report.stat().st_mtime_ns]

    run(root, out)
    assert len(set(written())) == 1
    table.unlink()
    assert len(set(written())) == 2
    assert table.exists()
    (out / "a" / "corrections.json").write_text("{")
    assert len(set(written())) == 2
    (out / "a" / "corrections.json").unlink()
    assert len(set(written())) == 2
    assert "corrections.json" not in report.read_text()


def test_an_interrupted_batch_has_summaries_of_what_is_done(tmp_path: Path) -> None:
    class Interrupts(Watcher):
        def progress(self, job: Job, stage: str, done: int, total: int) -> None:
            if job.id == "b":
                os.kill(os.getpid(), signal.SIGINT)

    root, out = clips(tmp_path / "in", a="ok", b="slow1"), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_batch([str(root)], out, Options(), FAKE, Interrupts())
    with (out / "summary.csv").open(newline="", encoding="utf-8") as file:
        assert {row["id"]: row["state"] for row in csv.DictReader(file)} == {"a": "done", "b": "queued"}
    assert (out / "report.html").exists()
    assert run(root, out)[0]["done"] == 2
    assert "queued" not in (out / "summary.csv").read_text()


def test_differences_between_runs_have_names_and_both_values() -> None:
    def settings(**more: object) -> dict[str, object]:
        identity = {
            "version": "1", "models": {"static": {"name": "mini-static", "sha256": "a"}},
            "options": {"rule": "open", "fps": None, "decision": "0123", "person": "01"},
            "fusion": {"name": "mini", "weights": [1]}, "digest": "x",
        }  # fmt: skip
        return {"identity": {**identity, **more}, "formats": ["csv"]}

    before = settings()
    assert differences(before, before) == []
    later = settings(
        version="2", models={"static": {"name": "mini-static", "sha256": "b"}}, fusion={"name": "own", "weights": [2]},
        options={"rule": "sum", "fps": 5.0, "decision": "4567", "person": "23"}, digest="y",
    )  # fmt: skip
    assert differences(before, {**later, "formats": ["csv", "eaf"]}) == [
        "decision: another file",
        "formats: csv -> csv,eaf",
        "fps: none -> 5.0",
        "fusion: mini -> own",
        "person: another file",
        "rule: open -> sum",
        "static model: other content of mini-static",
        "version: 1 -> 2",
    ]


def test_settings_in_words_leave_out_what_is_not_set() -> None:
    models = {"static": {"name": "mini-static", "sha256": "a"}}
    identity = {"version": "1", "models": models, "fusion": {"weights": [1]}, "options": {"rule": "open", "fps": None}}
    shown = [("version", "1"), ("static model", "mini-static"), ("fusion", "fitted"), ("rule", "open")]
    assert list(shown_facts({"identity": identity, "formats": ["csv", "eaf"]})) == [*shown, ("formats", "csv,eaf")]
    assert list(shown_facts({"identity": identity, "formats": []})) == shown

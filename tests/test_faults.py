"""Faults while files are written: a full disk, a kill, little memory. Found by ``benchmarks/faults.py``."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avcer import cli, files
from avcer.batch.engine import Batch, Shard
from avcer.batch.record import Record
from avcer.commands import shared
from avcer.errors import InputError, OutputError, UsageError, one_of_many
from avcer.output import writers
from avcer.output.record import COMING, Source, holds_others
from documents import made_up


class TestCommandLine:
    @pytest.mark.parametrize(
        ("raised", "told"),
        [(OSError(errno.ENOSPC, "No space left on device", "a.csv"), "a.csv: cannot be written (No space left"),
         (MemoryError(), "there is not enough memory")],
    )  # fmt: skip
    def test_an_error_of_the_system_is_one_line(
        self, raised: Exception, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(_: Any) -> int:
            raise raised

        monkeypatch.setattr("avcer.commands.models._models_list", fails)
        assert cli.main(["models", "list"]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"avcer: error: {told}")

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
    def test_too_little_address_space_is_said_before_a_library_crashes(self, tmp_path: Path) -> None:
        command = f"ulimit -v 400000; exec '{sys.executable}' -m avcer analyze clip.mp4 --out '{tmp_path}' --threads 1"
        ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
        assert ended.returncode == 2
        (line,) = ended.stderr.splitlines()
        assert "limited to 390 MB (ulimit -v), and analysing takes 2064 MB" in line

    def test_what_runs_no_model_runs_in_little_address_space(self) -> None:
        ended = subprocess.run(
            ["sh", "-c", f"ulimit -v 1000000; exec '{sys.executable}' -m avcer models list"], capture_output=True
        )
        assert ended.returncode == 0

    def test_enough_is_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:
        resource = pytest.importorskip("resource")
        for limit_mb, threads, enough in ((2064, 1, True), (2063, 1, False), (2064, 2, False), (2128, 2, True)):
            monkeypatch.setattr(resource, "getrlimit", lambda _, limit_mb=limit_mb: (limit_mb << 20, limit_mb << 20))
            if enough:
                shared.expect_room(threads)
            else:
                with pytest.raises(UsageError):
                    shared.expect_room(threads)


def test_too_little_memory_for_one_clip_is_no_fault_to_report(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"clip\.mp4: there is not enough memory; .*--threads"),
        one_of_many(tmp_path / "clip.mp4"),
    ):
        raise MemoryError


class TestUnfinishedFiles:
    def test_those_that_a_kill_left_go_with_the_next_results(self, tmp_path: Path) -> None:
        old, new = tmp_path / ".compound.csv.0123abcd.part", tmp_path / ".fused.csv.0123abcd.part"
        for path in (old, new):
            path.write_text("half")
        os.utime(old, (time.time() - 601, time.time() - 601))
        made_up(1 / 60, "open", worst=False).save(tmp_path, ["txt"])
        assert not old.exists()
        assert new.exists()  # somebody may be writing it

    def test_a_folder_in_which_work_was_killed_belongs_to_its_clip(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The same command writes into it again, and leaves no file of the killed one beside its own."""
        analysis = made_up(1 / 60, "open", worst=False)

        def kill(*_: Any) -> list[Path]:
            raise SystemExit

        with monkeypatch.context() as patch:
            patch.setitem(writers.FORMATS, "txt", writers.Format(kill))
            with pytest.raises(SystemExit):
                analysis.save(tmp_path, ["csv", "srt", "txt", "json"])
        assert (tmp_path / "compound.csv").exists()
        assert not holds_others(tmp_path, Source.of(analysis.clip.path))
        assert holds_others(tmp_path, Source.of(Path(__file__)))  # of another size
        later = replace(analysis, provenance=replace(analysis.provenance, version="later"))
        later.save(tmp_path, ["txt", "json"])
        assert sorted(path.name for path in tmp_path.iterdir()) == ["analysis.json", "analysis.npz", "submission.txt"]

    def test_others_stay(self, tmp_path: Path) -> None:
        mine = tmp_path / "notes.part"
        mine.write_text("mine")
        os.utime(mine, (0, 0))
        files.remove_abandoned(tmp_path)
        assert mine.exists()


def test_folders_that_a_killed_import_left_go_after_a_day(tmp_path: Path) -> None:
    for name in (".import-a", ".import-b", ".static.earlier", "static"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.onnx").write_text("half")
        if name != ".import-b":
            os.utime(tmp_path / name, (time.time() - 90_000, time.time() - 90_000))
    files.remove_abandoned_folders(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".import-b", ".static.earlier", "static"]


@pytest.mark.parametrize(("word", "name"), [("eaf", "segments.eaf"), ("textgrid", "segments.TextGrid")])
class TestFilesThatPeopleWorkIn:
    """The record of the results is written last; a kill before that must not make our own file look like a person's."""

    def killed(self, folder: Path, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
        class KilledError(BaseException):
            pass

        def kill(*_: Any) -> None:
            raise KilledError

        with monkeypatch.context() as patch:
            patch.setattr(writers, "save_json", kill)
            with pytest.raises(KilledError):
                made_up(1 / 60, "open", worst=False).save(folder, [word, "json"])

    def test_they_are_not_doubled_after_a_kill(
        self, word: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.killed(tmp_path, word, monkeypatch)
        assert (tmp_path / name).exists()
        made_up(1 / 60, "open", worst=False).save(tmp_path, [word, "json"])
        assert not list(tmp_path.glob("*changed*"))
        assert not (tmp_path / COMING).exists()

    def test_what_a_person_changed_after_the_kill_is_kept(
        self, word: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.killed(tmp_path, word, monkeypatch)
        (tmp_path / name).write_text("mine")
        made_up(1 / 60, "open", worst=False).save(tmp_path, [word, "json"])
        (kept,) = tmp_path.glob("*changed*")
        assert kept.read_text() == "mine"


class TestBatch:
    def test_results_that_made_way_come_back_after_a_kill(self, tmp_path: Path) -> None:
        """Between its two renames, a person's notes are in the old folder alone."""
        for name in ("anna.old", "ben", "ben.old"):
            (tmp_path / ".work" / name).mkdir(parents=True)
            (tmp_path / ".work" / name / "notes.txt").write_text(name)
        (tmp_path / "ben").mkdir()
        with Batch(tmp_path, None, Shard())._work_folder():  # type: ignore[arg-type]
            assert (tmp_path / "anna" / "notes.txt").read_text() == "anna.old"
            assert not list((tmp_path / "ben").iterdir())
            assert not list((tmp_path / ".work").iterdir())

    def test_a_full_disk_in_the_record_is_told_and_leaves_no_transaction_open(self, tmp_path: Path) -> None:
        record = Record(tmp_path / "batch.sqlite")
        record.begin({}, "test")
        pages = record._base.execute("PRAGMA page_count").fetchone()[0]
        record._base.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(OutputError, match=r"batch\.sqlite: cannot be written \(database or disk is full\)"):
            record.begin({"much": "x" * 100_000}, "test")
        record._base.execute("PRAGMA max_page_count = 1000000")
        record.begin({}, "test")
        record.close()

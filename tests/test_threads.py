"""``--threads`` of the commands that score, time and vary the models: a fake at the models' boundary is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avcer import cli, pipeline
from avcer.evaluation import protocols


class ReachedError(Exception):
    """An engine is asked for; what comes after that is tested elsewhere."""


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, int | None]:
    """How many threads the first engine and the process are told to keep to."""
    notes: dict[str, int | None] = {}

    def load(model: Any, device: str, precision: str, threads: int | None) -> Any:
        notes["engine"] = threads
        raise ReachedError

    monkeypatch.setattr(pipeline, "load_engine", load)
    monkeypatch.setattr(protocols, "load_engine", load)
    monkeypatch.setattr(pipeline, "limit_process", lambda threads: notes.update(process=threads))
    return notes


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a clip that is never opened, and a table that labels it."""
    (tmp_path / "clip.mp4").touch()
    (tmp_path / "corpus.csv").write_text("path,label\nclip.mp4,fear\n", encoding="utf-8")
    return tmp_path


def run(command: str, folder: Path, *more: str) -> None:
    """A command whose files are in ``folder``, until it asks for an engine."""
    words = [word.replace("FOLDER", str(folder)) for word in command.split()]
    with pytest.raises(ReachedError):
        cli.main([*words, *more])


@pytest.mark.parametrize("protocol", ["ferplus", "affect7", "speech", "scenes"])
def test_of_evaluate_on_a_table(protocol: str, files: Path, told: dict[str, int | None]) -> None:
    run(f"evaluate {protocol} FOLDER/table.parquet", files, "--threads", "3")
    assert told == {"engine": 3}
    run(f"evaluate {protocol} FOLDER/table.parquet", files)
    assert told == {"engine": None}


@pytest.mark.parametrize(
    "command",
    [
        "evaluate table FOLDER/corpus.csv --out FOLDER/report",
        "bench FOLDER/clip.mp4",
        "ablate FOLDER/clip.mp4 --out FOLDER/report",
        "ablate table FOLDER/corpus.csv --out FOLDER/report",
    ],
)
def test_of_commands_that_analyse(command: str, files: Path, told: dict[str, int | None]) -> None:
    run(command, files, "--threads", "3")
    assert told == {"engine": 3, "process": 3}
    run(command, files)
    assert told["engine"] is None

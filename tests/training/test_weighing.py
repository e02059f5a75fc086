from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from avcer import cli
from avcer.decision.express import read_open
from avcer.decision.fuse import read_fusion
from avcer.decision.weigh import Speaking
from avcer.errors import InputError
from avcer.evaluation.tables.frames import FrameTable, write_frames
from avcer.labels import BASIC
from avcer.training.weighing import fit_speaking, names_of, spoken, spoken_rows, train


def speakers(true: Speaking, seed: int, clips: int = 600) -> FrameTable:
    """Clips of faces that look as ``true`` says, and of voices that are hardly ever sure."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 7, clips)
    how = random.choice(4, clips, p=[true.as_is, true.neutral, true.opened, true.any])
    shown = np.select([how == 0, how == 1, how == 2], [labels, 0, 6], random.integers(0, 7, clips))
    faces = np.full((clips, 7), 0.01)
    faces[np.arange(clips), shown] = 0.94
    voices = random.dirichlet(np.full(7, 20.0), clips)
    videos = np.array([f"{clip:04}" for clip in range(clips)])
    words = np.array(BASIC)[labels]
    return FrameTable(np.stack([faces, faces, voices], axis=1), np.ones((clips, 3), dtype=np.bool_), words, videos)


def test_the_shares_are_found_again() -> None:
    true = Speaking(0.35, 0.3, 0.25, 0.1)
    found = fit_speaking([spoken_rows(speakers(true, 1), "made up")], read_fusion("mini"))
    assert vars(found) == pytest.approx(vars(true), abs=0.08)


def test_from_tables_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = []
    for seed in (1, 2):
        paths.append(tmp_path / f"corpus{seed}" / "frames.csv")
        paths[-1].parent.mkdir()
        write_frames(speakers(Speaking(0.5, 0.2, 0.2, 0.1), seed, 60), paths[-1])
    assert cli.main(["train", "weighing", *map(str, paths), "--out", str(tmp_path)]) == 0
    assert "corpus1, left out: VS UAR" in capsys.readouterr().out
    rule, shipped = read_open(tmp_path / "decision.json"), read_open()
    assert rule.weighing is not None
    assert rule.weighing != shipped.weighing
    assert rule.sets["VS"].sharpness == shipped.sets["VS"].sharpness
    about = json.loads((tmp_path / "decision.json").read_text())["about"]
    assert set(about["weighing"]["left_out"]) == {"corpus1", "corpus2"}
    assert about["found_by"] == "avcer train decision"


def test_tables_of_one_folder_are_scored_one_by_one(tmp_path: Path) -> None:
    paths = [tmp_path / "mine" / f"{name}.csv" for name in ("first", "second")]
    paths[0].parent.mkdir()
    for seed, path in enumerate(paths):
        write_frames(speakers(Speaking(0.5, 0.2, 0.2, 0.1), seed, 60), path)
    train(paths, tmp_path / "out", lambda line: None)
    about = json.loads((tmp_path / "out" / "decision.json").read_text())["about"]["weighing"]
    assert list(about["left_out"]) == about["on"] == ["mine/first", "mine/second"]
    twins = [tmp_path / name / "mine" / "frames.csv" for name in "ab"]
    assert names_of(twins) == [str(path) for path in twins]


def test_a_table_without_voices_is_refused(tmp_path: Path) -> None:
    table = speakers(Speaking(1, 0, 0, 0), 1, 5)
    table.valid[:, 2] = False
    write_frames(table, tmp_path / "frames.csv")
    with pytest.raises(InputError, match="a face and a voice"):
        spoken(tmp_path / "frames.csv")

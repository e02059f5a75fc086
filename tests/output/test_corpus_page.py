"""The blocks of docs/corpus-to-figure.md run, on analyses that no model made, and the page shows what each prints."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from avcer import demo
from avcer.analysis import Analysis
from avcer.batch.summary import CLIP_COLUMNS

PAGE = Path(__file__).parents[2] / "docs" / "corpus-to-figure.md"
BLOCKS = re.findall(
    r"^```(python|)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE
)


def test_each_block_that_prints_is_followed_by_what_it_printed() -> None:
    printing = [bool(shown) for language, code, shown in BLOCKS if not language or "print(" in code]
    assert len(printing) >= 6
    assert all(printing)


def test_the_blocks_run(scene: Callable[..., Analysis], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "DURATION_S", 1.0)
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(tmp_path)
    for name in ("whole", "first half", "second half"):  # in place of the command
        scene(faces=((0, 50, ()), (20, 80, ()))).save(f"results/{name}", ["json", "corrected"])
    Path("results/summary.csv").write_text(",".join([*CLIP_COLUMNS, "voice"]) + "\n", encoding="utf-8")
    names: dict[str, object] = {}
    for language, code, _ in BLOCKS:
        if language:
            exec(compile(code, PAGE.name, "exec"), names)
    assert Path("corpus/portrait.mp4").stat().st_size
    assert Path("corpus.png").read_bytes().startswith(b"\x89PNG")

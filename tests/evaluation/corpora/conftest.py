"""Miniature corpora: empty files under the corpus' own names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a corpus: empty ``clips``, and texts under the names of their files (folders as ``/``)."""

    def write(*clips: str, texts: dict[str, str] | None = None) -> Path:
        root = tmp_path / "corpus"
        for name, text in {**dict.fromkeys(clips, ""), **(texts or {})}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        root.mkdir(exist_ok=True)
        return root

    return write

"""Miniature corpora: empty files under the corpus' own names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from miniatures import Miniature, lay_out

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a corpus: empty ``clips``, and texts under the names of their files (folders as ``/``)."""

    def write(*clips: str, texts: dict[str, str] | None = None) -> Path:
        return lay_out(tmp_path / "corpus", Miniature(clips, texts or {}))

    return write


@pytest.fixture
def lay(tmp_path: Path) -> Callable[[Miniature], Path]:
    """Makes the miniature of a corpus, of empty files."""
    return lambda miniature: lay_out(tmp_path / "corpus", miniature)

"""Shared fixtures: where the reference material is, if it is there at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from reference import SHARED


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference outputs and real clips; tests that need it skip where it is missing."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the reference material in {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def golden(shared: Path) -> Path:
    """Golden outputs of the released implementation."""
    return shared / "reference" / "golden"


@pytest.fixture(scope="session")
def clips(shared: Path) -> Path:
    """Real clips, and ``edge`` below it."""
    return shared / "data" / "clips"

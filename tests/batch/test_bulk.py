from __future__ import annotations

import gc
from pathlib import Path

import pytest

from avcer.batch.bulk import uncollected
from avcer.batch.sources import read_sources
from avcer.errors import UsageError


def test_garbage_is_collected_again_afterwards_also_after_an_error(tmp_path: Path) -> None:
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(UsageError):
        read_sources([str(tmp_path)], {})
    assert gc.isenabled()


def test_whoever_collects_nothing_is_left_alone() -> None:
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()

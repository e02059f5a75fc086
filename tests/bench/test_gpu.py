"""The benchmark of the GPU, with PyTorch's device ``cpu`` in its place."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import gpu
from avcer.models.card import ROLES
from avcer.models.store import find


@pytest.mark.parametrize("role", ROLES)
def test_a_row_for_a_model(role: str) -> None:
    name, *cells = gpu.of_model(find("mini", role), (1, 2), device="cpu")  # type: ignore[arg-type]
    assert name == f"mini-{role}"
    assert all(float(cell) > 0 for cell in cells)
    assert len(cells) == 2


def test_a_row_for_an_analysis(clip: Path) -> None:
    title, *cells = gpu.of_analysis(clip, "mini", "cpu", "fast")
    assert title == "`fast`, cpu"
    assert len(cells) == 10
    assert all(float(cell) >= 0 for cell in cells)


def test_without_a_gpu_it_is_one_line(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu.py", str(clip)])
    with pytest.raises(SystemExit, match=r"PyTorch finds no CUDA device here; choose cpu$"):
        gpu.main()

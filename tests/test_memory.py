"""Freed memory goes back to the system, where it is worth the time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from avcer import memory


@pytest.mark.parametrize(("freed", "calls"), [(memory.WORTHWHILE, [0]), (memory.WORTHWHILE - 1, [])])
def test_memory_is_given_back_where_it_is_worth_the_time(monkeypatch, freed: int, calls: list[int]) -> None:
    made: list[int] = []
    monkeypatch.setattr(memory, "_trim", lambda: made.append)
    memory.give_back(freed)
    assert made == calls


def test_another_c_library_than_glibc_is_no_error(monkeypatch) -> None:
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    memory._trim.cache_clear()
    memory.give_back(memory.WORTHWHILE)
    memory._trim.cache_clear()


def test_a_timelines_pictures_are_cut_before_matplotlib_is_imported() -> None:
    code = (
        "import sys; from types import SimpleNamespace; import avcer.output.timeline as timeline\n"
        "timeline.tell = lambda analysis: None\n"
        "timeline.film_of = lambda *_: sys.exit(int('matplotlib' in sys.modules))\n"
        "timeline.plot(SimpleNamespace(times_s=[]))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""One analyzer, many callers: threads that use it at once, processes that it is sent to, engines that they bring."""

from __future__ import annotations

import io
import pickle
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avcer import pipeline
from avcer.analysis import Analysis
from avcer.errors import UsageError
from avcer.feeding import open_source
from avcer.models.card import Role
from avcer.models.engine import Engine, Items
from avcer.models.runtime import load_engine
from avcer.models.store import find
from avcer.options import Options
from avcer.pipeline import Analyzer
from avcer.processors import limit_process
from avcer.types import Float
from miniatures import one_person, two_people, write_clip

CALLERS = 4


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    return [write_clip(folder / "one.mp4", one_person()), write_clip(folder / "two.mp4", two_people())]


def numbers(analysis: Analysis) -> list[Float]:
    faces = [getattr(face, name).values for face in analysis.faces for name in ("static", "dynamic", "audio", "fused")]
    return [analysis.times_s, analysis.audio.values, *faces]


def same(ours: Sequence[Float], theirs: Sequence[Float]) -> None:
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("setting", ["exact", "balanced"])
def test_four_threads_share_an_analyzer(setting: str, files: list[Path]) -> None:
    analyzer = Analyzer(setting=setting)
    alone = [numbers(analyzer.analyze(path)) for path in files]
    assert all(len(one) > 2 for one in alone)  # faces were found
    together = threading.Barrier(CALLERS)

    def call(number: int) -> list[Float]:
        together.wait()
        return numbers(analyzer.analyze(files[number % len(files)]))

    with ThreadPoolExecutor(CALLERS) as pool:
        for number, answer in enumerate(pool.map(call, range(CALLERS))):
            same(answer, alone[number % len(files)])


def test_a_pickled_analyzer_is_the_same_one(files: list[Path]) -> None:
    analyzer = Analyzer(setting="fast", min_face=30.0)
    arrived = pickle.loads(pickle.dumps(analyzer))
    assert arrived.options == Options(setting="fast", min_face=30.0)
    same(numbers(arrived.analyze(files[0])), numbers(analyzer.analyze(files[0])))


class Counting:
    """An engine that counts its calls."""

    def __init__(self, role: Role) -> None:
        self.role, self.calls = role, 0
        self._engine: Engine | None = None

    def __call__(self, batch: Items) -> tuple[Float, ...]:
        self.calls += 1
        self._engine = self._engine or load_engine(find("mini", self.role), "cpu")
        return self._engine(batch)


@pytest.mark.parametrize("role", ["detector", "static", "dynamic", "audio"])
def test_an_engine_of_the_caller_runs_in_place_of_the_model(role: Role, files: list[Path]) -> None:
    engine = Counting(role)
    own = numbers(Analyzer(engines={role: engine}).analyze(files[0]))
    assert engine.calls
    same(own, numbers(Analyzer().analyze(files[0])))


def test_engines_of_the_caller_travel_with_the_analyzer() -> None:
    arrived = pickle.loads(pickle.dumps(Analyzer(engines={"audio": Counting("audio")})))
    assert arrived._given["audio"].role == "audio"


def test_no_result_depends_on_the_number_of_threads(files: list[Path]) -> None:
    try:
        one, three = (numbers(Analyzer(setting="exact", threads=threads).analyze(files[1])) for threads in (1, 3))
    finally:
        limit_process(0)
    same(one, three)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_in_place_of_a_file_are_refused_with_the_remedy(kind: Callable[[bytes], Any], files: list[Path]) -> None:
    with pytest.raises(UsageError, match=r"give a path, or io\.BytesIO\(\.\.\.\) for bytes"):
        open_source(kind(files[0].read_bytes()))
    assert open_source(io.BytesIO(files[0].read_bytes())).info is not None


def test_the_threads_of_the_options_reach_every_engine_and_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int | None] = []

    def load(*given: Any) -> Engine:
        told.append(given[3])
        return load_engine(*given)

    monkeypatch.setattr(pipeline, "load_engine", load)
    monkeypatch.setattr(pipeline, "limit_process", told.append)
    Analyzer(threads=3)
    assert told == [3] * 5


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_are_one_or_more(threads: int) -> None:
    with pytest.raises(UsageError, match="threads must be 1 or a larger whole number"):
        Options(threads=threads)

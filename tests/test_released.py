"""The imported published family against the released implementation: stage by stage, and whole runs clip by clip.

``benchmarks/fidelity.py`` measures the same and prints it; docs/fidelity.md shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from avcer import Analysis
from avcer.bench.flops import gflop
from avcer.emotion.audio import AudioModel
from avcer.emotion.static import StaticModel
from avcer.modalities import NAMES
from avcer.models.runtime import arithmetic, load_engine
from avcer.models.store import find
from reference import RUN_NAMES, RUNS, released_run
from round_trips import jpeg_cost, wav_cost
from runs import DEFAULT, EXACT, LEAST_EQUAL, Agreement, Way, agreement, analyse, together
from stages import with_models, without_models

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not RUN_NAMES, reason=f"needs the reference runs in {RUNS}"),
]

Runs = tuple[Way, dict[str, Analysis]]


@pytest.fixture(scope="module", autouse=True)
def _store(published_home: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVCER_HOME", str(published_home))
        yield


@pytest.fixture(scope="module")
def exact() -> Runs:
    return EXACT, analyse(EXACT, RUN_NAMES)


@pytest.fixture(scope="module")
def default(exact: Runs) -> Runs:
    """Where the processor has no bfloat16, the default is float32, and the run the same."""
    return DEFAULT, exact[1] if arithmetic("cpu") == "float32" else analyse(DEFAULT, RUN_NAMES)


@pytest.fixture(scope="module", params=["exact", "default"])
def runs(request: pytest.FixtureRequest) -> Runs:
    found: Runs = request.getfixturevalue(request.param)
    return found


def test_stages_in_float32() -> None:
    for finding in (*with_models("float32"), *without_models()):
        assert finding.holds, finding


def test_whole_runs(runs: Runs) -> None:
    """Over all clips, at both precisions; what bfloat16 does to the AV class is told in docs/fidelity.md."""
    way, analyses = runs
    found = _over_all(analyses)
    assert found.least_compared() > 0.98
    for modality in NAMES:
        assert found.mean(modality) <= way.limit, modality


def test_classes_in_float32(exact: Runs) -> None:
    """The AV class, on frames where the reference is not an all-zero row."""
    assert _over_all(exact[1]).same.mean() >= LEAST_EQUAL


def _over_all(analyses: dict[str, Analysis]) -> Agreement:
    return together(agreement(analysis, released_run(name)) for name, analysis in analyses.items())


@pytest.mark.parametrize("name", RUN_NAMES)
def test_every_clip_in_float32(exact: Runs, name: str) -> None:
    way, analyses = exact
    found = agreement(analyses[name], released_run(name))
    assert max(found.mean(modality) for modality in NAMES) <= way.limit


def test_the_rest_is_the_files_that_the_released_code_writes(exact: Runs) -> None:
    name = RUN_NAMES[0]
    analysis = exact[1][name]
    models = [find("published", role) for role in ("static", "audio")]
    engines = [load_engine(model, "cpu", "float32") for model in models]
    assert jpeg_cost(name, analysis, StaticModel(models[0].card, engines[0])).through.mean() < 1e-4
    assert wav_cost(name, analysis, AudioModel(models[1].card, engines[1])).through.mean() < 1e-3


def test_the_arithmetic_of_the_published_networks() -> None:
    """Here, not with ``avcer.bench.flops``: importing the family takes a minute, and is done once for this file."""
    assert gflop(find("published", "static"), (1, 3, 224, 224)) == pytest.approx(7.7, abs=0.05)
    assert gflop(find("published", "audio"), (1, 64000)) == pytest.approx(91, abs=0.5)

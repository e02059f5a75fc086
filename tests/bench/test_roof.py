"""The machine's matrix rate."""

from __future__ import annotations

from avcer.bench.roof import Machine, measure


def test_a_rate_that_a_machine_can_have() -> None:
    machine = measure(side=256)
    assert machine.processor
    assert machine.threads >= 1
    assert machine.default in machine.rates
    assert all(0.1 < rate < 1e6 for rate in machine.rates.values())


def test_formats() -> None:
    machine = Machine("made up", 2, "bfloat16", {"float32": 100.0, "bfloat16": 250.0})
    assert machine.format_of("float32") == "float32"
    assert machine.format_of("default") == "bfloat16"


def test_the_best_of_two_counts() -> None:
    first = Machine("made up", 2, "bfloat16", {"float32": 100.0, "bfloat16": 150.0})
    second = Machine("made up", 2, "bfloat16", {"float32": 60.0, "bfloat16": 250.0})
    assert first.best(second).rates == {"float32": 100.0, "bfloat16": 250.0}

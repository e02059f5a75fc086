"""What was measured, as one document or as a table to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from avcer.bench.measure import Bench, Measured, Run, together
from avcer.bench.once import Alone
from avcer.bench.roof import Machine


def document(bench: Bench, measured: Sequence[Measured]) -> dict[str, Any]:
    """All clips as one, then each under ``videos``; and on which machine, with what."""
    machine = bench.machine
    alone = [one.alone for one in measured]
    peaks = [one.peak_memory_mb for one in alone if one.peak_memory_mb is not None]
    over_all = Alone(
        median(one.start_s for one in alone), median(one.first_frame_s for one in alone), max(peaks, default=None)
    )
    baselines = [one.baseline for one in measured if one.baseline is not None]
    whole = together([one.run for one in measured]), over_all, together(baselines) if baselines else None
    return {
        **_numbers(machine, *whole),
        "models": bench.options.models,
        "setting": bench.options.setting,
        "repeats": bench.repeats,
        "machine": {**machine.as_dict(), "format": machine.format_of(bench.options.precision)},
        "videos": [
            {"video": str(one.video), **_numbers(machine, one.run, one.alone, one.baseline)} for one in measured
        ],
    }


def _numbers(machine: Machine, run: Run, alone: Alone, baseline: Run | None = None) -> dict[str, Any]:
    numbers = {
        **_of_run(run, machine),
        "peak_memory_mb": alone.peak_memory_mb,
        "start_s": alone.start_s,
        "first_frame_s": alone.first_frame_s,
    }
    if baseline is not None:
        ratio = baseline.seconds / run.seconds
        numbers["baseline"] = {**_of_run(baseline, machine), "ratio": ratio}
    return numbers


def _of_run(run: Run, machine: Machine) -> dict[str, Any]:
    busy = sum(stage.seconds for stage in run.stages.values())
    at_the_roof_s = sum(stage.gflop / machine.rates[stage.format] for stage in run.stages.values())
    return {
        "rtf": run.rtf,
        "fps": run.fps,
        "seconds": run.seconds,
        "duration_s": run.duration_s,
        "frames": run.frames,
        "gflop": run.gflop,
        "roof_percent": 100 * at_the_roof_s / run.seconds,
        "stages": {
            name: {
                "seconds": stage.seconds,
                "items": stage.items,
                "ms": 1000 * stage.seconds / stage.items if stage.items else 0.0,
                "share": stage.seconds / busy if busy else 0.0,
                "gflop": stage.gflop,
                **({"format": stage.format} if stage.gflop else {}),
            }
            for name, stage in run.stages.items()
        },
    }


def lines(whole: dict[str, Any]) -> Iterator[str]:
    """A document as text: the machine, a line a clip, a table of stages, and what it comes to."""
    machine = whole["machine"]
    rates = ", ".join(f"{rate:.0f} GFLOP/s in {name}" for name, rate in machine["rates"].items())
    yield f"{machine['processor']}, {machine['threads']} threads: {rates}"
    repeats = f"{whole['repeats']} repeat{'s' if whole['repeats'] > 1 else ''}"
    yield f"{whole['models']} models, setting {whole['setting']}, in {machine['format']}; medians of {repeats}"
    yield ""
    if len(whole["videos"]) > 1:
        width = max(len(one["video"]) for one in whole["videos"])
        for one in whole["videos"]:
            yield f"{one['video']:{width}}  {_summary(one)}"
        yield ""
    yield from _table(whole["stages"])
    yield ""
    yield _summary(whole)
    yield f"{whole['start_s']:.2f} s until the models are loaded, {whole['first_frame_s']:.2f} s until the first frames"
    if "baseline" in whole:
        yield from _against(whole)


def _summary(one: dict[str, Any]) -> str:
    peak = one["peak_memory_mb"]
    memory = "peak memory not known" if peak is None else f"peak memory {peak:.0f} MB"
    rate = f"real-time factor {one['rtf']:.3f}, {one['fps']:.1f} frames a second"
    ratio = f", {one['baseline']['ratio']:.1f} times as fast as released" if "baseline" in one else ""
    return f"{rate}, {memory}, {one['roof_percent']:.1f} % of the roof{ratio}"


def _table(stages: dict[str, dict[str, float]]) -> Iterator[str]:
    yield f"{'stage':10}{'items':>9}{'ms an item':>12}{'busy s':>9}{'share':>8}{'GFLOP':>10}"
    for name, stage in stages.items():
        work = f"{stage['gflop']:10.1f}" if stage["gflop"] else " " * 10
        shown = f"{stage['ms']:12.2f}{stage['seconds']:9.2f}{stage['share']:8.1%}"
        yield f"{name:10}{stage['items']:9.0f}{shown}{work}".rstrip()


def _against(whole: dict[str, Any]) -> Iterator[str]:
    """The baseline's stages, and how many times as long each is busy."""
    baseline = whole["baseline"]
    yield ""
    yield f"the released way: real-time factor {baseline['rtf']:.3f}, {baseline['fps']:.1f} frames a second"
    table = _table(baseline["stages"])
    yield f"{next(table)}{'ratio':>9}"
    for line, (name, stage) in zip(table, baseline["stages"].items(), strict=True):
        ours = whole["stages"].get(name, {"seconds": 0.0})["seconds"]
        yield f"{line:58}{stage['seconds'] / ours:9.1f}" if ours else line
    yield f"ratio in all: {baseline['ratio']:.1f}"

"""How fast a GPU is: each model at several batch sizes, and whole analyses beside those of the processor.

    python benchmarks/gpu.py CLIP [--models mini|published] [--write docs/speed.md]

A call begins with pixels or sound on the host and ends with its results there. The sizes at which milliseconds an item
stop falling belong into ``BATCH`` of ``avcer.models.torch_engine``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from avcer import Analyzer
from avcer.bench.flops import input_shape
from avcer.errors import AvcerError
from avcer.models.card import FAMILIES, ROLES, Family, ModelCard
from avcer.models.engine import Items
from avcer.models.runtime import Device, choose_device
from avcer.models.store import InstalledModel, find
from page import circumstances, put, table

SIZES = (1, 4, 16, 64, 256)
FRAME = (360, 640)
"""Height and width of what the detector sees of a common clip."""
CALLS = 5
SETTINGS = ("exact", "balanced", "fast")
STAGES = ("decode", "cuts", "detect", "follow", "static", "dynamic", "sound", "audio", "decision")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, metavar="CLIP")
    parser.add_argument("--models", choices=FAMILIES, default="mini")
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    chosen = parser.parse_args()
    try:
        choose_device("cuda")
        models = [find(chosen.models, role) for role in ROLES]
        calls = [list(of_model(model, SIZES)) for model in models]
        ways = [(device, setting) for device in ("cuda", "cpu") for setting in SETTINGS]
        analyses = [of_analysis(chosen.clip, chosen.models, *way) for way in ways]
    except AvcerError as error:
        sys.exit(str(error))
    by_size = table(["ms an item, by items a call", *map(str, SIZES)], calls)
    by_stage = table(["setting, device", "real-time factor", *(f"{name}, ms" for name in STAGES)], analyses)
    text = "\n\n".join([f"{gpu()}. {circumstances('torch', 'openvino', 'av')}", by_size, by_stage])
    print(text)
    if chosen.write:
        put(chosen.write, text)


def gpu() -> str:
    """Its name, its memory, and the most of it that was taken."""
    import torch

    device = torch.cuda.get_device_properties(torch.cuda.current_device())
    peak = torch.cuda.max_memory_allocated() / 1e9
    return f"{device.name} with {device.total_memory / 1e9:.0f} GB, of which at most {peak:.1f} GB were taken"


def of_model(model: InstalledModel, sizes: Sequence[int], device: str = "cuda") -> Iterator[str]:
    """A row: the shortest of several calls for each size; nothing where memory does not hold so many."""
    from avcer.models.torch_engine import TorchEngine

    yield model.card.name
    engine = TorchEngine(model, "default", device)
    for size in sizes:
        engine.batch, batch = size, items(model.card, size, engine.takes_pixels)
        taken = []
        for _ in range(CALLS):
            started = time.perf_counter()
            engine(batch)
            taken.append(time.perf_counter() - started)
        yield f"{1000 * min(taken) / size:.3f}" if engine.batch == size else ""


def items(card: ModelCard, count: int, pixels: bool) -> Items:
    """Random ones, as the engine takes them."""
    random = np.random.default_rng(0)
    shape = input_shape(card, FRAME)[1:]
    if pixels:
        return random.integers(0, 256, (count, *shape[1:], shape[0]), dtype=np.uint8)
    return random.random((count, *shape), np.float32)


def of_analysis(clip: Path, models: Family, device: Device, setting: str) -> list[str]:
    """A row: the second analysis of a clip; its real-time factor, and milliseconds an item of each stage."""
    analyzer = Analyzer(models=models, device=device, setting=setting)
    analyzer.analyze(clip)
    timings = analyzer.analyze(clip).provenance["timings"]
    stages = [timings["stages"].get(name) for name in STAGES]
    each = [f"{1000 * stage['seconds'] / max(stage['items'], 1):.2f}" if stage else "" for stage in stages]
    return [f"`{setting}`, {device}", f"{timings['real_time_factor']:.3f}", *each]


if __name__ == "__main__":
    main()

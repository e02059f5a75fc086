"""What OpenVINO makes of a model's graph, kept on disk: the next start is short, and large models take less memory.

Small graphs are kept compiled. That depends on the graph, the processor, OpenVINO's version and the settings; all of
them are in the name of the file. Of a large graph that is to be computed in bfloat16, a copy with weights of 16 bits is
kept: it is mapped into memory as it is, where ONNX is read twice over. A file that is damaged, or a folder that cannot
be written, costs nothing but time and memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from avcer.errors import OutputError
from avcer.files import atomic
from avcer.home import home
from avcer.models.card import ModelCard
from avcer.models.store import InstalledModel, replace_folder

LARGE: Final = 200_000_000
"""Bytes of a graph, from which on it is not kept compiled, which would be held in memory twice while it is read."""
KEPT_S: Final = 30 * 24 * 3600
"""Files that no start has used for this long are removed when another is written."""
PRECISION: Final = "INFERENCE_PRECISION_HINT"
"""The setting that asks for a precision; without it, bfloat16 where the processor has it."""
_DIGEST: Final = hashlib.sha256().digest_size


def compile_graph(core: Any, model: InstalledModel, settings: dict[str, Any]) -> Any:
    """The model's graph compiled by ``core`` (an ``openvino.Core``) for the processor, or read from disk.

    Raises:
        RuntimeError: OpenVINO cannot read or compile it.
    """
    try:
        folder()
    except RuntimeError:  # a user without a home, as in some containers
        return core.compile_model(core.read_model(model.graph), "CPU", settings)
    if model.card.graph.bytes > LARGE:
        in_bfloat16 = not settings.get(PRECISION) and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        graph = _halved(core, model) if in_bfloat16 else model.graph
        return core.compile_model(core.read_model(graph), "CPU", settings)
    path = _path(core, model, settings)
    kept = _read(path)
    if kept is not None:
        with contextlib.suppress(RuntimeError):
            return core.import_model(kept, "CPU", settings)
    compiled = core.compile_model(core.read_model(model.graph), "CPU", settings)
    blob = compiled.export_model().getvalue()
    if _same(compiled, core.import_model(blob, "CPU", settings), model.card):
        with contextlib.suppress(OSError, OutputError):
            _write(path, blob)
    return compiled


def folder() -> Path:
    """Where all of it is kept; it can be deleted at any time."""
    return home() / "compiled"


def _halved(core: Any, model: InstalledModel) -> Path:
    """The copy of the graph with weights of 16 bits, made if need be; the graph itself where there is no place."""
    import openvino

    kept = folder() / f"{model.card.name}-{_digest(model)}-half"
    try:
        if not kept.exists():
            folder().mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder()) as beside:
                new = Path(beside) / "half"
                openvino.save_model(core.read_model(model.graph), new / "graph.xml", compress_to_fp16=True)
                replace_folder(new, kept)
        os.utime(kept)
    except (OSError, RuntimeError):
        return model.graph
    return kept / "graph.xml"


def _path(core: Any, model: InstalledModel, settings: dict[str, Any]) -> Path:
    processor = core.get_property("CPU", "FULL_DEVICE_NAME")
    return folder() / f"{model.card.name}-{_digest(model, settings, str(processor), os.cpu_count())}.blob"


def _digest(model: InstalledModel, *more: Any) -> str:
    """What tells the graph, this version of OpenVINO and ``more`` from others."""
    import openvino

    file = model.graph.stat()
    what = [model.card.graph.sha256, file.st_size, file.st_mtime_ns, openvino.__version__, *more]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def _read(path: Path) -> bytes | None:
    """What was kept, if it is whole."""
    try:
        stored = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    return stored[_DIGEST:] if hashlib.sha256(stored[_DIGEST:]).digest() == stored[:_DIGEST] else None


def _same(compiled: Any, read_back: Any, card: ModelCard) -> bool:
    """Whether both say the same of a batch. OpenVINO 2026.4 mixes up the rows of one after reading back an LSTM."""
    sizes = {"N": 3, "H": 64, "W": 64}
    shape = [size if isinstance(size, int) else sizes[size] for size in card.inputs]
    batch = np.random.default_rng(0).standard_normal(shape, np.float32)
    pairs = zip(*(one.create_infer_request().infer([batch]).values() for one in (compiled, read_back)), strict=True)
    return all(np.array_equal(ours, theirs) for ours, theirs in pairs)


def _write(path: Path, blob: bytes) -> None:
    """Written beside, then renamed; files long unused are removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as part:
        part.write_bytes(hashlib.sha256(blob).digest() + blob)
    for other in path.parent.iterdir():
        if time.time() - other.stat().st_mtime > KEPT_S:
            shutil.rmtree(other) if other.is_dir() else other.unlink()

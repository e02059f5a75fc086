"""Compiled graphs kept on disk, so that the next start is short.

What OpenVINO makes of a graph depends on the graph, the processor, its own version and the settings; all of them are in
the name of the file. A file that is damaged, or a folder that cannot be written, costs nothing but the time to compile.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from avcer.models.store import InstalledModel, home

LARGEST: Final = 200_000_000
"""Bytes of a graph: larger ones would fill the disk, and be held in memory twice while they are read."""
KEPT_S: Final = 30 * 24 * 3600
"""Files that no start has used for this long are removed when another is written."""
_DIGEST: Final = hashlib.sha256().digest_size


def compile_graph(core: Any, model: InstalledModel, settings: dict[str, Any]) -> Any:
    """The model's graph compiled by ``core`` (an ``openvino.Core``) for the processor, or read from disk.

    Raises:
        RuntimeError: OpenVINO cannot read or compile it.
    """
    if model.graph.stat().st_size > LARGEST:
        return core.compile_model(core.read_model(model.graph), "CPU", settings)
    path = _path(core, model, settings)
    kept = _read(path)
    if kept is not None:
        with contextlib.suppress(RuntimeError):
            return core.import_model(kept, "CPU", settings)
    compiled = core.compile_model(core.read_model(model.graph), "CPU", settings)
    with contextlib.suppress(OSError):
        _write(path, compiled.export_model())
    return compiled


def folder() -> Path:
    """Where the compiled graphs are kept; it can be deleted at any time."""
    return home() / "compiled"


def _path(core: Any, model: InstalledModel, settings: dict[str, Any]) -> Path:
    import openvino

    file = model.graph.stat()
    what = [model.card.graph.sha256, file.st_size, file.st_mtime_ns, openvino.__version__, settings]
    text = json.dumps([*what, str(core.get_property("CPU", "FULL_DEVICE_NAME")), os.cpu_count()], sort_keys=True)
    return folder() / f"{model.card.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.blob"


def _read(path: Path) -> bytes | None:
    """What was kept, if it is whole."""
    try:
        stored = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    return stored[_DIGEST:] if hashlib.sha256(stored[_DIGEST:]).digest() == stored[:_DIGEST] else None


def _write(path: Path, exported: io.BytesIO) -> None:
    """Written beside, then renamed; files long unused are removed."""
    blob = exported.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        file.write(hashlib.sha256(blob).digest() + blob)
    Path(file.name).replace(path)
    for other in path.parent.iterdir():
        if time.time() - other.stat().st_mtime > KEPT_S:
            other.unlink()

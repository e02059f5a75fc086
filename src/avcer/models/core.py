"""The one ``openvino.Core`` of the process, which is never given up.

Each core of OpenVINO 2026.4 gives its thread a stack of its own for signals, and takes back the one before when it
ends. Where two cores do not end in the reverse order, a stack is left that is no longer in memory: the next signal,
such as Ctrl-C, then ends the process with a segmentation fault.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

_LOCK = Lock()
_CORE: list[Any] = []


def openvino_core() -> Any:
    """The process's ``openvino.Core``, made at the first call; from any thread."""
    import openvino  # slow to import

    with _LOCK:
        if not _CORE:
            _CORE.append(openvino.Core())
        return _CORE[0]

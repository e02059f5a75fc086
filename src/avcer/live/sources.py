"""Where live pictures come from: a camera by its number, an address, or a file as if it were live."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from avcer.errors import InputError
from avcer.media import SAMPLE_RATE, Live, SoundBlock
from avcer.types import Frame

CAMERAS: Final = {
    "linux": ("v4l2", "/dev/video{}"),
    "darwin": ("avfoundation", "{}:none"),
    "win32": ("dshow", "video={}"),
}
"""FFmpeg's device and its name of a camera, by system; tried on Linux alone."""
RTSP: Final = {"rtsp_transport": "tcp"}
"""Over UDP, networks drop packets of large pictures."""


class AsIfLive:
    """The items of a recording, each no sooner than a camera would have given it."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def __iter__(self) -> Iterator[Frame | SoundBlock]:
        begun_s: float | None = None
        for item in self._live:
            ends_s = item.time_s if isinstance(item, Frame) else item.start_s + len(item.samples) / SAMPLE_RATE
            if begun_s is None:
                begun_s = time.monotonic() - ends_s
            time.sleep(max(begun_s + ends_s - time.monotonic(), 0))
            yield item


def open_live(where: str) -> tuple[Live | AsIfLive, bool]:
    """The source, and whether it is one that should not end of itself.

    Args:
        where: the number of a camera, an address with ``://``, or the path of a file.

    Raises:
        InputError: neither.
    """
    if where.isdigit():
        device, name = CAMERAS.get(sys.platform, CAMERAS["linux"])
        return Live(name.format(where), format=device), True
    if "://" in where:
        return Live(where, options=RTSP if where.startswith("rtsp") else {}), True
    if not Path(where).is_file():
        raise InputError(f"{where}: no camera, address or file; give a number such as 0, an address, or a path")
    return AsIfLive(Live(where)), False

"""A corpus of made-up clips of a second, some of them poisoned, and the hook that lets two kinds of poison work."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import av

from avcer.demo import make_clip

POISON = 20


def make_corpus(folder: Path, clips: int, poison: int = POISON) -> Path:
    """``clips`` clips in ``folder``, ``poison`` of them poisoned: ``poison-<kind>-<number>.mp4``."""
    folder.mkdir()
    source = make_short(folder.parent / "one.mp4", 1)
    for number in range(clips - poison):
        shutil.copyfile(source, folder / f"good-{number:04}.mp4")
    kinds = list(KINDS)
    for number in range(poison):
        kind = kinds[number % len(kinds)]
        KINDS[kind](folder / f"poison-{kind}-{number:02}.mp4", source)
    return folder


def make_short(path: Path, seconds: int) -> Path:
    """The demonstration's clip, cut to so many seconds by copying its first frames."""
    whole = make_clip(path.with_name(f"whole-{path.name}"))
    with av.open(str(whole)) as read, av.open(str(path), "w") as written:
        streams = {stream.index: written.add_stream_from_template(stream) for stream in read.streams}
        for packet in read.demux():
            if packet.dts is None or packet.pts is None or float(packet.pts * packet.time_base) >= seconds:
                continue
            packet.stream = streams[packet.stream.index]
            written.mux(packet)
    return path


def _empty(path: Path, _: Path) -> None:
    path.touch()


def _junk(path: Path, _: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(20_000))


def _truncated(path: Path, source: Path) -> None:
    path.write_bytes(source.read_bytes()[:2_000])


def _zeros(path: Path, _: Path) -> None:
    with path.open("wb") as file:
        file.truncate(4 << 30)


def _copied(path: Path, source: Path) -> None:
    shutil.copyfile(source, path)


KINDS: dict[str, Callable[[Path, Path], None]] = {
    "empty": _empty,
    "junk": _junk,
    "truncated": _truncated,
    "zeros": _zeros,
    "hang": _copied,
    "kill": _copied,
}
"""The kinds of poison. ``zeros`` is a sparse file of 4 GB; ``hang`` and ``kill`` are done by ``HOOK``."""

HOOK = """
import io, os, signal, time
_open = io.open
def opening(file, *rest, **more):
    name = os.path.basename(str(file))
    if name.startswith("poison-hang-"):
        time.sleep(1e6)
    if name.startswith("poison-kill-"):
        os.kill(os.getpid(), signal.SIGKILL)
    return _open(file, *rest, **more)
io.open = opening
"""
"""A ``sitecustomize`` for the workers: no real clip at hand makes a decoder hang or crash."""


def hooked(folder: Path) -> Path:
    """A folder for ``PYTHONPATH`` that holds the hook."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(HOOK)
    return folder

"""How many processors this process may really use: its affinity and its container's quota, not the machine's count.

A container is mostly limited by a CPU quota of its control group (cgroup), which no library that counts processors
sees; with a thread for each processor of the machine, all of them then wait for the quota. Sources: cgroups(7),
proc(5), and the kernel's documents cgroup-v2 (``cpu.max``) and sched-bwc (``cpu.cfs_quota_us``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

_limit = 0
"""Threads that the whole process was limited to; 0 for none."""


def available(root: Path = Path("/")) -> int:
    """Processors that this process may use, at least 1: whole ones of the quota, so that it is never exceeded.

    ``root`` is where ``proc`` and ``sys`` are.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([affinity, *(int(quota) for quota in _quotas(root))]))


def engine_threads(asked: int | None) -> int:
    """Threads for a library that counts the machine's processors by itself: as many as asked for, else those
    available; 0, its own choice, where these are all.
    """
    usable = asked or available()
    return 0 if asked is None and usable == os.cpu_count() else usable


def limit_process(threads: int) -> None:
    """Sets how many threads OpenCV and the decoders of this process use from now on; 0 leaves it to them, as before."""
    global _limit
    if threads != _limit:
        import cv2

        cv2.setNumThreads(threads or -1)
        _limit = threads


@contextmanager
def small_drawing() -> Iterator[None]:
    """OpenCV works in one thread while many small things are drawn: waking others costs more than they do."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def decoder_threads() -> int:
    """Threads of a decoder: half of the processors, as the others are for the models, and each thread more makes a
    frame cost more.
    """
    return max((_limit or available()) // 2, 1)


def encoder_threads() -> int:
    """Threads of an encoder, which works while pictures are decoded and drawn: all that the process may use."""
    return max(_limit or available(), 1)


def _quotas(root: Path) -> Iterator[float]:
    """Processors' worth of time that each control group over this process allows."""
    for folder, version in _groups(root):
        try:
            if version == 2:
                quota, period = (folder / "cpu.max").read_text().split()
            else:
                quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
            if quota != "max" and int(quota) > 0:
                yield int(quota) / int(period)
        except (OSError, ValueError, ZeroDivisionError):  # no limit here, or a file that means something else
            continue


def _groups(root: Path) -> Iterator[tuple[Path, int]]:
    """The folders of the control groups over this process that may limit its time, and the version of each."""
    try:
        own = (root / "proc/self/cgroup").read_text().splitlines()
        mounts = (root / "proc/self/mountinfo").read_text().splitlines()
    except OSError:  # not Linux
        return
    paths = {names: path for _, names, path in (line.split(":", 2) for line in own if line.count(":") >= 2)}
    for line in mounts:
        before, _, after = line.partition(" - ")
        fields, described = before.split(), after.split()
        if len(fields) < 5 or len(described) < 3:
            continue
        mounted, place, kind, settings = fields[3], fields[4], described[0], described[2]
        if kind == "cgroup2" and "" in paths:
            yield from ((group, 2) for group in _upwards(root, place, mounted, paths[""]))
        elif kind == "cgroup" and "cpu" in settings.split(","):
            path = next((path for names, path in paths.items() if "cpu" in names.split(",")), None)
            if path is not None:
                yield from ((group, 1) for group in _upwards(root, place, mounted, path))


def _upwards(root: Path, place: str, mounted: str, path: str) -> Iterator[Path]:
    """The folder of the group ``path`` and those above it, as far as they are to be seen at ``place``, where the group
    ``mounted`` lies; in a container that is often the process's own group.
    """
    top, own = root / place.lstrip("/"), PurePosixPath(path)
    inside = own.relative_to(mounted).parts if own.is_relative_to(mounted) else ()
    folder = top.joinpath(*(part for part in inside if part != ".."))
    yield folder
    while folder != top:
        folder = folder.parent
        yield folder

"""On made-up files of control groups, as containers of either version show them."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import pytest

from avcer import processors
from avcer.processors import available, engine_threads

V2 = "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
V1_OWN = "32 31 0:29 /docker/ab /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu"


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of sixteen, eight of which the process may use."""
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def machine(root: Path, own: str, mounts: str, **files: str) -> Path:
    texts = {"proc/self/cgroup": own, "proc/self/mountinfo": f"23 1 8:1 / / rw - ext4 /dev/root rw\n{mounts}\n"}
    texts |= {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def quota(folder: str, quota_us: int, period_us: int = 100_000) -> dict[str, str]:
    return {f"{folder}/cpu.cfs_quota_us": f"{quota_us}\n", f"{folder}/cpu.cfs_period_us": f"{period_us}\n"}


def test_without_control_groups_it_is_the_affinity(tmp_path: Path) -> None:
    assert available(tmp_path) == 8


def test_without_affinity_it_is_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    assert available(tmp_path) == 16


@pytest.mark.parametrize(
    ("limit", "usable"),
    [("max 100000", 8), ("200000 100000", 2), ("250000 100000", 2), ("50000 100000", 1), ("990000 100000", 8),
     ("", 8), ("nonsense", 8), ("100000 0", 8)],
)  # fmt: skip
def test_a_container_of_version_2(tmp_path: Path, limit: str, usable: int) -> None:
    assert available(machine(tmp_path, "0::/\n", V2, **{"cpu.max": f"{limit}\n"})) == usable


def test_the_narrowest_group_above_counts(tmp_path: Path) -> None:
    limits = {"jobs/cpu.max": "300000 100000\n", "jobs/one/cpu.max": "max 100000\n"}
    assert available(machine(tmp_path, "0::/jobs/one\n", V2, **limits)) == 3


def test_a_group_outside_of_what_is_mounted_is_that_of_the_mount(tmp_path: Path) -> None:
    """A shared control-group namespace shows a path that is not there."""
    assert available(machine(tmp_path, "0::/../elsewhere\n", V2, **{"cpu.max": "100000 100000\n"})) == 1


@pytest.mark.parametrize(("limit_us", "usable"), [(-1, 8), (400_000, 4), (150_000, 1)])
def test_a_container_of_version_1(tmp_path: Path, limit_us: int, usable: int) -> None:
    own = "5:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n0::/\n"
    whole = machine(tmp_path / "whole", own, V1, **quota("cpu,cpuacct/docker/ab", limit_us), **quota("cpu,cpuacct", -1))
    assert available(whole) == usable
    only_its_own = machine(tmp_path / "own", own, V1_OWN, **quota("cpu", limit_us))
    assert available(only_its_own) == usable


def test_the_quota_of_another_controller_is_none(tmp_path: Path) -> None:
    mount = "32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset"
    assert available(machine(tmp_path, "4:cpuset:/\n", mount, **quota("cpuset", 100_000))) == 8


def test_engines_choose_for_themselves_where_nothing_limits_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "available", lambda: 16)
    assert [engine_threads(asked) for asked in (None, 1, 16, 40)] == [0, 1, 16, 40]
    monkeypatch.setattr(processors, "available", lambda: 2)
    assert [engine_threads(asked) for asked in (None, 1, 4)] == [2, 1, 4]


def test_the_process_keeps_to_a_limit_until_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cv2.getNumThreads()
    monkeypatch.setattr(processors, "available", lambda: 6)
    try:
        assert processors.decoder_threads() == 3
        processors.limit_process(4)
        assert (cv2.getNumThreads(), processors.decoder_threads()) == (4, 2)
        processors.limit_process(1)
        assert (cv2.getNumThreads(), processors.decoder_threads()) == (1, 1)
    finally:
        processors.limit_process(0)
    assert (cv2.getNumThreads(), processors.decoder_threads()) == (before, 3)


def test_what_the_user_has_set_stays_where_there_is_no_limit() -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        processors.limit_process(0)
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)

"""Shared fixtures: where the reference material is, if it is there at all."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

import avcer  # noqa: F401 - before any test module imports OpenVINO, which would send usage data
from avcer import demo
from reference import SHARED, import_stand_ins


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests go first, so that the processes of ``--numprocesses`` end at about the same time."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store of the tests' own: nothing is read from or written to that of whoever runs them."""
    folder = tmp_path_factory.mktemp("home")
    with patch.dict(os.environ, AVCER_HOME=str(folder)):
        yield folder


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """A script that starts ``make test`` in the background has it ignore Ctrl-C, and what it starts inherits that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the demonstration, with the face hidden in between."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "DURATION_S", 2.0)
        patch.setattr(demo, "_HIDDEN_S", (1.0, 1.2))
        return demo.make_clip(tmp_path_factory.mktemp("demo") / "short.mp4")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference outputs and real clips; tests that need it skip where it is missing."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the reference material in {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def golden(shared: Path) -> Path:
    """Golden outputs of the released implementation."""
    return shared / "reference" / "golden"


@pytest.fixture(scope="session")
def clips(shared: Path) -> Path:
    """Real clips, and ``edge`` below it."""
    return shared / "data" / "clips"


@pytest.fixture(scope="session")
def published_home(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the published family: stand-in checkpoints, and the real RetinaFace MobileNet-0.25.

    It takes a minute: use it in slow tests only.
    """
    home = tmp_path_factory.mktemp("published")
    import_stand_ins(home)
    return home

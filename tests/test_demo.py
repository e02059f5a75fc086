from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from avcer import demo


@pytest.fixture
def one_processor() -> Iterator[None]:
    """This thread, and those that it starts, may use one processor."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("needs a system that says which processors a thread may use")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


@pytest.fixture(scope="module")
def short() -> Iterator[None]:
    """The clip lasts one second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "DURATION_S", 1.0)
        yield


@pytest.fixture(scope="module")
def made(short: None, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return demo.make_clip(tmp_path_factory.mktemp("demo") / "clip.mp4").read_bytes()


def test_each_clip_is_the_same_file(made: bytes, tmp_path: Path) -> None:
    assert demo.make_clip(tmp_path / "clip.mp4").read_bytes() == made


@pytest.mark.usefixtures("one_processor")
def test_the_clip_does_not_depend_on_the_number_of_processors(made: bytes, tmp_path: Path) -> None:
    """What models say of it is compared with limits: x264 writes another file for each number of threads."""
    assert demo.make_clip(tmp_path / "clip.mp4").read_bytes() == made

"""A store of the test's own, and a clip with a face and a voice."""

from __future__ import annotations

from pathlib import Path

import pytest

from avcer import demo


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVCER_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven seconds of the demonstration: 22 windows of sound."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "DURATION_S", 11.0)
        return demo.make_clip(tmp_path_factory.mktemp("quantization") / "clip.mp4")

"""Shared fixtures: where the reference material is, if it is there at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from reference import SHARED, stand_in_weights


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
    import torch

    from avcer.models.published import import_published

    home = tmp_path_factory.mktemp("published")
    files = {"detector": shared / "data" / "weights" / "retinaface_mobilenet0.25.pth"}
    for role, name in {"static": "static", "dynamic": "dynamic", "audio": "audio_8cl_v3"}.items():
        files[role] = home / f"{role}.pt"
        torch.save({key: torch.from_numpy(array) for key, array in stand_in_weights(name).items()}, files[role])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVCER_HOME", str(home))
        import_published(**files, report=print)
    for role in ("static", "dynamic", "audio"):
        files[role].unlink()
    return home

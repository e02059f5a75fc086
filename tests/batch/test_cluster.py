"""The same batch on a real Ray, on this machine. Poison clips neither hang nor vanish."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from avcer.batch.run import BatchOptions, run_batch
from avcer.errors import MissingExtraError, UsageError
from avcer.options import Options

FAKE = (sys.executable, str(Path(__file__).with_name("fake_worker.py")))
ON_RAY = BatchOptions(formats=("csv",), command=FAKE, engine="ray", workers=2, timeout_s=3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own, at its start and end
def test_poison_clips_on_ray(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    root = tmp_path / "in"
    root.mkdir()
    contents = {"a": "ok", "b": "kill", "c": "hang", "d": "fail", "e": "once", "f": "exit", "g": "ok"}
    for name, content in contents.items():
        (root / f"{name}.mp4").write_text(content)
    counts = run_batch([str(root)], tmp_path / "out", Options(), ON_RAY)
    assert (counts["done"], counts["failed"], counts["total"]) == (3, 4, 7)
    assert (tmp_path / "out" / "e" / "compound.csv").exists()
    again = run_batch([str(root)], tmp_path / "out", Options(), ON_RAY)
    assert again == counts


def test_without_ray_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "a.mp4").write_text("ok")
    with pytest.raises(MissingExtraError, match=r"avcer\[ray\]"):
        run_batch([str(tmp_path / "a.mp4")], tmp_path / "out", Options(), ON_RAY)


def test_no_cluster_at_the_address(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    (tmp_path / "a.mp4").write_text("ok")
    with pytest.raises(UsageError, match="no Ray cluster"):
        run_batch([str(tmp_path / "a.mp4")], tmp_path / "out", Options(), replace(ON_RAY, address="127.0.0.1:1"))


def test_a_ray_that_does_not_start_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="needs the extra ray")

    tried = []

    def late(**_: object) -> None:
        tried.append(1)
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "init", late)
    (tmp_path / "a.mp4").write_text("ok")
    with pytest.raises(UsageError, match=r"does not start here .*timed out.*leave --engine out"):
        run_batch([str(tmp_path / "a.mp4")], tmp_path / "out", Options(), ON_RAY)
    assert len(tried) == 3

"""A process that does one analysis and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from avcer.bench.once import analyse_alone
from avcer.errors import AvcerError
from avcer.options import Options


def test_start_and_memory(clip: Path) -> None:
    alone = analyse_alone(clip, Options(setting="fast", device="cpu"))
    assert 0 < alone.start_s < alone.first_frame_s < 60
    assert sys.platform == "win32" or 50 < (alone.peak_memory_mb or 0) < 2000


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_the_memory_of_the_caller_does_not_count() -> None:
    held = np.ones(500_000_000, np.uint8)
    code = "from avcer.bench.once import peak_memory_mb; print(peak_memory_mb())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 10 < float(done.stdout) < held.nbytes / 1e6


def test_a_failure_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(AvcerError, match=r"none\.mp4: the process that measures memory failed \(.*no such file"):
        analyse_alone(tmp_path / "none.mp4", Options(device="cpu"))

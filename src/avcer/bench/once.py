"""One analysis in a process of its own: how soon it starts, and how much memory it takes at most.

    python -m avcer.bench.once CLIP SPAWNED_AT OPTIONS

``SPAWNED_AT`` is the time of the call (seconds since 1970), ``OPTIONS`` the fields of ``Options`` as a JSON object;
prints a JSON object with the fields of ``Alone``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from avcer.errors import AvcerError
from avcer.options import Options
from avcer.pipeline import Analyzer

_STATUS: Final = Path("/proc/self/status")


@dataclass(frozen=True)
class Alone:
    """A fresh process that analyses one clip: seconds until the models are loaded and until the first frames have
    been read; ``peak_memory_mb``, its largest resident memory in MB (10^6 bytes), None where the system does not tell.
    """

    start_s: float
    first_frame_s: float
    peak_memory_mb: float | None


def analyse_alone(clip: Path, options: Options) -> Alone:
    """Runs this module on a clip.

    Raises:
        AvcerError: the process failed.
    """
    words = ["-m", "avcer.bench.once", str(clip), repr(time.time()), json.dumps(options.to_dict())]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise AvcerError(f"{clip}: the process that measures memory failed ({why})")
    return Alone(**json.loads(done.stdout.splitlines()[-1]))


def peak_memory_mb() -> float | None:
    """The largest resident memory of this process so far.

    Linux's own record is asked first: a process begins its ``ru_maxrss`` with that of the process that started it.
    """
    if sys.platform == "win32":
        return None
    if _STATUS.exists():
        lines = _STATUS.read_text(encoding="utf-8").splitlines()
        return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:")), None)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def main() -> None:
    """Analyses the clip that the arguments name, and prints what it took."""
    clip, spawned_at, options = sys.argv[1:]
    began = float(spawned_at)
    analyzer = Analyzer(Options.from_dict(json.loads(options)))
    start_s = time.time() - began
    first: list[float] = []

    def hook(stage: str, done: int, total: int) -> None:
        if done and stage != "sound" and not first:
            first.append(time.time() - began)

    analyzer.analyze(clip, hook)
    print(json.dumps(asdict(Alone(start_s, first[0] if first else time.time() - began, peak_memory_mb()))))


if __name__ == "__main__":
    main()

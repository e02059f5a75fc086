"""Whether the service's memory grows with the jobs: hundreds in a row, sent, done, fetched and removed.

    python benchmarks/jobs_in_a_row.py [--jobs 200] [--write docs/serve.md]

Each job runs a worker without models, since only the server's own memory is looked at; its growth from the twentieth
job to the last must stay within 10 %.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from starlette.testclient import TestClient

from avcer.serve.app import make_app
from avcer.serve.jobs import Jobs
from avcer.serve.runner import Runner
from avcer.serve.service import Service
from page import ROOT, circumstances, put, table

FAKE = (sys.executable, str(ROOT / "tests" / "batch" / "fake_worker.py"))
SETTLED, MOST_GROWTH = 20, 0.10


def resident_mb() -> float:
    """What of this process is in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--write", type=Path, metavar="PAGE.md")
    chosen = parser.parse_args()
    held: list[float] = []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        jobs = Jobs(Path(place) / "jobs")
        runner = Runner(jobs, command=FAKE)
        app = make_app(Service(jobs, runner, None, 1 << 20, 1), "secret")
        client = TestClient(app, base_url="http://127.0.0.1:8765", headers={"Authorization": "Bearer secret"})
        for _ in range(chosen.jobs):
            job = client.post("/api/jobs?name=clip.mp4", content=b"fine" * 10_000).json()["id"]
            while client.get(f"/api/jobs/{job}").json()["state"] in ("queued", "running"):
                time.sleep(0.02)
            assert client.get(f"/api/jobs/{job}/results/compound.csv").status_code == 200
            assert client.delete(f"/api/jobs/{job}").status_code == 204
            held.append(resident_mb())
        left = [path.name for path in jobs.folder.iterdir() if path.is_dir()]
        runner.close()
        jobs.close()
    growth = held[-1] / held[min(SETTLED, len(held) - 1)] - 1
    rows = [
        ["jobs", str(len(held))], ["memory after 20, MB", f"{held[min(SETTLED, len(held) - 1)]:.0f}"],
        ["memory after the last, MB", f"{held[-1]:.0f}"], ["growth", f"{100 * growth:.1f} %"],
        ["folders left", str(len(left))], ["seconds a job", f"{(time.monotonic() - begun) / len(held):.2f}"],
    ]  # fmt: skip
    text = f"{table(['', 'server alone'], rows)}\n\n{circumstances('starlette', 'uvicorn')}"
    print(text)
    if chosen.write:
        put(chosen.write, text)
    sys.exit(growth > MOST_GROWTH or bool(left))


if __name__ == "__main__":
    main()

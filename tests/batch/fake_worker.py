"""A worker without models: what it does with a clip is written in the file. It speaks the protocol of the real one."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any


def main() -> None:
    setup = json.loads(sys.stdin.readline())
    if setup["options"].get("models") == "none":
        answer({"state": "unfit", "error": "models must be one of mini, published, not 'none'"})
        return
    answer({"state": "ready", "identity": {"options": setup["options"], "version": "test"}})
    orders: SimpleQueue[str] = SimpleQueue()
    Thread(target=read, args=(orders,), daemon=True).start()
    while True:
        job = json.loads(orders.get())
        answer({"stage": "pictures", "done": 1, "total": 2})
        answer(work(job, Path(job["path"]), Path(job["folder"])))


def read(orders: SimpleQueue[str]) -> None:
    """Like the real worker, it ends in the middle of a clip when its parent is gone."""
    for line in sys.stdin:
        orders.put(line)
    os._exit(0)


def work(job: dict[str, Any], path: Path, folder: Path) -> dict[str, Any]:
    if not path.exists():
        return {"state": "failed", "error": f"{path}: no such file; check the name"}
    what = path.read_text()
    if what.startswith("once"):
        marker = path.with_suffix(".tried")
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    if what.startswith("kill"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "half.csv").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)
    if what.startswith("exit"):
        print("the decoder gave up", file=sys.stderr)
        sys.exit(3)
    if what.startswith("hang"):
        time.sleep(60)
    if what.startswith("fail"):
        return {"state": "failed", "error": f"{path}: not a video file; give a recorded video"}
    if what.startswith("grow"):
        path.write_text("ok now, and longer")
    time.sleep(float(what.removeprefix("slow")) if what.startswith("slow") else 0)
    folder.mkdir(parents=True)
    (folder / "compound.csv").write_text(f"{what},{job['start_s']},{job['end_s']}\n")
    return {"state": "done", "facts": facts()}


def facts() -> dict[str, Any]:
    face = {
        "face": 1, "primary": True, "seconds_seen": 2.0, "segments": 2, "probability": 0.8,
        "shares": {"Happiness": 0.75, "Neutral": 0.25}, "counts": {"Happiness": 1, "Neutral": 1},
        "means": dict.fromkeys(("Neutral", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise"), 1 / 7),
    }  # fmt: skip
    return {
        "duration_s": 2.0, "frames": 50, "face_share": 1.0, "sound_share": 0.5, "warnings": ["quiet"], "faces": [face],
    }  # fmt: skip


def answer(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main()

"""A worker that knows what coded clips show, and takes a little while. It speaks the protocol of the real one."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import coded


def main() -> None:
    json.loads(sys.stdin.readline())
    tell({"state": "ready", "identity": {}})
    for line in sys.stdin:
        job = json.loads(line)
        for done in range(1, 11):
            tell({"stage": "pictures", "done": done, "total": 10})
            time.sleep(0.15)
        coded.analysis(Path(job["path"])).save(job["folder"], ["csv", "json"])
        tell({"state": "done", "facts": {}})


def tell(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main()

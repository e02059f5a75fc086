"""Where the reference material is: golden outputs and real clips, in the folder ``shared`` beside the project."""

from __future__ import annotations

import os
from pathlib import Path

SHARED = Path(os.environ.get("AVCER_SHARED", Path(__file__).parents[2] / "shared"))
GOLDEN = SHARED / "reference" / "golden"
CLIPS = SHARED / "data" / "clips"

"""The frames of all clips as one dataset: ``frames/id=<id>/frames.parquet``, as Parquet readers expect partitions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from avcer.batch.record import ClipRecord
from avcer.files import make_folder

DATASET: Final = "frames"


def gather_dataset(clips: Sequence[ClipRecord], out: Path) -> Path:
    """The frames of all clips that are done as one dataset, partitioned by ``id``: each clip's ``analysis.parquet``
    under a second name, which takes no room where the file system has hard links.
    """
    for clip in clips:
        source = out / clip.entry.id / "analysis.parquet"
        if clip.state == "done" and source.exists():
            target = make_folder(out / DATASET / f"id={clip.entry.id}") / "frames.parquet"
            target.unlink(missing_ok=True)
            try:
                os.link(source, target)
            except OSError:
                shutil.copyfile(source, target)
    return out / DATASET

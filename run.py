"""The command of AVCER's authors, kept working: ``python run.py --path_video VIDEO --path_save FOLDER``.

The published models run if they have been imported (``avcer models import published``), else the mini ones.
``--path_video`` may be a folder, too: all the files in it are analysed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from avcer.cli import main
from avcer.models.card import ROLES
from avcer.models.store import installed


def arguments() -> argparse.Namespace:
    """The authors' two options."""
    parser = argparse.ArgumentParser(description="Analyse a video, or all those in a folder, as AVCER's authors do.")
    parser.add_argument("--path_video", type=Path, required=True, metavar="VIDEO")
    parser.add_argument("--path_save", type=Path, required=True, metavar="FOLDER")
    return parser.parse_args()


def run() -> int:
    """Analyses; returns the exit status of ``avcer analyze``."""
    chosen = arguments()
    folder = chosen.path_video.is_dir()
    videos = sorted(path for path in chosen.path_video.iterdir() if path.is_file()) if folder else [chosen.path_video]
    published = {model.card.role for model in installed() if model.card.family == "published"}
    models = "published" if published == set(ROLES) else "mini"
    print(f"models: {models}")
    return main(["analyze", *map(str, videos), "--out", str(chosen.path_save), "--models", models])


if __name__ == "__main__":
    sys.exit(run())

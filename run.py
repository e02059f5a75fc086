"""The command of AVCER's authors, kept working: ``python run.py --path_video VIDEO --path_save FOLDER``.

The published models run if they have been imported (``avcer models import published``), else the mini ones.
``--path_video`` may be a folder, too: all the files in it are analysed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from avcer.cli import main
from avcer.models.card import CARD_FILE, ROLES
from avcer.models.store import location


def arguments() -> argparse.Namespace:
    """The authors' two options."""
    parser = argparse.ArgumentParser(description="Analyse a video, or all those in a folder, as AVCER's authors do.")
    parser.add_argument("--path_video", type=Path, required=True, metavar="VIDEO")
    parser.add_argument("--path_save", type=Path, required=True, metavar="FOLDER")
    return parser.parse_args()


def run() -> int:
    """Analyses; returns the exit status of ``avcer analyze``."""
    chosen = arguments()
    # A folder without a file goes on as it is: the command says in one line that it is none.
    videos = files_in(chosen.path_video) or [chosen.path_video]
    published = all((location("published", role) / CARD_FILE).exists() for role in ROLES)
    models = "published" if published else "mini"
    print(f"models: {models}", flush=True)
    return main(["analyze", f"--out={chosen.path_save}", "--models", models, "--", *map(str, videos)])


def files_in(folder: Path) -> list[Path]:
    """The files of a folder, by name; none for anything else."""
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


if __name__ == "__main__":
    sys.exit(run())

"""The result files of a job: those that the analysis wrote, and any format that is asked for later."""

from __future__ import annotations

import zipfile
from pathlib import Path
from threading import Lock

from avcer.words import FORMATS


def names(folder: Path) -> list[str]:
    """The files of the results."""
    return sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def made(folder: Path, name: str, media: str, writing: Lock) -> Path | None:
    """The file of that name, or of that format (several in a zip), made now if it is not there; None for neither.

    ``media``: what the clip is called where the file is sent.
    """
    if name in names(folder):
        return folder / name
    if name not in FORMATS:
        return None
    from avcer.analysis import Analysis
    from avcer.output.writers import add

    with writing:
        paths = add(Analysis.load(folder), folder, [name], media)
        return paths[0] if len(paths) == 1 else _packed(paths, folder, folder.parent / f"{name}.zip")


def _packed(paths: list[Path], folder: Path, target: Path) -> Path:
    """The files in a zip, which takes the place of an earlier one as a whole: that may be on its way to somebody."""
    part = target.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as whole:
        for path in paths:
            whole.write(path, path.relative_to(folder).as_posix())
    return part.replace(target)


def forget_exports(folder: Path) -> None:
    """Removes what was made after the analysis, from earlier corrections: it is made again when somebody asks."""
    from avcer.output.corrections import FILE as CORRECTIONS
    from avcer.output.record import read_records

    records = read_records(folder)
    if not records:
        return
    kept = {*records[0].files, CORRECTIONS}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in kept:
            path.unlink(missing_ok=True)

"""The table of formats: what each word of ``--formats`` writes.

A new format is a function and a row here; tests name the places that show its word and lack it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from avcer.analysis import Analysis
from avcer.errors import UsageError
from avcer.files import make_folder, remove_abandoned
from avcer.memory import give_back
from avcer.output.corrected import write_corrected
from avcer.output.document import save_json
from avcer.output.eaf import write_eaf
from avcer.output.emotionml import write_emotionml
from avcer.output.labelstudio import write_labelstudio
from avcer.output.record import (
    COMING,
    Record,
    claimed,
    formats_worked_in,
    keep_changed,
    read_records,
    remove_stale,
    write_hidden,
)
from avcer.output.record import DOCUMENT as NAME
from avcer.output.submission import write_submission
from avcer.output.subtitles import write_srt, write_vtt
from avcer.output.table_files import write_csv, write_jsonl, write_parquet
from avcer.output.tabular import write_audformat, write_bids, write_boris, write_mot
from avcer.output.textgrid import write_textgrid
from avcer.output.tiers import Tiers, tiers_of

WORKING_BYTES: Final = 1000
"""What a format takes for each frame of one face, beside the analysis, while it is written."""


@dataclass(frozen=True)
class Format:
    """A row of the table: a writer, and what it needs.

    ``write`` takes an analysis and a folder that exists, writes, and returns the paths of what it wrote. With
    ``tiers`` it takes those, too; one call makes them once: for an hour, that takes half a second. ``curves``: it reads
    numbers of a single modality's curve; an export of formats that read none does not load them. ``media``: it holds
    the clip's address, and takes the name that is to stand for it.
    """

    write: Callable[..., list[Path]]
    tiers: bool = False
    curves: bool = True
    media: bool = False


def save(analysis: Analysis, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Writes ``analysis`` in each of the ``formats`` into ``folder``, which is made if it is missing.

    Files that an earlier call wrote for another analysis are removed, so that no folder mixes two; other files stay.
    A file that was changed in ELAN or Praat since is renamed (``segments-changed.eaf``).

    Returns:
        The paths of the files, in the order of the formats.

    Raises:
        UsageError: an unknown format; nothing is written then.
        OutputError: a file cannot be written; it is then not there, or as it was before.
        InputError: ``mp4``, ``faces`` or ``heatmaps`` is asked for, and the clip cannot be read any more.
        ModelError: ``heatmaps`` is asked for, and the static model is missing.
    """
    check_formats(formats)
    make_folder(folder)
    remove_abandoned(folder)
    earlier = read_records(folder)
    keep_changed(folder, earlier, {*formats, *formats_worked_in(earlier)})
    with claimed(folder):
        paths = _write_each(analysis, folder, formats, earlier)
        record = Record.of(analysis, folder, paths)
        if "json" in formats:
            save_json(analysis, folder / NAME, record.with_files_of(earlier))
        else:
            write_hidden(record.with_files_of(earlier), folder)
    remove_stale(folder, earlier, record, hidden="json" in formats)
    return paths


def _write_each(analysis: Analysis, folder: Path, formats: Sequence[str], earlier: Sequence[Record]) -> list[Path]:
    """Writes all formats but ``json``, which is named; notes before each what lies there by then."""
    paths: list[Path] = []
    write = _writing(analysis, folder)
    for word in dict.fromkeys(formats):
        write_hidden(Record.of(analysis, folder, paths).unfinished(earlier), folder)
        paths += write(word)
    return paths


def add(analysis: Analysis, folder: Path, formats: Sequence[str], media: str | None = None) -> list[Path]:
    """Writes further formats of an analysis that was saved in ``folder`` before; what lies there stays.

    With ``media``, the files are for somebody else, who has the clip beside them under that name.

    Returns:
        The paths of the files, in the order of the formats.

    Raises:
        As ``save``.
    """
    check_formats(formats)
    if "json" in formats:
        return save(analysis, folder, formats)
    remove_abandoned(folder)
    earlier = read_records(folder)
    keep_changed(folder, earlier, formats)
    write = _writing(analysis, folder, media)
    paths = [path for word in dict.fromkeys(formats) for path in write(word)]
    if earlier:  # the next analysis into this folder finds these files, too
        added = replace(Record.of(analysis, folder, paths), source=earlier[0].source, analysis=earlier[0].analysis)
        write_hidden(added.with_files_of(earlier), folder)
        (folder / COMING).unlink(missing_ok=True)
    return paths


def check_formats(formats: Sequence[str]) -> None:
    """Raises UsageError unless every format is known, and names the known ones."""
    if isinstance(formats, str):
        raise UsageError(f"formats must be a list of words, such as ['csv', 'json'], not {formats!r}")
    for word in formats:
        if word not in FORMATS:
            raise UsageError(f"unknown format {word!r}; the formats are {', '.join(FORMATS)}")


def reads_curves(formats: Sequence[str]) -> bool:
    """Whether one of the ``formats`` reads numbers of single modalities' curves."""
    return any(FORMATS[word].curves for word in formats)


def _writing(analysis: Analysis, folder: Path, media: str | None = None) -> Callable[[str], list[Path]]:
    """What writes a format by its word."""
    tiers = cache(lambda: tiers_of(analysis, folder))

    def write(word: str) -> list[Path]:
        row = FORMATS[word]
        given = [tiers()] if row.tiers else []
        paths = row.write(analysis, folder, *given, **({"media": media} if row.media else {}))
        give_back(WORKING_BYTES * len(analysis.times_s))
        return paths

    return write


def _named(_: Analysis, folder: Path) -> list[Path]:
    """The files of ``json``. ``save`` writes them, after all others, because they name those."""
    return [folder / NAME, (folder / NAME).with_suffix(".npz")]


def _png(analysis: Analysis, folder: Path) -> list[Path]:
    from avcer.output.timeline import write_timeline  # OpenCV and Matplotlib are slow to import

    return [write_timeline(analysis, folder / "timeline.png")]


def _txt(analysis: Analysis, folder: Path) -> list[Path]:
    return [write_submission(analysis, folder / "submission.txt")]


def _srt(analysis: Analysis, folder: Path, tiers: Tiers) -> list[Path]:
    return [write_srt(analysis, folder / "segments.srt", tiers)]


def _vtt(analysis: Analysis, folder: Path, tiers: Tiers) -> list[Path]:
    return [write_vtt(analysis, folder / "segments.vtt", tiers)]


def _faces(analysis: Analysis, folder: Path) -> list[Path]:
    from avcer.output.pictures import write_faces  # the models' stations, needed on request only

    return write_faces(analysis, folder)


def _heatmaps(analysis: Analysis, folder: Path) -> list[Path]:
    from avcer.output.pictures import write_heatmaps  # the models' stations, needed on request only

    return write_heatmaps(analysis, folder)


def _mp4(analysis: Analysis, folder: Path) -> list[Path]:
    from avcer.output.annotated import write_annotated  # Matplotlib, for its fonts, is slow to import

    return write_annotated(analysis, folder)


FORMATS: Final[dict[str, Format]] = {
    "csv": Format(write_csv, curves=False),
    "json": Format(_named),
    "png": Format(_png),
    "txt": Format(_txt),
    "srt": Format(_srt, tiers=True, curves=False),
    "vtt": Format(_vtt, tiers=True, curves=False),
    "parquet": Format(write_parquet, curves=False),
    "jsonl": Format(write_jsonl, curves=False),
    "eaf": Format(write_eaf, tiers=True, curves=False, media=True),
    "textgrid": Format(write_textgrid, tiers=True, curves=False),
    "emotionml": Format(write_emotionml, tiers=True, curves=False),
    "labelstudio": Format(write_labelstudio, tiers=True, curves=False),
    "boris": Format(write_boris, tiers=True, curves=False),
    "audformat": Format(write_audformat, tiers=True, curves=False),
    "bids": Format(write_bids, tiers=True, curves=False),
    "mot": Format(write_mot, curves=False),
    "corrected": Format(write_corrected, curves=False),
    "mp4": Format(_mp4),
    "faces": Format(_faces),
    "heatmaps": Format(_heatmaps),
}
"""Each row by its word of ``--formats``."""

DEFAULT_FORMATS: Final = ("csv", "json", "png", "txt")
"""No picture of a whole face series is written unless asked for; ``png`` holds a dozen small ones."""

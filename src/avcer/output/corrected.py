"""The segments after a person's corrections, for spreadsheets and programs: ``corrected.csv``, ``corrected.json``.

Times are those of the tables. Nothing of the machine's own answer is changed: it stays in ``segments.csv``.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, Final

from avcer.analysis import Analysis
from avcer.files import atomic_text
from avcer.output.corrections import as_document, corrected, read_corrections
from avcer.output.times import zero

_COLUMNS: Final = ("face", "name", "start_s", "end_s", "label", "kind", "probability", "source")


def write_corrected(analysis: Analysis, folder: Path) -> list[Path]:
    """Writes both files. ``source`` is ``person`` where a person said it, else ``avcer``.

    Raises:
        InputError: the corrections in ``folder`` cannot be read.
        OutputError: a file cannot be written.
    """
    said = read_corrections(folder)
    zero_s = zero(analysis, "file")
    rows: list[dict[str, Any]] = [
        {
            "face": one.face, "name": said.name(one.face), "start_s": round(one.start_s - zero_s, 6),
            "end_s": round(one.end_s - zero_s, 6), "label": one.label, "kind": one.kind,
            "probability": round(one.probability, 4), "source": "person" if by_person else "avcer",
        }
        for one, by_person in corrected(analysis.segments, said)
    ]  # fmt: skip
    table, document = folder / "corrected.csv", folder / "corrected.json"
    with atomic_text(table) as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: "" if value is None else value for name, value in row.items()} for row in rows)
    with atomic_text(document) as file:
        whole = {"clip": str(analysis.clip.path), "segments": rows, "corrections": as_document(said)}
        json.dump(whole, file, indent=2)
        file.write("\n")
    return [table, document]

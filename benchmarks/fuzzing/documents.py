"""What is read from outside besides recordings: a small source of each kind, and what reads it."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from avcer import Analysis, Analyzer
from avcer.annotations.labels import read_labels
from avcer.annotations.read import read_annotation
from avcer.annotations.words import read_map
from avcer.batch.entries import Entry
from avcer.batch.record import Record, read_clips
from avcer.batch.sources import read_sources
from avcer.decision.express import SHIPPED, read_open
from avcer.decision.fuse import read_fusion
from avcer.decision.person import Person, read_person
from avcer.demo import make_clip
from avcer.errors import UsageError
from avcer.labels import read_vocabulary
from avcer.models.choice import choose
from avcer.models.store import find
from avcer.options import Options
from avcer.output.corrections import Correction, Corrections, Marker, read_corrections, write_corrections
from avcer.parsing import json_of

Reader = Callable[[Path], object]
"""Reads what lies in a folder."""
DYNAMIC = find("mini", "dynamic")
VOCABULARY = """
name = "mine"
[compounds]
"Sadly Angry" = ["Sadness", "Anger"]
"Happily Surprised" = ["Happiness", "Surprise"]
"""


def _options(folder: Path) -> Options:
    """The options of a request to the service: a body of JSON."""
    try:
        words = json_of((folder / "options.json").read_text())
    except ValueError as error:
        raise UsageError("no JSON") from error
    return Options.from_dict(words)


READERS: dict[str, Reader] = {
    "analysis": lambda folder: Analysis.load(folder),
    "corrections": lambda folder: read_corrections(folder),
    "fusion": lambda folder: read_fusion(folder / "fusion.json"),
    "decision": lambda folder: read_open(folder / "decision.json"),
    "vocabulary": lambda folder: read_vocabulary(folder / "mine.toml"),
    "manifest": lambda folder: read_sources([str(folder / "corpus.csv")], {}),
    "manifest parquet": lambda folder: read_sources([str(folder / "corpus.parquet")], {}),
    "record": lambda folder: read_clips([folder / "batch.sqlite"]),
    "eaf": lambda folder: read_annotation(folder / "clip.eaf"),
    "textgrid": lambda folder: read_annotation(folder / "clip.TextGrid"),
    "labels": lambda folder: read_labels(folder / "labels.csv"),
    "words": lambda folder: read_map(folder / "words.toml"),
    "model": lambda folder: choose("mini", "dynamic", [folder]),
    "options": _options,
    "person": lambda folder: read_person(folder / "person.json"),
}


def made_documents(folder: Path) -> dict[str, Path]:
    """A folder for each kind, with what its reader reads; results are those of the demonstration."""
    sources = {name: folder / name for name in READERS}
    for path in sources.values():
        path.mkdir(parents=True)
    analysis = Analyzer(setting="fast").analyze(make_clip(folder / "portrait.mp4"))
    analysis.save(sources["analysis"], ["json"])
    analysis.save(sources["eaf"], ["eaf"])
    analysis.save(sources["textgrid"], ["textgrid"])
    for kind, suffix in (("eaf", ".eaf"), ("textgrid", ".TextGrid")):
        found = next(sources[kind].glob(f"*{suffix}"))
        found.rename(sources[kind] / f"clip{suffix}")
        for other in sources[kind].iterdir():
            if other.name != f"clip{suffix}":
                other.unlink()
    shutil.copyfile(SHIPPED, sources["decision"] / "decision.json")
    shutil.copyfile(SHIPPED.with_name("fusion.json"), sources["fusion"] / "fusion.json")
    shutil.copytree(DYNAMIC.folder, sources["model"], dirs_exist_ok=True)
    (sources["vocabulary"] / "mine.toml").write_text(VOCABULARY)
    (sources["words"] / "words.toml").write_text('[labels]\n"gut gelaunt" = "Happiness"\n"?" = ""\n')
    (sources["options"] / "options.json").write_text(json.dumps(Options().to_dict()))
    Person.of([{"static": np.linspace(-3, -1, 7)}] * 3, {"static": "ab"}).write(sources["person"] / "person.json")
    write_corrections(CORRECTIONS, sources["corrections"])
    _tables(sources)
    _record(sources["record"] / "batch.sqlite", folder / "portrait.mp4")
    for name, path in sources.items():
        READERS[name](path)  # each can be read as it is
    return sources


CORRECTIONS = Corrections(
    names={1: "Ana", 2: "Bo"},
    merged={2: 1},
    segments=(Correction(1, 0.5, 1.5, "Happily Surprised"),),
    markers=(Marker(1.0, "smiles"),),
)


def _tables(sources: dict[str, Path]) -> None:
    rows = [
        {"path": "portrait.mp4", "id": f"clip {number}", "start": "0.5", "end": "2", "group": "a"} for number in (1, 2)
    ]
    with (sources["manifest"] / "corpus.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows(rows)
    pq.write_table(pa.Table.from_pylist(rows), sources["manifest parquet"] / "corpus.parquet")
    (sources["labels"] / "labels.csv").write_text("path,start,end,label\na.mp4,0,1.5,Anger\na.mp4,1.5,2,Fear\n")


def _record(path: Path, clip: Path) -> None:
    with closing(Record(path)) as record:
        record.begin(Options().to_dict(), "test")
        entry = Entry("clip", clip)
        record.queue([entry, replace(entry, id="clip 2")], {})
        record.add("clip", "done", 1, facts={"duration_s": 2.0})

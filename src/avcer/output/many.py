"""Stored analyses by the hundred: gone through one after the other, or as one table with a column ``clip``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avcer.analysis import Analysis
from avcer.errors import InputError
from avcer.output.document import load_json
from avcer.output.document.version_1 import read_clip
from avcer.output.record import DOCUMENT
from avcer.output.table_files import named, to_arrow, to_pandas
from avcer.parsing import json_of
from avcer.types import Clip

if TYPE_CHECKING:
    import pandas


class Analyses:
    """Stored analyses below a folder, by the path of their own folder from there. One is in memory at a time.

    ``skip_damaged``: those that cannot be read are left out, and their errors are in ``damaged``.
    """

    def __init__(self, folder: Path, skip_damaged: bool = False) -> None:
        self._folder = folder
        self._documents = documents(folder)
        self._skip = skip_damaged
        self.damaged: list[InputError] = []

    def __repr__(self) -> str:
        return f"<Analyses in {self._folder}: {len(self)} clips>"

    def __len__(self) -> int:
        return len(self._documents)

    @property
    def clips(self) -> tuple[str, ...]:
        """The name of each."""
        return tuple(map(self._name, self._documents))

    def __getitem__(self, clip: str) -> Analysis:
        """The analysis with that name.

        Raises:
            KeyError: there is none.
            InputError: it cannot be read.
        """
        for document in self._documents:
            if self._name(document) == clip:
                return load_json(document)
        raise KeyError(f"no clip {clip!r} in {self!r}")

    def __iter__(self) -> Iterator[Analysis]:
        """Each analysis, loaded when its turn comes.

        Raises:
            InputError: one cannot be read, and none may be skipped.
        """
        return (analysis for _, analysis in self.items())

    def items(self) -> Iterator[tuple[str, Analysis]]:
        """Name and analysis of each, as ``__iter__``."""
        self.damaged.clear()
        for document in self._documents:
            try:
                analysis = load_json(document)
            except InputError as error:
                if not self._skip:
                    raise
                self.damaged.append(error)
            else:
                yield self._name(document), analysis

    def to_pandas(self, table: str = "segments") -> pandas.DataFrame:
        """A table of all clips as one data frame, the column ``clip`` first. It is wholly in memory: of frames, take
        ``arrow``.

        Raises:
            UsageError: no such table.
            MissingExtraError: pandas is not installed.
            InputError: as ``__iter__``.
        """
        frames = []
        for clip, analysis in self.items():
            frame = to_pandas(named(analysis, table))
            frame.insert(0, "clip", clip)
            frames.append(frame)
        import pandas

        return pandas.concat(frames, ignore_index=True) if frames else pandas.DataFrame()

    def arrow(self, table: str = "compound") -> Any:
        """A table of all clips as a ``pyarrow.RecordBatchReader``, the column ``clip`` first, a batch a clip: as much
        in memory as one clip takes. It can be read once; call again for the next time.

        Where clips were analysed with other labels, the reader has the columns of all of them, null where a clip does
        not know one. For that, each is looked through before.

        Raises:
            UsageError: no such table.
            InputError: as ``__iter__``; while it is read, too.
        """
        import pyarrow

        schemas: dict[tuple[Any, ...], Any] = {}
        for analysis in self:
            kind = (analysis.labels, analysis.modalities)
            if kind not in schemas:
                schemas[kind] = to_arrow(named(analysis, table), {}).schema
        clip = pyarrow.field("clip", pyarrow.string(), metadata={"description": "folder of the result"})
        whole = pyarrow.unify_schemas([pyarrow.schema([clip]), *schemas.values()])
        return pyarrow.RecordBatchReader.from_batches(whole, self._batches(table, whole))

    def _batches(self, table: str, schema: Any) -> Iterator[Any]:
        import pyarrow

        for name, analysis in self.items():
            rows = to_arrow(named(analysis, table), {})
            known = {column: rows[column].combine_chunks() for column in rows.column_names}
            known["clip"] = pyarrow.array([name] * len(rows), pyarrow.string())
            columns = [known.get(field.name, pyarrow.nulls(len(rows), field.type)) for field in schema]
            yield from pyarrow.Table.from_arrays(columns, schema=schema).to_batches()

    def _name(self, document: Path) -> str:
        folder = document.parent
        return folder.name if folder == self._folder else folder.relative_to(self._folder).as_posix()


def load_many(folder: str | Path, skip_damaged: bool = False) -> Analyses:
    """The stored analyses below ``folder``, as ``avcer analyze`` and ``avcer batch`` wrote them; none is loaded yet.

    Args:
        folder: the results, at any depth.
        skip_damaged: leave out what cannot be read, in place of an error; ``damaged`` says what that was.

    Raises:
        InputError: there is none.
    """
    return Analyses(Path(folder), skip_damaged)


def documents(place: Path) -> list[Path]:
    """The ``analysis.json`` at ``place``, in that folder, or in any folder below it; by path. Hidden folders are left
    out: a batch keeps unfinished results there.

    Raises:
        InputError: there is none.
    """
    found = [place] if place.is_file() else sorted(_below(place))
    if not found:
        raise InputError(f"{place}: holds no {DOCUMENT}; give a folder that avcer analyze or avcer batch wrote")
    return found


def clip_of(document: Path) -> Clip | None:
    """The clip of a stored analysis, without its arrays; None where there is no such document."""
    try:
        return read_clip(json_of(document.read_text(encoding="utf-8"))["clip"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def exported_on(document: Path) -> str | None:
    """The clock that the exports of a stored analysis were asked to have (``--times``); None where none was."""
    try:
        chosen = json_of(document.read_text(encoding="utf-8"))["provenance"]["options"].get("times")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return chosen if isinstance(chosen, str) else None


def _below(folder: Path) -> Iterator[Path]:
    if (folder / DOCUMENT).is_file():
        yield folder / DOCUMENT
        return
    for inside in folder.iterdir() if folder.is_dir() else ():
        if inside.is_dir() and not inside.name.startswith("."):
            yield from _below(inside)

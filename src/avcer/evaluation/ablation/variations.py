"""Ablations: the analysis with one thing done differently at a time, beside the reference, the analysis as it is.

The variations are listed here; ``clips.py`` and ``corpus.py`` try them. The models run once for each way
to run them: models left out, rules and vocabularies are decided anew from what they said for the reference.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from avcer.decision.policy import RULES
from avcer.errors import UsageError
from avcer.labels import VOCABULARIES
from avcer.modalities import NAMES
from avcer.options import Options
from avcer.pipeline import Analyzer


@dataclass(frozen=True)
class Variation:
    """One thing done differently: fields of ``Options`` that are changed, or the models that are kept."""

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    kept: tuple[str, ...] = NAMES

    def applied(self, options: Options) -> Options:
        """``options`` with the changes; the step of the audio windows is cut to the window."""
        window_s = self.changes.get("audio_window_s", options.audio_window_s)
        step_s = min(self.changes.get("audio_step_s", options.windows.step_s), window_s)
        return replace(options, **{**self.changes, "audio_window_s": window_s, "audio_step_s": step_s})

    def is_reference(self, options: Options) -> bool:
        """Whether it changes nothing."""
        return set(self.kept) == set(NAMES) and self.applied(options).in_force() == options.in_force()


@dataclass(frozen=True)
class Group:
    """Variations of one thing; in ``docs/ablations.md`` a table."""

    title: str
    variations: tuple[Variation, ...]


def _each(option: str, names: Mapping[Any, str]) -> tuple[Variation, ...]:
    return tuple(Variation(name, {option: value}) for value, name in names.items())


_EVERY: Final = {1: "every frame", 2: "every 2nd", 6: "every 6th", 10: "every 10th", 25: "every 25th"}
GROUPS: Final[dict[str, Group]] = {
    "modalities": Group(
        "Models left out",
        (
            Variation("VS + VD + A"),
            Variation("without VS", kept=("dynamic", "audio")),
            Variation("without VD", kept=("static", "audio")),
            Variation("without A", kept=("static", "dynamic")),
            Variation("VS alone", kept=("static",)),
            Variation("VD alone", kept=("dynamic",)),
            Variation("A alone", kept=("audio",)),
        ),
    ),
    "detection": Group("Face detection", _each("detect_every", _EVERY)),
    "classification": Group(
        "Face classification",
        (
            *_each("steady_within", {0.0: "every frame", 0.12: "steady within 0.12", 0.2: "steady within 0.2"}),
            Variation("5 a second", {"fps": 5.0}),
        ),
    ),
    "window": Group("Audio window", _each("audio_window_s", {4.0: "4 s", 3.0: "3 s", 2.0: "2 s", 1.0: "1 s"})),
    "step": Group("Audio step", _each("audio_step_s", {0.25: "0.25 s", 0.5: "0.5 s", 1.0: "1 s", 2.0: "2 s"})),
    "rules": Group("Rule", _each("rule", {rule: rule for rule in RULES})),
    "vocabularies": Group("Vocabulary", _each("compounds", {name: name for name in VOCABULARIES})),
}
"""Every variation, by the word of its group."""
DECIDED: Final = ("rule", "decision", "least_segment", "compounds", "fusion")
"""Options that ask nothing new of the models."""


@dataclass(frozen=True)
class Row:
    """A variation beside the reference: its numbers by name, None where a number would mean nothing, and the 95 %
    intervals of some of them.
    """

    group: str
    name: str
    is_reference: bool
    numbers: dict[str, float | None]
    intervals: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Ablation:
    """All rows, the groups in order, the reference in each; the names of what was ``left_out``; how it was made."""

    title: str
    rows: tuple[Row, ...]
    left_out: tuple[str, ...]
    about: dict[str, Any]

    def groups(self) -> dict[str, list[Row]]:
        """The rows of each group, by its word."""
        words = dict.fromkeys(row.group for row in self.rows)
        return {word: [row for row in self.rows if row.group == word] for word in words}


def chosen_groups(words: str | None) -> tuple[str, ...]:
    """A list with commas -> words of ``GROUPS``; None for all.

    Raises:
        UsageError: an unknown word, or none.
    """
    if words is None:
        return tuple(GROUPS)
    chosen = tuple(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))
    unknown = [word for word in chosen if word not in GROUPS]
    if unknown or not chosen:
        raise UsageError(f"groups must be some of {', '.join(GROUPS)}, not {', '.join(unknown) or 'none'}")
    return chosen


def variations(options: Options, groups: Iterable[str]) -> Iterator[tuple[str, Variation]]:
    """The word of its group and the variation; a group in which nothing is as in the reference begins with it."""
    for word in groups:
        if not any(one.is_reference(options) for one in GROUPS[word].variations):
            yield word, Variation("reference")
        yield from ((word, one) for one in GROUPS[word].variations)


def way_to_run(options: Options) -> str:
    """What tells apart ways to run the models; those that differ in the decision alone are one."""
    return json.dumps({name: value for name, value in options.in_force().items() if name not in DECIDED})


def about(analyzer: Analyzer, **more: Any) -> dict[str, Any]:
    """How the reference was made."""
    return {**more, **analyzer.identity().to_dict()}

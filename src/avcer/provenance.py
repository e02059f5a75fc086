"""``Provenance``: who computed a result with what, so that it can be made again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

DEFAULT_RULE: Final = "1"
"""Of results so old that they name none."""


@dataclass(frozen=True, eq=False, repr=False)
class Provenance(Mapping[str, Any]):
    """Who computed a result with what. It can be read by key, too, as the JSON document has it.

    ``version`` of avcer; ``models``: of each role the name, the architecture and the SHA-256 of the graph; ``options``
    as they were in force; ``fusion``: the weights; ``weighing``: the numbers by which the rule ``open`` weighs face and
    voice, so that the weights count among face models alone; empty for other rules, for weights that were asked for,
    and in older results; ``device`` and ``precision`` of the engines; ``identity``: a short name for all
    that can change a result (``Analyzer.identity``), empty in older results; ``timings``: ``seconds``,
    ``real_time_factor`` and ``stages``; ``more``: what other versions say.
    """

    package: str = "avcer"
    version: str = ""
    device: str = ""
    precision: str = ""
    models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fusion: Mapping[str, Any] = field(default_factory=dict)
    weighing: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    identity: str = ""
    timings: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_dict(cls, document: Mapping[str, Any]) -> Self:
        """The provenance in a document of any version."""
        known = {one.name for one in fields(cls)} - {"more"}
        more = {key: value for key, value in document.items() if key not in known}
        return cls(**{key: value for key, value in document.items() if key in known}, more=more)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it; what is empty is left out."""
        stated = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "more"}
        return {key: value for key, value in stated.items() if value} | dict(self.more)

    @property
    def rule(self) -> str:
        """The rule of the decision."""
        return str(self.options.get("rule", DEFAULT_RULE))

    @property
    def family(self) -> str:
        """The family of models; empty where it is not known."""
        return str(self.options.get("models", ""))

    def __getitem__(self, key: str) -> Any:
        return self.to_dict()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_dict())

    def __len__(self) -> int:
        return len(self.to_dict())

    def __repr__(self) -> str:
        told = [f"avcer {self.version}".strip(), f"{self.family} models" if self.family else "", f"rule {self.rule}"]
        return f"<Provenance: {', '.join(filter(None, (*told, self.device)))}>"

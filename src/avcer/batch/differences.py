"""In words: what a run's settings have in common with an earlier one's, and what not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from avcer.identity import summary

_PLAIN: Final = ("version", "device", "precision")
_NAMED: Final = ("fusion", "vocabulary")
_DIGESTS: Final = ("decision", "person")
"""Options whose value is a digest: their file is not known by name."""
"""Parts of an identity that are documents with a name."""


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between the settings of two runs, such as ``rule: open -> sum``; sorted.

    Args:
        before: ``{"identity": Identity.to_dict(), "formats": [..]}`` of the earlier run.
        now: the same of the later one.
    """
    old, new = dict(_facts(before)), dict(_facts(now))
    changed = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    return [_line(name, old.get(name), new.get(name)) for name in changed]


def shown_facts(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The settings of a run as names and values in words; what is not set is left out."""
    return ((name, _shown(value)) for name, value in _facts(settings) if value is not None and value != "")


def _facts(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and values as a person knows them; of a document, its name and a digest of what is in it."""
    identity = settings.get("identity", {})
    for name in _PLAIN:
        yield name, identity.get(name)
    for role, model in identity.get("models", {}).items():
        yield f"{role} model", (model.get("name"), summary(model))
    for name in _NAMED:
        document = identity.get(name)
        yield name, document and (document.get("name"), summary(document))
    for name, value in identity.get("options", {}).items():
        yield name, ("", value) if name in _DIGESTS and value else value
    yield "formats", ",".join(settings.get("formats", ()))


def _line(name: str, old: Any, new: Any) -> str:
    if isinstance(old, tuple) and isinstance(new, tuple) and old[0] == new[0]:
        return f"{name}: other content of {old[0]}" if old[0] else f"{name}: another file"
    return f"{name}: {_shown(old)} -> {_shown(new)}"


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return str(value[0] or "fitted")
    return "none" if value is None or value == "" else str(value)

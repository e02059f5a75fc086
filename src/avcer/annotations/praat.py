"""Praat's TextGrids, long or short, in UTF-8 or UTF-16.

Praat reads both forms by one rule: what counts are texts in quotes, and numbers and ``<flags>`` that stand free;
everything else is for people.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from avcer.annotations.record import AnnotatedTier, Annotation, Stretch
from avcer.errors import InputError

_TOKEN: Final = re.compile(
    r'"(?P<text>[^"]*(?:""[^"]*)*)"'
    r"|(?<!\S)(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\S)"
    r"|(?<!\S)(?P<flag><\w+>)(?!\S)"
    r"|(?<!\S)![^\n]*"
)
_REMEDY: Final = "save it in Praat with Save > Save as text file"


def read_textgrid(path: Path) -> Annotation:
    """The interval tiers of a TextGrid. A point has no length, so point tiers are left out.

    Raises:
        InputError: not such a file, a damaged one, or a form that is not text.
    """
    try:
        text = _decoded(path.read_bytes())
        return Annotation(path, None, tuple(_tiers(_Tokens(text))))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the file") from error
    except (ValueError, StopIteration) as error:
        reason = " ".join(str(error).split()) or "it ends too early"
        raise InputError(f"{path}: not a TextGrid of Praat ({reason}); {_REMEDY}") from error


def _decoded(content: bytes) -> str:
    if content.startswith(b"ooBinaryFile"):
        raise ValueError("it is in binary form")
    if content.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")


class _Tokens:
    """The texts, numbers and flags of a file, one after the other."""

    def __init__(self, text: str) -> None:
        self._found = iter(_TOKEN.finditer(text))

    def text(self) -> str:
        """The next token, which must be a text."""
        return self._next("text").replace('""', '"')

    def number(self) -> float:
        """The next token, which must be a number."""
        value = float(self._next("number"))
        if not math.isfinite(value):
            raise ValueError("a number is too large")
        return value

    def count(self) -> int:
        """The next token, which must say how many."""
        return int(self.number())

    def flag(self) -> str:
        """The next token, which must be a flag."""
        return self._next("flag")

    def _next(self, kind: str) -> str:
        for one in self._found:
            if one.lastgroup == kind:
                return one[kind]
            if one.lastgroup is not None:  # else a comment
                raise ValueError(f"{one[0][:40]!r} stands in the place of a {kind}")
        raise ValueError("it ends too early")


def _tiers(tokens: _Tokens) -> Iterator[AnnotatedTier]:
    kind, what = tokens.text(), tokens.text()
    if not kind.startswith("ooTextFile") or not what.startswith("TextGrid"):
        raise ValueError(f"it is a {kind!r} with a {what!r}")
    tokens.number(), tokens.number()
    if tokens.flag() != "<exists>":
        return
    for _ in range(tokens.count()):
        kind, name = tokens.text(), tokens.text()
        tokens.number(), tokens.number()
        if kind == "IntervalTier":
            yield AnnotatedTier(name, tuple(_stretch(tokens) for _ in range(tokens.count())))
        elif kind == "TextTier":
            for _ in range(tokens.count()):
                tokens.number(), tokens.text()
        else:
            raise ValueError(f"tier {name!r} is a {kind!r}")


def _stretch(tokens: _Tokens) -> Stretch:
    start_s, end_s, text = tokens.number(), tokens.number(), tokens.text()
    if not start_s < end_s:
        raise ValueError(f"an interval from {start_s:g} to {end_s:g} s")
    return Stretch(start_s, end_s, text)

"""Mutations of a file's bytes, all drawn from one random number generator."""

from __future__ import annotations

import random
import re
import struct

EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
HEAD = 4096
"""Bytes at either end where headers and indexes lie."""


def mutated(content: bytes, chance: random.Random) -> bytes:
    """One to four mutations, one after another."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        chance.choice(MUTATIONS)(data, chance)
    return bytes(data)


def reworded(content: bytes, chance: random.Random) -> bytes:
    """One to three values, words or lines of a text (JSON, TOML, CSV, XML) in another's place; else as ``mutated``."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return mutated(content, chance)
    for _ in range(chance.choice((1, 1, 2, 3))):
        text = chance.choice((_other_value, _other_value, _other_value, _other_line))(text, chance)
    return text.encode("utf-8", "surrogatepass")


VALUE = re.compile(r'-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|"(?:[^"\\\n]|\\.)*"|\b[A-Za-z_]{2,}\b')
"""Numbers, quoted strings and bare words: what stands between the signs of most formats."""
STRANGE = (
    "null", "true", "[]", "{}", "[[[[]]]]", '""', '"x"', "x", "0", "-1", "1e308", "1e999", "-0.0", "NaN", "Infinity",
    "99999999999999999999", "2147483648", "0.5", "1.5", '"\\u0000"', '"../../etc"', '"/"', '"' + "y" * 5000 + '"',
    "[" * 3000, "", "\x00", "\ufeff", "é", "<", "&", ",", "\n", '{"a": 1}', "[1, 2, 3]", "-99999", "1e-320",
)  # fmt: skip


def _other_value(text: str, chance: random.Random) -> str:
    found = [match.span() for match in VALUE.finditer(text)]
    if not found:
        return text
    start, end = chance.choice(found)
    other = chance.choice(found)
    new = text[other[0] : other[1]] if chance.random() < 0.3 else chance.choice(STRANGE)
    return text[:start] + new + text[end:]


def _other_line(text: str, chance: random.Random) -> str:
    """A line is missing, comes twice, or stands elsewhere."""
    lines = text.splitlines(keepends=True)
    if len(lines) < 2:
        return text
    line = lines.pop(chance.randrange(len(lines)))
    for _ in range(chance.randrange(3)):
        lines.insert(chance.randrange(len(lines) + 1), line)
    return "".join(lines)


def flip_bits(data: bytearray, chance: random.Random) -> None:
    """One to 200 single bits, anywhere."""
    for _ in range(chance.choice((1, 3, 10, 50, 200))):
        if data:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def flip_head(data: bytearray, chance: random.Random) -> None:
    """A few bytes among the headers."""
    for _ in range(chance.choice((1, 2, 5, 20))):
        if data:
            data[_in_head(data, chance)] = chance.randrange(256)


def extreme_number(data: bytearray, chance: random.Random) -> None:
    """A number of two, four or eight bytes in a header: sizes, counts, durations, rates."""
    form = chance.choice((">H", "<H", ">I", "<I", ">Q", "<Q"))
    size = struct.calcsize(form)
    if len(data) >= size:
        place = min(_in_head(data, chance), len(data) - size)
        data[place : place + size] = struct.pack(form, chance.choice(EXTREMES) % (1 << 8 * size))


def near_a_name(data: bytearray, chance: random.Random) -> None:
    """Bytes beside a name of four letters: the fields of a box of MP4, of a chunk of AVI, of a key of JSON."""
    names = [place for place in range(0, len(data) - 4) if data[place : place + 4].isalpha()]
    if names:
        place = chance.choice(names) + chance.choice((-4, -3, -2, -1, 4, 5, 8, 12, 16, 20))
        if 0 <= place < len(data):
            data[place] = chance.randrange(256)


def cut(data: bytearray, chance: random.Random) -> None:
    """The end is missing."""
    del data[chance.randrange(len(data) + 1) :]


def cut_head(data: bytearray, chance: random.Random) -> None:
    """The beginning is missing."""
    del data[: chance.randrange(min(len(data), HEAD) + 1)]


def blank(data: bytearray, chance: random.Random) -> None:
    """A stretch is zero, as after a bad block of a disk."""
    start, end = _stretch(data, chance)
    data[start:end] = bytes(end - start)


def noise(data: bytearray, chance: random.Random) -> None:
    """A stretch is noise."""
    start, end = _stretch(data, chance)
    data[start:end] = chance.randbytes(end - start)


def leave_out(data: bytearray, chance: random.Random) -> None:
    """A stretch is missing: lost packets."""
    start, end = _stretch(data, chance)
    del data[start:end]


def repeat(data: bytearray, chance: random.Random) -> None:
    """A stretch comes twice."""
    start, end = _stretch(data, chance)
    data[end:end] = data[start:end]


def swap(data: bytearray, chance: random.Random) -> None:
    """Two stretches change places."""
    size = chance.choice((64, 188, 512, 4096))
    if len(data) > 2 * size:
        one, other = (chance.randrange(len(data) - size) for _ in range(2))
        data[one : one + size], data[other : other + size] = data[other : other + size], data[one : one + size]


MUTATIONS = (
    flip_bits, flip_head, extreme_number, near_a_name, cut, cut_head, blank, noise, leave_out, repeat, swap,
)  # fmt: skip


def _in_head(data: bytearray, chance: random.Random) -> int:
    """A place near the beginning, or sometimes the end, where MP4 and Matroska may keep their indexes."""
    place = chance.randrange(min(len(data), chance.choice((64, 512, HEAD))))
    return place if chance.random() < 0.7 else len(data) - 1 - place


def _stretch(data: bytearray, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(start + chance.choice((1, 16, 188, 1024, 8192)), len(data))

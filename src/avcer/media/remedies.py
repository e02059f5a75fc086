"""Why a file cannot be read, from its first bytes, and what its owner can do about it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO, Final

HEAD: Final = 1 << 20
"""Bytes at the beginning of a file that are looked at."""

BOXES: Final = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof", b"pnot", b"uuid")
"""Boxes that an MP4 or QuickTime file can begin with."""

ARCHIVES: Final = (b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\x00")
CIPHERS: Final = (b"Salted__", b"-----BEGIN PGP MESSAGE", b"age-encryption.org", b"\x85\x01", b"\x85\x02", b"\x84\x5e")
"""OpenSSL, OpenPGP and age; OpenPGP's binary form begins with a packet of an encrypted key."""
PROTECTED_ASF: Final = (
    bytes.fromhex("fbb31122 23bdd211 b4b700a0 c955fc6e"),
    bytes.fromhex("14e68a29 2226174c b935dae0 7ee9289c"),
)
"""Identifiers of the two content encryption objects of ASF (.wmv), section 3.14 and 3.15 of its specification."""
PROTECTED_BOXES: Final = (b"encv", b"drmi", b"sinf")
SAMPLE: Final = 1 << 15
TS_PACKET: Final = 188

CONVERT: Final = "convert it to MP4 first"
ENCRYPTED: Final = "is encrypted; give a copy without protection"
COPY_AGAIN: Final = "copy or download it again"


def why_not_media(file: BinaryIO) -> str:
    """What to say of a file that FFmpeg does not open: the rest of a line that begins with its name."""
    head = _head(file)
    if not head.strip(b"\0"):
        return f"holds nothing but zeros, as an unfinished copy does; {COPY_AGAIN}"
    if head.startswith(ARCHIVES):
        return "is an archive; unpack it first"
    if head.startswith(CIPHERS):
        return ENCRYPTED
    if head[4:8] in BOXES:
        return _without_index(file)
    if _looks_random(head[:SAMPLE]):
        return f"{ENCRYPTED}, or, if it was not encrypted, {COPY_AGAIN}"
    return "not a video file, or damaged beyond reading; give a recorded video"


def why_no_frame(file: BinaryIO, format_name: str) -> str:
    """What to say of a file whose picture cannot be decoded at all."""
    head = _head(file)
    if format_name == "webp_pipe" or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return f"is an animated WebP picture, for which there is no decoder; {CONVERT}"
    if protected(head, format_name):
        return ENCRYPTED
    return f"no frame of its picture can be decoded; {COPY_AGAIN}, or {CONVERT}"


def protected(head: bytes, format_name: str) -> bool:
    """Whether the first bytes of a file of this format tell that its content is encrypted."""
    if format_name == "asf":
        return any(object_id in head for object_id in PROTECTED_ASF)
    if format_name.startswith("mov"):
        return any(box in head for box in PROTECTED_BOXES)
    if format_name.startswith("matroska"):
        encoding = head.find(b"\x62\x40")  # ContentEncoding, with ContentEncryption in it
        return encoding >= 0 and b"\x50\x35" in head[encoding : encoding + 64]
    return format_name == "mpegts" and scrambled(head)


def scrambled(head: bytes) -> bool:
    """Whether most packets of a transport stream that carry something are scrambled."""
    start = next((at for at in range(TS_PACKET) if head[at::TS_PACKET][:5] == b"G" * 5), None)
    if start is None:
        return False
    controls = [head[at + 3] for at in range(start, len(head) - TS_PACKET, TS_PACKET) if head[at + 3] & 0x10]
    return sum(control >> 6 != 0 for control in controls) > len(controls) / 2


def _looks_random(sample: bytes) -> bool:
    """Whether every value of a byte is about as frequent as any other, as in what was encrypted as a whole: the
    chi-squared statistic, 255 on average, is above 400 by chance once in a hundred million times.
    """
    if len(sample) < SAMPLE:
        return False
    expected = len(sample) / 256
    return sum((sample.count(value) - expected) ** 2 for value in range(256)) / expected < 400


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(HEAD)


def _without_index(file: BinaryIO) -> str:
    """Of an MP4 or QuickTime file: its index is missing, or it is damaged."""
    boxes = list(_boxes(file))
    kinds = {kind for kind, _ in boxes}
    if b"moov" in kinds or b"moof" in kinds:
        return f"its index is damaged; {COPY_AGAIN}"
    if boxes and boxes[-1][1] > file.seek(0, os.SEEK_END):
        return (
            f"is cut short, so that its index (moov) is missing; {COPY_AGAIN}, or, if the recording itself broke off,"
            " repair it with the camera or a tool such as untrunc"
        )
    return (
        "is an unfinished recording, whose index (moov) was never written;"
        " finish it with the recorder, or repair it with a tool such as untrunc"
    )


def indexes(file: BinaryIO) -> int:
    """How many indexes (moov) an MP4 or QuickTime file has: one for each recording in it."""
    return sum(kind == b"moov" for kind, _ in _boxes(file))


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """``(kind, end)`` of the outermost boxes; one that goes on to the end of the file, or whose length was never
    filled in, is the last.
    """
    at, size = 0, file.seek(0, os.SEEK_END)
    while at + 8 <= size:
        file.seek(at)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:], "big")
        if length < 8:
            yield kind, size
            return
        at += length
        yield kind, at

"""Small recordings of the kinds that the field sends: made with PyAV, and changed byte by byte where it must be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

RATE = 16_000
TS_PACKET = 188

Picture = NDArray[np.uint8]
Samples = NDArray[np.float32]


def grey(number: int, size: tuple[int, int] = (64, 48)) -> Picture:
    """A picture whose brightness is its number modulo 16, see ``conftest.number_of``."""
    return np.full((size[1], size[0], 3), 10 + 14 * (number % 16), np.uint8)


def corners(size: tuple[int, int] = (64, 48)) -> Picture:
    """A picture whose four quarters are all different, so that every turn and mirror image of it is."""
    width, height = size
    made = np.full((height, width, 3), 40, np.uint8)
    made[: height // 2, width // 2 :] = 100
    made[height // 2 :, : width // 2] = 160
    made[height // 2 :, width // 2 :] = 220
    return made


def tone(seconds: float, level: float = 0.5, frequency: float = 500.0, channels: int = 1) -> Samples:
    """``(channels, n)`` at 16 kHz."""
    wave = level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)
    return np.repeat(wave[np.newaxis], channels, axis=0).astype(np.float32)


def flashes(count: int, at: int, size: tuple[int, int] = (64, 48)) -> list[Picture]:
    """Dark pictures, of which one is white."""
    return [np.full((size[1], size[0], 3), 235 if number == at else 16, np.uint8) for number in range(count)]


def beep(seconds: float, at_s: float) -> Samples:
    """Silence with a tone of 40 ms."""
    made = np.zeros((1, round(seconds * RATE)), np.float32)
    begin = round(at_s * RATE)
    made[:, begin : begin + 640] = tone(0.04)
    return made


@dataclass(frozen=True)
class VideoTrack:
    """A video track: pictures, when they are shown in ticks of ``time_base``, and how it is written."""

    pictures: Sequence[Picture]
    codec: str = "mpeg4"
    rate: Fraction | int = 25
    ticks: Sequence[int] | None = None
    time_base: Fraction = Fraction(1, 25)
    pixel: Fraction | None = None
    turned: tuple[float, bool, bool] | None = None
    default: bool | None = None
    title: str | None = None
    options: dict[str, str] | None = None


@dataclass(frozen=True)
class AudioTrack:
    """An audio track ``(channels, n)`` at 16 kHz from ``start_s`` on."""

    samples: Samples
    codec: str = "pcm_s16le"
    start_s: float = 0.0
    default: bool | None = None
    title: str | None = None


def write(
    path: Path,
    *tracks: VideoTrack | AudioTrack,
    container_format: str | None = None,
    **options: str,
) -> Path:
    """Writes the tracks, interleaved by time."""
    packets: list[tuple[float, int, Any]] = []
    with av.open(str(path), "w", format=container_format, options=options) as container:
        streams = [_add(container, track) for track in tracks]
        container.start_encoding()
        for place, (stream, track) in enumerate(zip(streams, tracks, strict=True)):
            packets += [(float((one.dts or 0) * one.time_base), place, one) for one in _encoded(stream, track)]
        for _, _, packet in sorted(packets, key=lambda one: one[:2]):
            container.mux(packet)
    return path


def remuxed_with_subtitle(source: Path, target: Path, end_s: float) -> Path:
    """The same with a subtitle beside it that is shown until ``end_s``."""
    words = source.with_suffix(".srt")
    minutes, seconds = divmod(round(end_s), 60)
    words.write_text(f"1\n00:00:00,000 --> 00:{minutes:02d}:{seconds:02d},000\nwords\n\n")
    with av.open(str(source)) as recording, av.open(str(words)) as subtitle, av.open(str(target), "w") as container:
        copies = {
            id(stream): container.add_stream_from_template(stream) for stream in (*recording.streams, *subtitle.streams)
        }
        for opened in (subtitle, recording):
            for packet in opened.demux():
                if packet.dts is not None:
                    packet.stream = copies[id(packet.stream)]
                    container.mux(packet)
    return target


def remuxed_later(source: Path, target: Path, by_s: float) -> Path:
    """The same with time stamps that are all later."""
    with av.open(str(source)) as recording, av.open(str(target), "w") as container:
        copies = {id(stream): container.add_stream_from_template(stream) for stream in recording.streams}
        for packet in recording.demux():
            if packet.dts is not None and packet.pts is not None:
                ticks = round(by_s / packet.time_base)
                packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
                packet.stream = copies[id(packet.stream)]
                container.mux(packet)
    return target


def _add(container: Any, track: VideoTrack | AudioTrack) -> Any:
    if isinstance(track, VideoTrack):
        stream = container.add_stream(track.codec, rate=track.rate, options=track.options or {})
        height, width = track.pictures[0].shape[:2]
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuvj420p" if track.codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = track.time_base
        if track.pixel is not None:
            stream.codec_context.sample_aspect_ratio = track.pixel
        if track.turned is not None:
            stream.set_display_rotation(*track.turned)
    else:
        layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(track.samples)]
        stream = container.add_stream(track.codec, rate=RATE, layout=layout)
    if track.default is not None:
        stream.disposition = av.stream.Disposition.default if track.default else av.stream.Disposition(0)
    if track.title is not None:
        stream.metadata["title"] = track.title
    return stream


def _encoded(stream: Any, track: VideoTrack | AudioTrack) -> Iterator[Any]:
    if isinstance(track, VideoTrack):
        ticks = range(len(track.pictures)) if track.ticks is None else track.ticks
        for tick, picture in zip(ticks, track.pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = tick, track.time_base
            yield from stream.encode(frame)
    else:
        layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(track.samples)]
        for begin in range(0, track.samples.shape[1], 1000):
            piece = (track.samples[:, begin : begin + 1000].T.reshape(1, -1) * 32767).astype(np.int16)
            sound = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="s16", layout=layout)
            sound.sample_rate = RATE
            sound.pts, sound.time_base = round(track.start_s * RATE) + begin, Fraction(1, RATE)
            yield from stream.encode(sound)
    yield from stream.encode(None)


def ts_packets(stored: bytes) -> Iterator[bytearray]:
    """The packets of a transport stream."""
    for at in range(0, len(stored), TS_PACKET):
        yield bytearray(stored[at : at + TS_PACKET])


def pid_of(packet: bytearray) -> int:
    """The packet's stream."""
    return (packet[1] & 0x1F) << 8 | packet[2]


def pes_at(packet: bytearray) -> int | None:
    """Where in a transport packet a PES header begins."""
    if not packet[1] & 0x40:
        return None
    at = 4 + (packet[4] + 1 if packet[3] & 0x20 else 0)
    return at if packet[at : at + 3] == b"\0\0\1" else None


def on_pes(stored: bytes, change: Callable[[bytearray, int, int, int], None]) -> bytes:
    """``change(packet, at, pid, number)`` on every packet in which the ``number``-th PES of a stream begins."""
    counts: dict[int, int] = {}
    made = bytearray()
    for packet in ts_packets(stored):
        at = pes_at(packet)
        if at is not None:
            pid = pid_of(packet)
            change(packet, at, pid, counts.get(pid, 0))
            counts[pid] = counts.get(pid, 0) + 1
        made += packet
    return bytes(made)


def without_stamps(packet: bytearray, at: int) -> None:
    """Takes the time stamps out of a PES header; stuffing comes in their place."""
    flags, length = packet[at + 7], packet[at + 8]
    assert flags >> 6, "no stamps here"
    packet[at + 7] = flags & 0x3F
    packet[at + 9 : at + 9 + length] = b"\xff" * length


def shifted(packet: bytearray, at: int, ticks: int) -> None:
    """Moves the time stamps of a PES header, which wrap at 33 bits."""
    flags = packet[at + 7] >> 6
    for place in range({0: 0, 2: 1, 3: 2}[flags]):
        begin = at + 9 + 5 * place
        field = packet[begin : begin + 5]
        value = (field[0] & 0x0E) << 29 | field[1] << 22 | (field[2] & 0xFE) << 14 | field[3] << 7 | field[4] >> 1
        value = (value + ticks) % (1 << 33)
        packet[begin] = (field[0] & 0xF1) | (value >> 29) & 0x0E
        packet[begin + 1] = value >> 22 & 0xFF
        packet[begin + 2] = (value >> 14 & 0xFE) | 1
        packet[begin + 3] = value >> 7 & 0xFF
        packet[begin + 4] = (value << 1 & 0xFE) | 1


def shift_clock(stored: bytes, ticks: int) -> bytes:
    """Moves the time stamps of a whole transport stream, and its clock references."""

    def change(packet: bytearray, at: int, pid: int, number: int) -> None:
        shifted(packet, at, ticks)

    made = bytearray()
    for packet in ts_packets(on_pes(stored, change)):
        if packet[3] & 0x20 and packet[4] >= 7 and packet[5] & 0x10:  # a program clock reference
            base = int.from_bytes(packet[6:10], "big") << 1 | packet[10] >> 7
            base = (base + ticks) % (1 << 33)
            packet[6:10] = (base >> 1).to_bytes(4, "big")
            packet[10] = (base & 1) << 7 | packet[10] & 0x7F
        made += packet
    return bytes(made)


def two_programmes(first: bytes, second: bytes) -> bytes:
    """One transport stream of two, whose programme numbers and streams differ; their packets alternate."""
    programmes = [_programme(stored) for stored in (first, second)]
    table = b"".join(number.to_bytes(2, "big") + (0xE000 | pid).to_bytes(2, "big") for number, pid in programmes)
    body = b"\x00" + (0xB000 | len(table) + 9).to_bytes(2, "big") + b"\x00\x01\xc1\x00\x00" + table
    section = b"\x00" + body + _crc(body).to_bytes(4, "big")
    head = b"G\x40\x00\x10" + section
    merged = bytearray(head + b"\xff" * (TS_PACKET - len(head)))
    queues = [[p for p in ts_packets(stored) if pid_of(p) not in (0, 17)] for stored in (first, second)]
    for place in range(max(map(len, queues))):
        for queue in queues:
            merged += b"".join(queue[place : place + 1])
    return bytes(merged)


def _programme(stored: bytes) -> tuple[int, int]:
    """Number and PID of the map of the only programme."""
    table = next(packet for packet in ts_packets(stored) if pid_of(packet) == 0)
    return int.from_bytes(table[13:15], "big"), int.from_bytes(table[15:17], "big") & 0x1FFF


def _crc(section: Iterable[int]) -> int:
    value = 0xFFFFFFFF
    for byte in section:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value

"""One clock for a recording whose time stamps start again: sound and picture are moved by the same amount.

Transport streams that were joined with ``cat``, cameras that set their clock, and encoders that were restarted have
time stamps that go back, or jump ahead, in the middle. Every stretch between two such places is a section; it is moved
so that it begins where everything before it has ended. Packets are changed before they are decoded, so that frames
come out with the right times whatever the codec's delay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from av.container import InputContainer
from av.format import Flags
from av.packet import Packet
from av.stream import Stream

BACK_S: Final = 0.1
"""The decoding times of a stream that go back by more have started again."""
BACK_GUESSED_S: Final = 1.0
"""The same where a container stores no decoding times, so that they are guessed from frames in another order."""
AHEAD_S: Final = 10.0
"""A jump beyond everything read so far by more than this is a restart, in formats that allow them; FFmpeg's limit."""
GOES_ON_S: Final = 1.0
"""A packet that follows the one before within this has not left its section: the last packets of a stream come late."""

STORES_DECODING_TIMES: Final = ("mpegts", "mpeg", "flv", "avi", "asf")
NEVER_RESTARTS: Final = ("mov", "avi", "asf")
"""Formats with one index of all their packets."""


def may_restart(container: InputContainer) -> bool:
    """Whether time stamps can start again in a file of this format."""
    return container.format.name.split(",")[0] not in NEVER_RESTARTS


@dataclass
class _Place:
    """How far a stream has come: its section, and the time of its last packet and where that ends, on the one clock."""

    section: int
    last_s: float
    end_s: float


@dataclass
class JointClock:
    """Puts the packets of a recording's streams on one clock. ``sections``: how many stretches there were so far.

    ``reached_s``: where the packets that were followed end, on the one clock; None before the first.
    """

    back_s: float
    jumps: bool
    followed: frozenset[int]
    reached_s: float | None = None
    _offsets_s: list[float] = field(default_factory=lambda: [0.0])
    _places: dict[int, _Place] = field(default_factory=dict)
    _ticks_s: dict[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, container: InputContainer, streams: Iterable[Stream]) -> JointClock:
        """A clock for these streams of the recording; others are left alone."""
        name = container.format.name
        return cls(
            back_s=BACK_S if name in STORES_DECODING_TIMES else BACK_GUESSED_S,
            jumps=Flags.ts_discont in Flags(container.format.flags) and name != "ogg",
            followed=frozenset(stream.index for stream in streams),
        )

    @property
    def sections(self) -> int:
        """How many stretches with a clock of their own there were so far."""
        return len(self._offsets_s)

    def tick_s(self, packet: Packet[Any]) -> float:
        """Seconds of a unit of the packet's time stamps. Remembered, since fractions are slow."""
        if packet.stream_index not in self._ticks_s:
            self._ticks_s[packet.stream_index] = float(packet.time_base or 0)
        return self._ticks_s[packet.stream_index]

    def place(self, packet: Packet[Any]) -> None:
        """Moves the packet's time stamps; packets come in the order of the file."""
        index, dts, pts = packet.stream_index, packet.dts, packet.pts
        stored = dts if dts is not None else pts
        if stored is None or index not in self.followed:
            return
        tick_s = self.tick_s(packet)
        begin = stored if pts is None else pts
        if not tick_s:
            return
        section = self._section(index, stored * tick_s, begin * tick_s)
        moved = round(self._offsets_s[section] / tick_s)
        if moved:
            packet.pts = None if pts is None else pts + moved
            packet.dts = None if dts is None else dts + moved
        end_s = (begin + moved + (packet.duration or 0)) * tick_s
        self._places[index] = _Place(section, (stored + moved) * tick_s, end_s)
        self.reached_s = end_s if self.reached_s is None else max(self.reached_s, end_s)

    def _section(self, stream: int, stored_s: float, begin_s: float) -> int:
        place, current = self._places.get(stream), self.sections - 1
        if place is None:
            return current
        if place.section < current:
            return self._later_section(place, stored_s)
        time_s = stored_s + self._offsets_s[current]
        reached_s = place.end_s if self.reached_s is None else self.reached_s
        if time_s < place.last_s - self.back_s or (self.jumps and time_s > reached_s + AHEAD_S):
            self._offsets_s.append(reached_s - begin_s)
            return current + 1
        return current

    def _later_section(self, place: _Place, stored_s: float) -> int:
        """The section of a stream's packet after another stream has entered a new one."""
        time_s = stored_s + self._offsets_s[place.section]
        if place.last_s - self.back_s <= time_s <= place.end_s + GOES_ON_S:
            return place.section
        later = range(place.section + 1, self.sections)
        return min(later, key=lambda section: abs(stored_s + self._offsets_s[section] - place.end_s))

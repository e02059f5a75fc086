"""What ``avcer live`` shows on a terminal."""

from __future__ import annotations

from typing import Final

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from avcer.live.watch import Result, Row
from avcer.modalities import AUDIO, DYNAMIC
from avcer.output.colours import EMOTIONS

NEEDS: Final = {DYNAMIC.name: "the dynamic model has seen less than 2 s", AUDIO.name: "the voice needs 4 s of sound"}
WIDTH: Final = 30


def drawn(result: Result, recording: bool) -> Group:
    """The label of whoever leads, the seven, the other faces, and how fast it goes."""
    leader = result.leader or (result.rows[0] if result.rows else None)
    parts: list[Text | Table] = [_headline(leader)]
    if leader is not None and leader.seven is not None:
        parts.append(_bars(leader.seven))
    others = [row for row in result.rows if row is not leader]
    parts += [Text(f"face {row.face}: {_said(row)}", "dim") for row in others if row.face is not None]
    parts += [Text(f"{NEEDS[name]}: {left_s:.1f} s more", "yellow") for name, left_s in result.waits_s.items()]
    minutes, seconds = divmod(result.time_s, 60)
    marks = [
        f"{int(minutes):02d}:{seconds:04.1f}",
        f"{1000 * result.latency_s:.0f} ms behind",
        f"{result.rate:.1f} frames a second",
        *(["recording"] if recording else []),
        "Ctrl-C ends",
    ]
    return Group(*parts, Text(" · ".join(marks), "dim"))


def _headline(leader: Row | None) -> Text:
    if leader is None:
        return Text("no face", "bold dim")
    return Text(_said(leader), "bold")


def _said(row: Row) -> str:
    if row.label is None:
        return "nothing known yet"
    percent = "" if row.probability is None else f" {100 * row.probability:.0f} %"
    return f"{row.label}{percent}"


def _bars(seven: dict[str, float]) -> Table:
    table = Table.grid(padding=(0, 1))
    for emotion, value in seven.items():
        bar = ProgressBar(1.0, value, WIDTH, complete_style=EMOTIONS[emotion], finished_style=EMOTIONS[emotion])
        table.add_row(Text(emotion), bar, Text(f"{100 * value:3.0f} %"))
    return table

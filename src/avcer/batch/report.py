"""``report.html``: a batch on one page that opens offline. No script, nothing loaded, no picture unless asked for."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from avcer.batch.record import ClipRecord, counts
from avcer.batch.summary import clip_rows
from avcer.errors import AvcerError
from avcer.files import atomic_text

SLOWEST: Final = 10
MOST_PICTURES: Final = 200
_STYLE: Final = """
:root { color-scheme: light dark; --line: #8886; --bar: #3b6ea8; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; padding-bottom: .3rem; }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.bar { width: 45%; } td.bar div { background: var(--bar); height: .8rem; min-width: 1px; }
td { overflow-wrap: anywhere; }
figure { display: inline-block; margin: 0 .5rem .5rem 0; width: 160px; vertical-align: top; }
figure img { width: 160px; } figcaption { font-size: .8rem; overflow-wrap: anywhere; }
"""


def write_report(
    clips: Sequence[ClipRecord], path: Path, settings: Mapping[str, Any], thumbnails: bool = False
) -> Path:
    """Writes the page.

    Args:
        clips: all clips of the batch.
        path: of the file.
        settings: what all analyses had in common.
        thumbnails: whether a small picture of each clip (the first 200) is put into the page.

    Raises:
        OutputError: the file cannot be written.
    """
    parts = [_totals(clips), _failures(clips), _labels(clips), _slowest(clips), _settings(settings)]
    if thumbnails:
        parts.append(_pictures(clips))
    with atomic_text(path) as file:
        file.write('<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>avcer batch</title>')
        file.write('<meta name="viewport" content="width=device-width, initial-scale=1">')
        file.write(f"<style>{_STYLE}</style></head><body><h1>Batch of {len(clips)} clips</h1>\n")
        file.writelines(parts)
        file.write("</body></html>\n")
    return path


def _totals(clips: Sequence[ClipRecord]) -> str:
    done = [clip for clip in clips if clip.state == "done"]
    hours = sum(clip.facts.get("duration_s", 0.0) for clip in done) / 3600
    work = sum(clip.seconds or 0.0 for clip in clips) / 3600
    rows: list[list[Any]] = [[state, count] for state, count in counts(clips).items()]
    rows += [["hours of video done", f"{hours:.2f}"], ["hours of work, all workers together", f"{work:.2f}"]]
    if hours:
        rows.append(["real-time factor of one worker", f"{work / hours:.3f}"])
    return "<h2>Totals</h2>" + _table(["", "clips"], rows, numbers={1})


def _failures(clips: Sequence[ClipRecord]) -> str:
    failed = [[clip.entry.id, clip.error, clip.attempts] for clip in clips if clip.state == "failed"]
    if not failed:
        return "<h2>Failures</h2><p>None.</p>"
    return f"<h2>Failures ({len(failed)})</h2>" + _table(["id", "what happened, and the remedy", "tries"], failed, {2})


def _labels(clips: Sequence[ClipRecord]) -> str:
    seconds: dict[str, float] = defaultdict(float)
    for clip in clips:
        for face in clip.facts.get("faces", ()):
            for label, share in face["shares"].items():
                seconds[label] += share * face["seconds_seen"]
    total_s = sum(seconds.values())
    if not total_s:
        return "<h2>Labels</h2><p>Nothing was decided.</p>"
    lines = []
    for label, part_s in sorted(seconds.items(), key=lambda item: -item[1]):
        bar = f'<td class="bar"><div style="width:{100 * part_s / total_s:.1f}%"></div></td>'
        cells = f'<td class="number">{part_s:.0f}</td><td class="number">{part_s / total_s:.1%}</td>'
        lines.append(f"<tr><td>{escape(label)}</td>{cells}{bar}</tr>")
    head = '<tr><th>label</th><th class="number">seconds</th><th class="number">share</th><th></th></tr>'
    return f"<h2>Labels of all faces</h2><table>{head}{''.join(lines)}</table>"


def _slowest(clips: Sequence[ClipRecord]) -> str:
    rows = [row for row in clip_rows(clips) if row["real_time_factor"]]
    rows.sort(key=lambda row: -row["real_time_factor"])
    shown = [[row["id"], row["duration_s"], row["seconds"], f"{row['real_time_factor']:.3f}"] for row in rows[:SLOWEST]]
    heads = ["id", "seconds of video", "seconds of work", "real-time factor"]
    return "<h2>Slowest clips</h2>" + _table(heads, shown, numbers={1, 2, 3}) if shown else ""


def _settings(settings: Mapping[str, Any]) -> str:
    return "<h2>Analysed with</h2>" + _table(["", ""], [[name, value] for name, value in settings.items()])


def _pictures(clips: Sequence[ClipRecord]) -> str:
    shown = [clip for clip in clips if clip.state == "done"][:MOST_PICTURES]
    figures = [
        f'<figure><img alt="" src="data:image/jpeg;base64,{base64.b64encode(picture).decode()}">'
        f"<figcaption>{escape(clip.entry.id)}</figcaption></figure>"
        for clip in shown
        if (picture := _thumbnail(clip))
    ]
    return "<h2>Clips</h2>" + "".join(figures)


def _thumbnail(clip: ClipRecord) -> bytes:
    """A JPEG of the frame in the middle, 160 pixels wide; empty where the file is gone."""
    import cv2

    from avcer.media import frames_at, probe

    try:
        middle_s = (clip.entry.start_s or 0.0) + clip.facts.get("duration_s", 0.0) / 2
        _, image = next(iter(frames_at(probe(clip.entry.path).path, [middle_s])))
    except (AvcerError, StopIteration):
        return b""
    height = max(round(image.shape[0] * 160 / image.shape[1]), 1)
    _, encoded = cv2.imencode(".jpg", cv2.resize(image, (160, height), interpolation=cv2.INTER_AREA))
    return bytes(encoded)


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Collection[int] = ()) -> str:
    def cell(tag: str, place: int, value: Any) -> str:
        mark = ' class="number"' if place in numbers else ""
        return f"<{tag}{mark}>{escape(str(value))}</{tag}>"

    def line(tag: str, values: Sequence[Any]) -> str:
        return "<tr>" + "".join(cell(tag, place, value) for place, value in enumerate(values)) + "</tr>"

    return "<table>" + line("th", heads) + "".join(line("td", row) for row in rows) + "</table>"

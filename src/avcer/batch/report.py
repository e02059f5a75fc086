"""``report.html``: a batch on one page that opens offline. No script, nothing loaded, no picture unless asked for."""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from itertools import chain
from pathlib import Path
from time import localtime, strftime
from typing import Any, Final

from avcer import __version__
from avcer.batch.differences import shown_facts
from avcer.batch.page import Table, hours, page
from avcer.batch.record import ClipRecord, counts
from avcer.batch.summary import clip_rows
from avcer.errors import AvcerError
from avcer.files import atomic_text
from avcer.labels import NONE
from avcer.output.colours import EMOTIONS, UNKNOWN
from avcer.output.corrections import FILE, read_corrections

REPORT: Final = "report.html"
SLOWEST: Final = 10
MOST_PICTURES: Final = 200


def write_report(
    clips: Sequence[ClipRecord], path: Path, settings: Mapping[str, Any], thumbnails: bool = False
) -> Path:
    """Writes the page.

    Args:
        clips: all clips of the batch.
        path: of the file; beside it are the folders of the clips' results, with what people corrected.
        settings: of the last call, as ``Record.begin`` keeps them.
        thumbnails: whether a small picture of each clip (the first 200) is put into the page.

    Raises:
        OutputError: the file cannot be written.
    """
    parts = [
        _totals(clips),
        _failures(clips),
        _labels(clips, settings),
        _corrections(clips, path.parent),
        _warnings(clips),
        _slowest(clips),
        _settings(settings),
    ]
    if thumbnails:
        parts.append(_pictures(clips))
    title = "Batch of 1 clip" if len(clips) == 1 else f"Batch of {len(clips)} clips"
    written = f"<p>Written by avcer {escape(__version__)} on {strftime('%Y-%m-%d at %H:%M', localtime())}.</p>"
    with atomic_text(path) as file:
        file.writelines(page(title, [written, *parts]))
    return path


def _totals(clips: Sequence[ClipRecord]) -> str:
    done_s = sum(clip.facts.get("duration_s", 0.0) for clip in clips if clip.state == "done")
    work_s = sum(clip.seconds or 0.0 for clip in clips)
    table = Table("", "clips")
    for state, count in counts(clips).items():
        if count:
            table.row(state, f"{count:,}")
    told = f"<p>Video done: {hours(done_s)}. Work, all workers together: {hours(work_s)}"
    factor = f", which is {work_s / done_s:.3f} times as long as the video" if done_s else ""
    return f"<h2>Totals</h2>{table.html()}{told}{factor}.</p>"


def _failures(clips: Sequence[ClipRecord]) -> str:
    failed = [clip for clip in clips if clip.state == "failed"]
    if not failed:
        return "<h2>Failures</h2><p>None.</p>"
    table = Table("id", "what happened, and the remedy", "tries")
    for clip in failed:
        table.row(clip.entry.id, clip.error.removeprefix(f"{clip.entry.path}: "), clip.attempts)
    return f"<h2>Failures ({len(failed)})</h2>{table.html()}<p><code>--retry-failed</code> tries them again.</p>"


def _labels(clips: Sequence[ClipRecord], settings: Mapping[str, Any]) -> str:
    of_faces: dict[str, float] = defaultdict(float)
    of_voices: dict[str, float] = defaultdict(float)
    for face in chain.from_iterable(clip.facts.get("faces", ()) for clip in clips if clip.state == "done"):
        found = of_voices if face["face"] is None else of_faces
        for label, share in face["shares"].items():
            found[label] += share * face["seconds_seen"]
    if not of_faces and not of_voices:
        return "<h2>Labels</h2><p>No clip has a face or a voice that was labelled.</p>"
    colours = {label: (colour,) for label, colour in EMOTIONS.items()} | _of_compounds(settings)
    told = "<p>What the models said, in seconds of all faces together. The face of a person who is on screen for long"
    told += " counts for more. What people corrected is not in it.</p>"
    parts = [f"<h2>Labels of faces</h2>{told}{_bars(of_faces, colours)}"] if of_faces else []
    if of_voices:
        parts.append(f"<h2>Labels from sound alone</h2><p>Where no face is seen.</p>{_bars(of_voices, colours)}")
    return "".join(parts)


def _of_compounds(settings: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    listed = settings.get("identity", {}).get("vocabulary", {}).get("compounds", ())
    return {name: (EMOTIONS.get(first, UNKNOWN), EMOTIONS.get(second, UNKNOWN)) for name, first, second in listed}


def _bars(seconds: Mapping[str, float], colours: Mapping[str, Sequence[str]]) -> str:
    """A row for each label, the most frequent first; ``none`` stands last."""
    total_s, most_s = sum(seconds.values()), max(seconds.values())
    table = Table("label", "time", "share", "")
    for label, part_s in sorted(seconds.items(), key=lambda item: (item[0] == NONE, -item[1])):
        name = "none (cannot tell)" if label == NONE else label
        table.bar(100 * part_s / most_s if most_s else 0, colours.get(label, ()))
        table.row(name, hours(part_s), f"{part_s / total_s:.1%}" if total_s else "")
    return table.html()


def _corrections(clips: Sequence[ClipRecord], out: Path) -> str:
    """What people said in the page of ``avcer serve``; it lies beside the results."""
    table = Table("id", "corrected segments", "named faces", "markers")
    segments = names = 0
    for clip in clips:
        folder = out / clip.entry.id
        if not (folder / FILE).exists():
            continue
        try:
            said = read_corrections(folder)
        except AvcerError as error:
            table.row(clip.entry.id, str(error), "", "")
            continue
        segments, names = segments + len(said.segments), names + len(said.names)
        table.row(clip.entry.id, len(said.segments), len(said.names), len(said.markers))
    if not table.rows:
        return ""
    told = f"<p>{segments} segments corrected and {names} faces named, in {len(table.rows)} of {len(clips)} clips."
    told += " <code>avcer export --formats corrected</code> writes the segments after corrections.</p>"
    return f"<h2>Corrections by people</h2>{told}{table.html()}"


def _warnings(clips: Sequence[ClipRecord]) -> str:
    found = Counter(warning for clip in clips for warning in clip.facts.get("warnings", ()))
    table = Table("note", "clips")
    for warning, count in found.most_common(SLOWEST):
        table.row(warning, count)
    return f"<h2>Notes on clips</h2>{table.html()}" if found else ""


def _slowest(clips: Sequence[ClipRecord]) -> str:
    rows = sorted(
        (row for row in clip_rows(clips) if row["real_time_factor"]), key=lambda row: -row["real_time_factor"]
    )
    table = Table("id", "video", "work", "work / video")
    for row in rows[:SLOWEST]:
        table.row(row["id"], hours(row["duration_s"]), hours(row["seconds"]), f"{row['real_time_factor']:.3f}")
    return f"<h2>Slowest clips</h2>{table.html()}" if rows else ""


def _settings(settings: Mapping[str, Any]) -> str:
    table = Table("", "", numbers=False)
    for name, value in shown_facts(settings):
        table.row(name, value)
    return f"<h2>Analysed with</h2>{table.html()}"


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

"""How an analysis shows itself in a notebook: the timeline as a picture, and the segments as a table. No scripts."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import Any, Final

from avcer.analysis import Analysis

_DPI: Final = 110
_MOST_SEGMENTS: Final = 30


def to_html(analysis: Analysis) -> str:
    """HTML without pictures of faces: whoever saves the notebook must not keep any unawares."""
    return f"<div><p>{escape(repr(analysis))}</p>{_picture(analysis)}{_segments(analysis)}{_warnings(analysis)}</div>"


def _picture(analysis: Analysis) -> str:
    from avcer.output.timeline import plot
    from avcer.plotting import FigureCanvasAgg

    figure = plot(analysis, faces=False)
    figure.set_dpi(_DPI)
    canvas: Any = FigureCanvasAgg(figure)
    png = io.BytesIO()
    canvas.print_png(png)
    text = base64.b64encode(png.getvalue()).decode("ascii")
    return f'<img alt="timeline of {escape(analysis.clip.path.name)}" src="data:image/png;base64,{text}"/>'


def _segments(analysis: Analysis) -> str:
    headings = ("face", "start, s", "end, s", "label", "kind", "salience, %", "probability")
    rows = [
        (
            "" if segment.face is None else str(segment.face),
            f"{segment.start_s:.2f}",
            f"{segment.end_s:.2f}",
            segment.label,
            segment.kind,
            "" if segment.salience is None else f"{segment.salience:.0f}",
            f"{segment.probability:.2f}",
        )
        for segment in analysis.segments[:_MOST_SEGMENTS]
    ]
    left_out = len(analysis.segments) - len(rows)
    more = f"<p>and {left_out} more segments</p>" if left_out else ""
    head = "".join(f"<th>{cell}</th>" for cell in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _warnings(analysis: Analysis) -> str:
    return "".join(f"<p>note: {escape(warning)}</p>" for warning in analysis.warnings)

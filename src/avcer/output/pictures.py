"""Pictures of faces, on request only: the crops, and heat maps of where the static model looks.

The clip is gone through once more, frame by frame; each picture is written as soon as it is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from avcer.analysis import Analysis
from avcer.emotion.static import StaticModel, overlay
from avcer.errors import ModelError
from avcer.faces.crop import crop
from avcer.files import atomic, make_folder
from avcer.media import Pictures
from avcer.models.choice import choose
from avcer.models.runtime import load_engine
from avcer.types import Float, Frame, Image

HEATMAPS_PER_SECOND: Final = 2.0
_JPEG_QUALITY: Final = 95


def write_faces(analysis: Analysis, folder: Path) -> list[Path]:
    """Writes each face of each frame to ``faces/<face>/<frame>.jpg`` in ``folder``, cut as AVCER cuts it.

    Raises:
        InputError: the clip cannot be read any more.
        OutputError: a picture cannot be written.
    """
    written = []
    for frame, face, box in _seen(analysis):
        cut = crop(frame.image, box)
        if cut is not None:
            written.append(_write(folder / "faces" / str(face) / f"{frame.index:06d}.jpg", cut))
    return written


def write_heatmaps(analysis: Analysis, folder: Path) -> list[Path]:
    """Writes two heat maps a second of each face to ``heatmaps/<face>/<frame>.png`` in ``folder``.

    They show where the static model that made the analysis looks for its top class (Grad-CAM), over what it sees.

    Raises:
        InputError: the clip cannot be read any more.
        ModelError: the static model is not installed, or not the one that made the analysis.
        OutputError: a picture cannot be written.
    """
    model = _static_model(analysis)
    written, due_s = [], dict[int, float]()
    for frame, face, box in _seen(analysis):
        if frame.time_s < due_s.get(face, frame.time_s):
            continue
        prepared, seen = model.prepare(frame.image, box), model.picture(frame.image, box)
        if prepared is not None and seen is not None:
            due_s[face] = frame.time_s + 1 / HEATMAPS_PER_SECOND
            picture = overlay(seen, model.heatmaps(prepared[np.newaxis])[0])
            written.append(_write(folder / "heatmaps" / str(face) / f"{frame.index:06d}.png", picture))
    return written


def _seen(analysis: Analysis) -> Iterator[tuple[Frame, int, Float]]:
    """Every frame with every face seen on it: the track's id and its box."""
    tracks = [face.track for face in analysis.faces if face.track]
    if not tracks:
        return
    last = max(track.last for track in tracks)
    options = analysis.provenance.get("options", {})
    for frame in Pictures(analysis.clip.path, options.get("start"), options.get("end"), analysis.clip.video_track):
        for track in tracks:
            place = int(np.searchsorted(track.frames, frame.index))
            if place < len(track.frames) and track.frames[place] == frame.index:
                yield frame, track.id, track.boxes[place]
        if frame.index >= last:
            return


def _static_model(analysis: Analysis) -> StaticModel:
    options = analysis.provenance.options
    model = choose(options["models"], "static", options.get("own_models", ()))
    used = analysis.provenance.models["static"]["sha256"]
    if model.card.graph.sha256 != used:
        raise ModelError(f"{model.folder}: not the static model that made this analysis; analyse the clip again")
    return StaticModel(model.card, load_engine(model, options["device"], options["precision"]))


def _write(path: Path, picture: Image) -> Path:
    make_folder(path.parent)
    with atomic(path) as part:
        quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if path.suffix == ".jpg" else []
        _, encoded = cv2.imencode(path.suffix, picture, quality)
        part.write_bytes(encoded.tobytes())
    return path

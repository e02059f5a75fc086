"""The submission file of the C-EXPR-DB challenge: a class for every frame of the clip.

The form is the challenge's (Kollias, CVPR 2023): a header with the seven classes, then a line a frame,
``<video>/<frame counted from 1, five digits>.jpg,<class index>``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, cast

import numpy as np

from avcer.analysis import Analysis
from avcer.decision.align import held_rows
from avcer.decision.compound import Rule, decide
from avcer.decision.express import OPEN
from avcer.files import atomic_text
from avcer.labels import C_EXPR_DB
from avcer.types import Integer

NOTHING_KNOWN: Final = 0
"""The class of every frame of a clip without any prediction: the first of the challenge's list."""


def submission_classes(analysis: Analysis) -> Integer:
    """``(T,)`` class indices 0-6 of C-EXPR-DB for the primary face, whatever vocabulary the analysis has.

    Where the primary face is not alive, whoever leads stands in: after a cut the result must not freeze. The analysis'
    own rule decides, or the sums if that is ``open``. Where it says 'none', the unmasked sums decide; where no face is
    there, sound alone; a frame without any prediction holds the last class (before the first: the first).
    """
    fused = analysis.leader_fused()
    if not fused.valid.any():
        return np.full(len(fused.valid), NOTHING_KNOWN)
    rule = analysis.provenance.rule
    unmasked = decide(fused, C_EXPR_DB, "sum").classes
    decided = unmasked if rule == OPEN else decide(fused, C_EXPR_DB, cast("Rule", rule)).classes
    classes = np.where(decided >= 0, decided, np.maximum(unmasked, NOTHING_KNOWN))
    return classes[held_rows(fused.valid)]


def write_submission(analysis: Analysis, path: Path) -> Path:
    """Writes the submission file to ``path``.

    Raises:
        OutputError: it cannot be written.
    """
    video = re.sub(r"[\s,]+", "_", analysis.clip.path.stem)  # a comma or a line end would break the table
    with atomic_text(path) as file:
        file.write(",".join(["image_location", *(name.replace(" ", "_") for name in C_EXPR_DB.names)]) + "\n")
        for number, index in enumerate(submission_classes(analysis).tolist(), start=1):
            file.write(f"{video}/{number:05d}.jpg,{index}\n")
    return path

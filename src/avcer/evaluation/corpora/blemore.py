"""BLEMORE: actors show one emotion or a blend of two, 50/50, 70/30 or 30/70 (Lachmann et al., 2026).

Tables ``train_metadata.csv`` and ``test_metadata.csv``; clips are named as in their column ``filename``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from avcer.errors import InputError
from avcer.evaluation.corpora.files import PARTS, VIDEOS, by_stem, find, gather, part_of, read_rows
from avcer.evaluation.corpora.record import Corpus, Part, Sample

EMOTIONS: Final = {
    "ang": "Anger", "disg": "Disgust", "fea": "Fear", "hap": "Happiness", "sad": "Sadness", "neu": "Neutral",
}  # fmt: skip
"""No clip shows Surprise."""
LOOKED_FOR: Final = "tables named like train_metadata.csv with a column filename"
_SPEAKER: Final = ("video_id", "speaker", "actor")
_PART: Final = ("set", "split", "partition")


def read_blemore(root: Path) -> Corpus:
    """The clips of the tables below ``root``; a single emotion is a blend of 100 percent. Rows without an emotion, as
    in a test part whose labels are secret, become samples without a blend.

    Raises:
        InputError: no such table, one that cannot be understood, or none of the clips.
    """
    clips = by_stem(root, VIDEOS)
    samples, missing = [], []
    for name, row, part, place in _rows(root):
        speaker = next((row[column] for column in _SPEAKER if row.get(column)), name.split("_")[0])
        if name in clips:
            samples.append(Sample(name, clips[name], speaker, blend=_blend(row, place), part=part))
        else:
            missing.append(name)
    return gather("blemore", root, samples, LOOKED_FOR, missing)


def _rows(root: Path) -> Iterator[tuple[str, dict[str, str], Part, str]]:
    for path in find(root, ("metadata.csv",)):
        for number, row in enumerate(read_rows(path, ("filename",)), 2):
            said = next((PARTS[row[column].lower()] for column in _PART if row.get(column, "").lower() in PARTS), None)
            yield Path(row["filename"]).stem, row, said or part_of(path, root), f"{path}, row {number}"


def _blend(row: dict[str, str], place: str) -> dict[str, int] | None:
    words = [word for word in (row.get("emotion_1"), row.get("emotion_2")) if word]
    if unknown := [word for word in words if word.lower() not in EMOTIONS]:
        raise InputError(f"{place}: has the emotion {unknown[0]!r}; BLEMORE's are {', '.join(EMOTIONS)}")
    emotions = [EMOTIONS[word.lower()] for word in words]
    if len(emotions) < 2:
        return {emotions[0]: 100} if emotions else None
    try:
        saliences = [round(float(row.get(f"emotion_{number}_salience", ""))) for number in (1, 2)]
    except (ValueError, OverflowError):
        saliences = []
    blend = dict(zip(emotions, saliences, strict=False))
    if len(blend) != 2 or sum(blend.values()) != 100:
        raise InputError(f"{place}: the saliences of its two emotions must add up to 100; correct the row")
    return blend

"""SAVEE: four men speak 120 sentences each (Haq and Jackson, in Machine Audition, 2010).

A file lies in the speaker's folder, ``AudioVisualClip/DC/a1.avi`` or ``AudioData/DC/a01.wav``, or has the speaker in
its name, ``DC_a01.wav``. The letters before the number are the emotion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from avcer.evaluation.corpora.files import SOUNDS, VIDEOS, choose, find, gather
from avcer.evaluation.corpora.record import Corpus, Sample

SPEAKERS: Final = ("DC", "JE", "JK", "KL")
EMOTIONS: Final = {
    "a": "Anger", "d": "Disgust", "f": "Fear", "h": "Happiness", "n": "Neutral", "sa": "Sadness", "su": "Surprise",
}  # fmt: skip
LOOKED_FOR: Final = f"files named like a01.avi or sa03.wav in folders {', '.join(SPEAKERS)}, or like DC_a01.wav"
_NAME: Final = re.compile(rf"(?:({'|'.join(SPEAKERS)})_)?({'|'.join(EMOTIONS)})(\d{{1,2}})")


def read_savee(root: Path, suffixes: tuple[str, ...] = VIDEOS + SOUNDS) -> Corpus:
    """The clips below ``root``; where a sentence is there with several of ``suffixes``, that with the first of them.

    Raises:
        InputError: no such clip.
    """
    clips = choose(_found(root, suffixes), suffixes)
    samples = [
        Sample(f"{speaker}_{code}{number:02d}", path, speaker=speaker, label=EMOTIONS[code])
        for (speaker, code, number), path in clips.items()
    ]
    return gather("savee", root, samples, LOOKED_FOR)


def _found(root: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[tuple[str, str, int], Path]]:
    for path in find(root, suffixes):
        match = _NAME.fullmatch(path.stem)
        speaker = (match[1] or path.absolute().parent.name) if match else ""
        if match and speaker in SPEAKERS:
            yield (speaker, match[2], int(match[3])), path

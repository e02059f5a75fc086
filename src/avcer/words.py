"""The words of every option, for a command line that starts before any heavy library is imported.

The tables that give the words their meaning import NumPy and more; ``tests/test_words.py`` compares them.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

FAMILIES: Final = ("mini", "published")
SETTINGS: Final = ("exact", "balanced", "fast")
DEVICES: Final = ("auto", "cpu", "cuda")
ROLES: Final = ("detector", "static", "dynamic", "audio")
PairRule = Literal["1", "2", "both", "sum", "gated", "geometric"]
"""The rules of ``decision.compound``."""
RULES: Final = ("open", *get_args(PairRule))
SOUND_FOR: Final = ("primary", "all")
VOCABULARIES: Final = ("c-expr-db", "avcer-12", "raf-db", "du", "blemore", "pairs-15")
EXPORTS: Final = ("eaf", "textgrid", "emotionml", "labelstudio", "boris", "audformat", "bids", "mot", "corrected")
FORMATS: Final = ("csv", "json", "png", "txt", "srt", "vtt", "parquet", "jsonl", *EXPORTS, "mp4", "faces", "heatmaps")
USUAL_FORMATS: Final = ("csv", "json", "png", "txt")
TABLES: Final = ("ferplus", "affect7", "speech", "scenes", "frames")
"""Tables that ``avcer evaluate`` scores."""
CORPORA: Final = (
    "affwild2", "afew", "c-expr-db", "ravdess", "crema-d", "meld", "savee", "emodb", "blemore", "emovo", "turev",
    "ased", "urdu", "nemo", "classes", "table",
)  # fmt: skip
"""Corpora by their words; ``ferplus`` is a table or a corpus, as its place is a file or a folder."""
ANNOTATIONS: Final = "annotations"
"""What ``avcer evaluate`` calls people's labels beside stored results."""
PARTS: Final = ("all", "train", "validation", "test")
LEVELS: Final = ("frame", "video")
STRANGERS: Final = "strangers"
"""``avcer evaluate`` on whatever corpora lie below a folder."""
PEERS: Final = ("fer", "deepface", "emotiefflib", "hsemotion", "py-feat", "emotion2vec", "speechbrain")

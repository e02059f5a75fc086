"""Readers of the field's corpora, each in the layout in which it is handed out. None comes with avcer."""

from avcer.evaluation.corpora.record import Corpus, Level, Part, Sample, Side
from avcer.evaluation.corpora.registry import CORPORA, read_corpus

__all__ = ["CORPORA", "Corpus", "Level", "Part", "Sample", "Side", "read_corpus"]

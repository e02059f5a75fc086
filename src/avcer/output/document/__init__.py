"""``analysis.json`` and the arrays beside it: a whole analysis, written whole and read back as the same record.

The document holds what people and other programs ask for: the clip, who computed what with what, the faces and their
segments. What has a row for each frame lies in ``analysis.npz``, named in the document with its hash. Arrays are
rounded to the steps of ``writing.STEPS``. Left out is what follows from the rest by arithmetic that is not going to
change: the sound of a face (the clip's), fused values (by the weights), scores of the released rules.
"""

from __future__ import annotations

from avcer.output.document.reading import load_json
from avcer.output.document.writing import facts, save_json

__all__ = ["facts", "load_json", "save_json"]

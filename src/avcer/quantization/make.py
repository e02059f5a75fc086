"""Turns a model's graph into one that computes in int8. Needs NNCF."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Final

from avcer.errors import MissingExtraError
from avcer.models.core import openvino_core
from avcer.models.quantized import GRAPH
from avcer.models.store import InstalledModel
from avcer.types import Float

TRANSFORMERS: Final = ("avcer-wav2vec2-8", "avcer-wav2vec2-7")
"""Architectures whose activations have outliers, which are first evened out (SmoothQuant: Xiao et al., ICML 2023)."""


def check_extra() -> None:
    """Raises:
    MissingExtraError: NNCF is not installed.
    """
    if not find_spec("nncf"):
        raise MissingExtraError('quantizing needs NNCF: pip install "avcer[int8]"')


def write_int8(model: InstalledModel, inputs: Sequence[Float], folder: Path) -> None:
    """Writes the model's graph into ``folder`` as ``GRAPH`` and ``NUMBERS``, with weights and activations of eight
    bits, whose ranges are set by ``inputs``; these have no batch axis.
    """
    import openvino
    from openvino.passes import ConstantFolding, Manager

    graph = openvino_core().read_model(model.graph)
    folding = Manager()  # weights that the graph turns or cuts are constants only after this
    folding.register_pass(ConstantFolding())
    folding.run_passes(graph)
    with _quietly():
        import nncf

        kind = nncf.ModelType.TRANSFORMER if model.card.architecture in TRANSFORMERS else None
        calibration = nncf.Dataset([item[None] for item in inputs])
        made = nncf.quantize(graph, calibration, subset_size=len(inputs), model_type=kind)
    openvino.save_model(made, folder / GRAPH, compress_to_fp16=False)


@contextmanager
def _quietly() -> Iterator[None]:
    """NNCF draws progress bars, logs, and warns of other libraries' age."""
    logger = logging.getLogger("nncf")
    level = logger.level
    with redirect_stdout(StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)

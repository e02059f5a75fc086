"""Writes a PyTorch network as a model that both engines run, and checks on the spot that they agree. Needs torch.

The older, tracing exporter of ``torch.onnx`` is used: the newer one unrolls a recurrent layer step by step while it
exports (a GRU over 318 steps took 97 s instead of 0.4 s), and leaves source paths of this machine in the file.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avcer.errors import ModelError
from avcer.files import atomic_text
from avcer.models.card import CARD_FILE, GRAPH_FILE, WEIGHTS_FILE, FileRecord, ModelCard
from avcer.models.engine import Engine
from avcer.models.runtime import OpenVINOEngine
from avcer.models.store import InstalledModel, replace_folder, sha256

OPSET: Final = 18
SMALLEST_SCALE: Final = 1e-6
"""Outputs below it are as good as zero; others are compared relative to their own largest value."""
LARGE: Final = 256
"""From this many elements a tensor of the graph is worth storing in half precision."""


def write_model(
    folder: Path,
    network: nn.Module,
    card: ModelCard,
    example: Tensor,
    outputs: Sequence[str],
    tolerance: float = 1e-4,
    half: bool = False,
) -> ModelCard:
    """Writes graph, weights and card of a model to ``folder``, which appears whole or not at all.

    The network itself is moved to the CPU, set to evaluation and, with ``half``, its weights are rounded: afterwards
    it is what the files hold.

    Args:
        folder: where to; an earlier folder is replaced.
        network: what to write; ``card.architecture`` names it.
        card: ``graph`` and ``weights`` are filled in here (``card.UNWRITTEN`` until then). The axes that
            ``card.inputs`` names by a letter (``("N", 3, "H", "W")``) may have any length in the written model.
        example: a batch like those to come, for its shape and scale.
        outputs: names of the outputs, in the order in which ``forward`` returns them.
        tolerance: largest difference allowed between both engines in float32, where outputs reach further than 1
            in proportion to the largest.
        half: store the weights in float16, for a smaller file.

    Returns:
        The finished card.

    Raises:
        ModelError: both engines disagree; nothing was written.
        OSError: the folder cannot be written.
    """
    network.cpu().eval()
    if half:
        _round_weights(network)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        new = Path(temporary) / "new"
        new.mkdir()
        _write_graph(new / GRAPH_FILE, network, card, example, outputs, half)
        _write_weights(new / WEIGHTS_FILE, network, half)
        card = replace(card, graph=_record(new / GRAPH_FILE), weights=_record(new / WEIGHTS_FILE))
        _check(InstalledModel(card, new), network, example, tolerance)
        write_card(card, new)
        replace_folder(new, folder)
    return card


def write_card(card: ModelCard, folder: Path) -> None:
    """Writes ``card`` beside the files of its model."""
    with atomic_text(folder / CARD_FILE) as file:
        file.write(card.to_json())


def _write_graph(
    path: Path, network: nn.Module, card: ModelCard, example: Tensor, outputs: Sequence[str], half: bool
) -> None:
    letters = {axis: name for axis, name in enumerate(card.inputs) if isinstance(name, str)}
    with warnings.catch_warnings():
        # The exporter warns of its own age, and of every branch on a shape; the check afterwards tells if one matters.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (example,),
            path,
            input_names=["input"],
            output_names=list(outputs),
            dynamic_axes={"input": letters, **{name: {0: letters[0]} for name in outputs}},
            opset_version=OPSET,
            dynamo=False,
            # Keeps batch norms apart from convolutions, so that the graph holds the same numbers as the weights.
            training=torch.onnx.TrainingMode.PRESERVE,
        )
    if half:
        _halve_graph(path)


def _write_weights(path: Path, network: nn.Module, half: bool) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {name: tensor.detach().contiguous().clone() for name, tensor in network.state_dict().items()}
    if half:
        tensors = {name: tensor.half() if _is_matrix(tensor) else tensor for name, tensor in tensors.items()}
    try:
        save_file(tensors, path)
    except SafetensorError as error:  # what the system said is in its text alone
        raise OSError(str(error)) from error


def _is_matrix(tensor: Tensor) -> bool:
    """Weights proper; biases, scales and running statistics are few and stay in float32."""
    return tensor.is_floating_point() and tensor.ndim >= 2


def _round_weights(network: nn.Module) -> None:
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if _is_matrix(tensor):
                tensor.copy_(tensor.half())


def _halve_graph(path: Path) -> None:
    """Stores every large tensor that float16 holds exactly as such, with a Cast behind it; the engine folds it."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(path)
    casts = []
    for initializer in model.graph.initializer:
        values = numpy_helper.to_array(initializer)
        if not _fits_half(values):
            continue
        name = initializer.name
        initializer.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)


def _fits_half(values: NDArray[Any]) -> bool:
    if values.dtype != np.float32 or values.size < LARGE:
        return False
    with np.errstate(over="ignore"):
        return np.array_equal(values, values.astype(np.float16).astype(np.float32))


def _record(path: Path) -> FileRecord:
    return FileRecord(path.name, path.stat().st_size, sha256(path))


def _check(model: InstalledModel, network: nn.Module, example: Tensor, tolerance: float) -> None:
    engine: Engine = OpenVINOEngine(model, "float32")
    for batch in _random_batches(model.card, example):
        with torch.no_grad():
            expected = network(batch)
        expected = (expected,) if isinstance(expected, Tensor) else expected
        try:
            actual = engine(batch.numpy())
        except RuntimeError as error:  # a length that the tracer took for a constant
            raise _refusal(model.card, f"fails on an input of {tuple(batch.shape)}") from error
        differences = [_difference(a, b.numpy()) for a, b in zip(actual, expected, strict=True)]
        if not all(difference <= tolerance for difference in differences):  # so that NaN is refused too
            raise _refusal(
                model.card, f"differs from the original by {max(differences):.2g} (allowed: {tolerance:.2g})"
            )


def _refusal(card: ModelCard, fault: str) -> ModelError:
    remedy = "nothing was written; report it with your versions of torch and openvino"
    return ModelError(f"{card.name}: the converted model {fault}; {remedy}")


def _random_batches(card: ModelCard, example: Tensor) -> list[Tensor]:
    """One input alone, then three together, the second time with other lengths along the named axes."""
    lengths = [max(1, length * 3 // 4 + 1) if isinstance(name, str) else length
               for name, length in zip(card.inputs, example.shape, strict=True)]  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    scale = float(example.abs().max()) / 3 or 1.0
    shapes = ((1, *example.shape[1:]), (3, *lengths[1:]))
    return [torch.randn(shape, generator=generator) * scale for shape in shapes]


def _difference(actual: NDArray[Any], expected: NDArray[Any]) -> float:
    if actual.shape != expected.shape:
        return float("inf")
    return float(np.abs(actual - expected).max() / max(SMALLEST_SCALE, np.abs(expected).max()))

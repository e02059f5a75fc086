"""Takes the authors' checkpoints into the store: reads, recognises, converts, checks and installs them.

A file is recognised by the tensors in it, never by its name. It is read as plain tensors: code in it never runs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from avcer.errors import MissingExtraError, ModelError, OutputError, UsageError
from avcer.files import remove_abandoned_folders
from avcer.models.card import ModelCard, Role
from avcer.models.checkpoints import CHECKPOINTS, Checkpoint
from avcer.models.store import install, location, sha256

if TYPE_CHECKING:
    from torch import Tensor, nn

    State = dict[str, Tensor]

Report = Callable[[str], None]


def import_published(
    detector: Path | None = None,
    static: Path | None = None,
    dynamic: Path | None = None,
    audio: Path | None = None,
    report: Report = lambda line: None,
) -> list[ModelCard]:
    """Converts the authors' checkpoints and installs them; all are converted before the first is installed.

    Args:
        detector: RetinaFace, with ResNet-50 or MobileNet-0.25.
        static: EMO-AffectNet.
        dynamic: the LSTM over its features.
        audio: the 8-class or the 7-class audio model.
        report: takes a line a step.

    Returns:
        The cards of what was installed.

    Raises:
        MissingExtraError: PyTorch or a library beside it is not installed.
        ModelError: a file is missing, damaged, foreign, or of another role; what was installed before stays.
        OutputError: the store cannot be written.
        UsageError: no file given.
    """
    given: dict[Role, Path | None] = {"detector": detector, "static": static, "dynamic": dynamic, "audio": audio}
    files = {role: Path(path) for role, path in given.items() if path is not None}
    if not files:
        raise UsageError("no checkpoint given: name a file for detector, static, dynamic or audio")
    _require_torch()
    store = location("published", "static").parent
    try:
        store.mkdir(parents=True, exist_ok=True)
        remove_abandoned_folders(store)
        with tempfile.TemporaryDirectory(dir=store, prefix=".import-") as folder:
            for role, path in files.items():
                _convert(role, path, Path(folder) / role, report)
            return [install(Path(folder) / role, "published", role).card for role in files]
    except OSError as error:
        raise OutputError(f"{store}: cannot be written ({error}); set AVCER_HOME to a folder that can") from error


def _require_torch() -> None:
    for library in ("torch", "safetensors", "transformers"):
        if find_spec(library) is None:
            raise MissingExtraError(f'importing checkpoints needs the library {library}: pip install "avcer[torch]"')


def _convert(role: Role, path: Path, folder: Path, report: Report) -> None:
    import torch

    from avcer.models.convert import write_model
    from avcer.models.networks import build

    report(f"{path}: reading")
    hashed, state = _read(path)
    checkpoint = _recognise(path, role, state)
    card = _with_origin(checkpoint, hashed)
    report(f"{path}: {card.architecture}; {_origin(checkpoint, hashed)}")
    network = build(card.architecture)
    _load(path, network, state)
    del state
    report(f"{path}: converting")
    example = torch.rand(checkpoint.example) * checkpoint.reach
    write_model(folder, network, card, example, checkpoint.outputs)


def _read(path: Path) -> tuple[str, State]:
    """The file's SHA-256, and its tensors by the names that the networks use."""
    import torch

    try:
        hashed = sha256(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); give the path of a checkpoint") from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle raises nearly anything
        fault = "is damaged, no PyTorch checkpoint, or holds code, which is never run"
        raise ModelError(f"{path}: {fault}; download it again from its authors") from error
    if isinstance(content, dict):
        content = content.get("model_state_dict", content)
    if not isinstance(content, dict) or not content or not all(_is_tensor(*item) for item in content.items()):
        raise ModelError(f"{path}: holds no table of weights; give one of the authors' checkpoints")
    return hashed, {_current_name(name): tensor for name, tensor in content.items()}


def _is_tensor(name: object, value: object) -> bool:
    from torch import Tensor

    return isinstance(name, str) and isinstance(value, Tensor)


def _current_name(name: str) -> str:
    """Without the prefix of a parallel training run, and with today's names of a weight normalisation."""
    name = name.removeprefix("module.")
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        if name.endswith(f".{old}"):
            return name.removesuffix(old) + f"parametrizations.weight.{new}"
    return name


def _recognise(path: Path, role: Role, state: State) -> Checkpoint:
    for checkpoint in CHECKPOINTS:
        name, length = checkpoint.mark
        if name in state and state[name].shape[:1] == (length,):
            if checkpoint.card.role == role:
                return checkpoint
            other = checkpoint.card.role
            raise ModelError(f"{path}: is the {other} model, not the {role} one; give it as --{other}")
    wanted = " or ".join(checkpoint.file for checkpoint in CHECKPOINTS if checkpoint.card.role == role)
    raise ModelError(f"{path}: is none of AVCER's checkpoints; for --{role} give {wanted}")


def _with_origin(checkpoint: Checkpoint, hashed: str) -> ModelCard:
    """The card, claiming the authors' scores only for the authors' file."""
    card = replace(checkpoint.card, source_sha256=hashed)
    if hashed == checkpoint.sha256:
        return card
    limits = f"{card.limits}; {_origin(checkpoint, hashed)}"
    return replace(card, limits=limits, scores={})


def _origin(checkpoint: Checkpoint, hashed: str) -> str:
    if hashed == checkpoint.sha256:
        return f"the published {checkpoint.file}, by its SHA-256"
    if not checkpoint.sha256:
        return f"not compared with the published {checkpoint.file}, whose SHA-256 is not known"
    return f"other weights than the published {checkpoint.file}, by its SHA-256"


def _load(path: Path, network: nn.Module, state: State) -> None:
    """Strictly, but for the counters of batch norms, which only training reads and some files lack."""
    expected = network.state_dict()
    counters = {name: tensor for name, tensor in expected.items() if name.endswith("num_batches_tracked")}
    weights = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    missing = sorted(expected.keys() - counters.keys() - weights.keys())
    foreign = sorted(weights.keys() - expected.keys())
    known = sorted(expected.keys() & weights.keys())
    misshapen = [name for name in known if weights[name].shape != expected[name].shape]
    broken = [name for name in known if not weights[name].isfinite().all()]
    faults = {"lacks": missing, "has unknown": foreign, "has misshapen": misshapen, "has infinite or undefined": broken}
    for fault, names in faults.items():
        if names:
            count = f"{fault} {len(names)} tensors, such as {names[0]}"
            raise ModelError(f"{path}: {count}; download it again from its authors")
    network.load_state_dict({**weights, **counters})

"""The networks in PyTorch, by the name of their architecture. Needs the extra ``torch``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from avcer.errors import ModelError

if TYPE_CHECKING:
    from torch import nn

ARCHITECTURES: Final = {
    "retinaface-mobilenet0.25": ("retinaface", "retinaface_mobilenet"),
    "retinaface-resnet50": ("retinaface", "retinaface_resnet50"),
    "emo-affectnet-resnet50": ("emo_affectnet", "EmoAffectNet"),
    "avcer-lstm": ("temporal", "TemporalLSTM"),
    "avcer-wav2vec2-8": ("speech", "speech_8"),
    "avcer-wav2vec2-7": ("speech", "speech_7"),
    "mini-detector": ("mini_detector", "MiniDetector"),
    "mini-static": ("mini_static", "MiniStatic"),
    "mini-dynamic": ("mini_dynamic", "MiniDynamic"),
    "mini-audio": ("mini_audio", "MiniAudio"),
}
"""Architecture -> (module of this package, name of its constructor, which takes no arguments)."""


def build(architecture: str) -> nn.Module:
    """The network named ``architecture``, with random weights.

    Raises:
        ModelError: no such architecture.
    """
    if architecture not in ARCHITECTURES:
        raise ModelError(f"unknown architecture {architecture!r}: this version knows {', '.join(ARCHITECTURES)}")
    module, constructor = ARCHITECTURES[architecture]
    network: nn.Module = getattr(import_module(f"{__name__}.{module}"), constructor)()
    return network

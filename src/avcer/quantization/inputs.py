"""What the networks are given when clips are analysed: a bounded number of inputs, spread over all clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from avcer.emotion.audio import AudioModel
from avcer.emotion.dynamic import DynamicModel
from avcer.emotion.static import StaticModel
from avcer.faces.detect import Detector
from avcer.hearing import Ear, hear_all
from avcer.media import Pictures, open_sound
from avcer.models.card import Role
from avcer.models.engine import Engine, Items
from avcer.models.runtime import load_engine
from avcer.models.store import InstalledModel
from avcer.options import SETTINGS
from avcer.sight import Eye, VisualModels, Watcher
from avcer.types import Float

MOST: Final = 120
"""Inputs kept of each model, at most twice as many while they are gathered."""


class Recorder:
    """An engine that notes what it is given: every input at first, then every second, every fourth, .."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._every, self._seen = 1, 0
        self._noted: list[Float] = []

    def __call__(self, batch: Items) -> tuple[Float, ...]:
        """See ``Engine``."""
        for item in batch:
            if self._seen % self._every == 0:
                self._noted.append(np.array(item, np.float32))
            self._seen += 1
        if len(self._noted) >= 2 * MOST:
            self._noted, self._every = self._noted[::2], 2 * self._every
        return self._engine(batch)

    def noted(self) -> list[Float]:
        """Inputs without their batch axis, evenly spread."""
        return self._noted[:: -(-len(self._noted) // MOST)] if self._noted else []


def gather(
    models: Mapping[Role, InstalledModel], clips: Sequence[Path], report: Callable[[str], None]
) -> dict[Role, list[Float]]:
    """Role -> inputs of its network, as an analysis with the setting ``balanced`` gives them.

    Raises:
        InputError: a clip cannot be read.
    """
    engines = {role: Recorder(load_engine(model, "cpu")) for role, model in models.items()}
    seeing = VisualModels(
        Detector(models["detector"].card, engines["detector"]),
        StaticModel(models["static"].card, engines["static"]),
        DynamicModel(models["dynamic"].card, engines["dynamic"]),
    )
    hearing = AudioModel(models["audio"].card, engines["audio"])
    for path in clips:
        report(f"{path}: analysed")
        plan = SETTINGS["balanced"].sampling
        eye = Eye(Watcher(seeing, plan), plan)
        for frame in Pictures(path):
            eye.see([frame])
        eye.finish()
        sound = open_sound(path)
        if sound is not None:
            hear_all(sound, Ear(hearing))
    return {role: engine.noted() for role, engine in engines.items()}

"""Every choice that an analysis offers, in one checked record, and the three named settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from avcer.decision.compound import RULES, Rule
from avcer.decision.fuse import MEAN, PUBLISHED, PUBLISHED_7, FusionWeights, read_fusion
from avcer.errors import UsageError
from avcer.faces.detect import DetectorOptions
from avcer.labels import AUDIO_8, Vocabulary, read_vocabulary
from avcer.models.card import FAMILIES, Family, ModelCard
from avcer.models.runtime import DEVICES, Device, Precision

SettingName = Literal["exact", "balanced", "fast"]


@dataclass(frozen=True)
class Setting:
    """What a named setting stands for: the detector's longest side in pixels (0 = as it is), and the precision."""

    longest_side: int
    precision: Precision


SETTINGS: Final[dict[SettingName, Setting]] = {
    "exact": Setting(longest_side=0, precision="float32"),
    "balanced": Setting(longest_side=640, precision="default"),
    "fast": Setting(longest_side=320, precision="default"),
}


@dataclass(frozen=True)
class Options:
    """The choices of an analysis.

    Args:
        models: the family, ``mini`` (shipped) or ``published`` (imported once).
        own_models: folders of models that you trained; each takes the place of the family's model of its role.
        setting: ``exact``, ``balanced`` or ``fast``; see ``SETTINGS``.
        rule: ``1``, ``2``, ``both``, ``sum``, ``gated`` or ``geometric``, see ``decision.compound.RULES``; None for the
            family's own: Rule 1 for the published models, as released, ``gated`` for the mini ones (docs/rules.md).
        compounds: a name in ``labels.VOCABULARIES`` (``c-expr-db``, ``avcer-12``, ..), or the path of a TOML file.
        fusion: ``published``, ``mini``, ``mean``, or the path of a JSON file; None for the family's own.
        device: ``auto``, ``cpu`` or ``cuda``.
        longest_side: pixels that a frame's longest side is scaled down to for the detector, 0 for none; None for the
            setting's own.
        min_face: faces whose longer side is below this many pixels of the frame are left out.
        sound_for: whom the sound counts for, the ``primary`` face (after a cut, whoever leads) or ``all`` of them.
        fill_gaps: between the first and the last frame of a face, hold the last fused probabilities where nothing is
            known.

    Raises:
        UsageError: a value that is not one of these.
    """

    models: Family = "mini"
    own_models: tuple[str | Path, ...] = ()
    setting: SettingName = "balanced"
    rule: Rule | None = None
    compounds: str | Path = "c-expr-db"
    fusion: str | Path | None = None
    device: Device = "auto"
    longest_side: int | None = None
    min_face: float = DetectorOptions.least_side
    sound_for: Literal["primary", "all"] = "primary"
    fill_gaps: bool = False

    def __post_init__(self) -> None:
        _one_of("models", self.models, FAMILIES)
        _one_of("setting", self.setting, tuple(SETTINGS))
        if self.rule is not None:
            _one_of("rule", self.rule, RULES)
        _one_of("device", self.device, DEVICES)
        _one_of("sound_for", self.sound_for, ("primary", "all"))
        if self.longest_side is not None and self.longest_side < 0:
            raise UsageError(f"longest_side must be 0 (as it is) or a number of pixels, not {self.longest_side}")
        if self.min_face < 0:
            raise UsageError(f"min_face must be a number of pixels, not {self.min_face}")

    @property
    def decision_rule(self) -> Rule:
        """The rule in force."""
        return self.rule or ("gated" if self.models == "mini" else "1")

    @property
    def side(self) -> int:
        """The longest side in force, in pixels; 0 for frames as they are."""
        return SETTINGS[self.setting].longest_side if self.longest_side is None else self.longest_side

    @property
    def precision(self) -> Precision:
        """The precision of the setting."""
        return SETTINGS[self.setting].precision

    @property
    def detector(self) -> DetectorOptions:
        """The options of the detector."""
        return DetectorOptions(longest_side=self.side, least_side=self.min_face)

    def vocabulary(self) -> Vocabulary:
        """The compounds to choose from; reads the user's file."""
        return read_vocabulary(self.compounds)

    def weights(self, audio: ModelCard) -> FusionWeights:
        """The fusion weights in force; the published ones depend on the audio model's classes."""
        choice = self.fusion if self.fusion is not None else self.models
        if choice == PUBLISHED.name:
            return PUBLISHED if self.models == "mini" or audio.labels == AUDIO_8 else PUBLISHED_7
        return MEAN if choice == MEAN.name else read_fusion(choice)

    def as_dict(self) -> dict[str, Any]:
        """The options for the provenance: names, numbers and truth values."""
        return {
            "models": self.models,
            "own_models": [str(folder) for folder in self.own_models],
            "setting": self.setting,
            "rule": self.decision_rule,
            "compounds": str(self.compounds),
            "fusion": None if self.fusion is None else str(self.fusion),
            "device": self.device,
            "longest_side": self.side,
            "precision": self.precision,
            "min_face": self.min_face,
            "sound_for": self.sound_for,
            "fill_gaps": self.fill_gaps,
        }


def _one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{name} must be one of {', '.join(known)}, not {value!r}")

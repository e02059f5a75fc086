from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from avcer.emotion.audio import SOUND_KINDS
from avcer.emotion.crops import BareBox, GreySquare
from avcer.emotion.dynamic import FeatureSteps
from avcer.emotion.pitch import PitchTracker
from avcer.emotion.spectrogram import LogMel
from avcer.emotion.static import FACE_KINDS
from avcer.emotion.voice import VoiceFrames
from avcer.emotion.waveform import Waveform
from avcer.errors import ModelError
from avcer.faces.detect import FramePixels
from avcer.models.card import ROLES, Role
from avcer.models.checkpoints import CHECKPOINTS
from avcer.models.preparation import Preparation, Scaling, card_entry, prepared_by
from avcer.models.store import find
from fakes import card

KINDS: Mapping[Role, Mapping[str, Any]] = {
    "detector": {FramePixels.kind: FramePixels},
    "static": FACE_KINDS,
    "dynamic": {FeatureSteps.kind: FeatureSteps},
    "audio": SOUND_KINDS,
}
MEAN = (91.4953, 103.8827, 131.0912)
FORMER_MINI_AUDIO = {"sample_rate": 16000, "window_s": 4.0, **VoiceFrames().as_dict()}
FORMER_AUDIO = {"sample_rate": 16000, "window_s": 4.0, "step_s": 0.5, "variance_floor": 1e-7}


@pytest.mark.parametrize(
    ("role", "stated", "meant"),
    [
        ("audio", FORMER_MINI_AUDIO, VoiceFrames()),
        ("audio", FORMER_AUDIO, Waveform()),
        ("audio", {}, Waveform()),
        ("audio", {"padding": "zeros"}, Waveform("zeros")),
        ("static", {"size": 48, "margin": 0.0, "colour": "grey", "range": [0, 1]}, GreySquare(48, 0.0)),
        ("static", {"colour": "BGR", "mean": list(MEAN), "size": 224, "resize": "nearest"}, BareBox(224, MEAN, 1.0)),
        ("static", {}, BareBox(224, MEAN, 1.0)),
        ("dynamic", {"steps": 8, "interval_s": 0.1, "features": "fc1"}, FeatureSteps(8, 0.1)),
        ("dynamic", {"static_sha256": "ab"}, FeatureSteps(10, 0.2, "ab")),
        ("detector", {"colour": "BGR", "mean": [1.0, 2.0, 3.0], "scale": 1.0}, FramePixels((1.0, 2.0, 3.0), 1.0)),
        (
            "detector",
            {"channels": "BGR", "mean": [0.0], "scale": 0.5, "begin_score": 1},
            FramePixels((0.0,), 0.5, 1),
        ),
    ],
)
def test_cards_without_a_kind_mean_what_they_meant(role: Role, stated: dict[str, Any], meant: Preparation) -> None:
    assert prepared_by(card(role, **stated), KINDS[role]) == meant


@pytest.mark.parametrize(
    ("role", "meant"),
    [
        ("audio", Waveform("repeat", 1e-5)),
        ("audio", VoiceFrames(LogMel(bands=32), PitchTracker(hop=160))),
        ("static", GreySquare(40, 0.1, (0.5,), 0.5)),
        ("static", BareBox(100, (1.0, 2.0, 3.0), 0.5)),
        ("dynamic", FeatureSteps(5, 0.4, "ab")),
        ("dynamic", FeatureSteps()),
        ("detector", FramePixels((1.0, 2.0, 3.0), 0.5, 0.9)),
    ],
)
def test_what_a_card_states_is_read_back(role: Role, meant: Preparation) -> None:
    stated = json.loads(json.dumps(card_entry(meant)))
    assert prepared_by(card(role, **stated), KINDS[role]) == meant
    assert card_entry(meant) == stated


@pytest.mark.parametrize(
    ("stated", "fault"),
    [
        ({"kind": "heart_beats"}, "kind 'heart_beats'"),
        ({"kind": "waveform", "volume": 3}, "volume"),
        ({"kind": "waveform", "padding": "noise"}, "noise"),
        ({"kind": "voice_frames"}, "spectrogram"),
        ({**card_entry(VoiceFrames()), "jitter": True}, "jitter"),
        ({**card_entry(VoiceFrames()), "pitch": {"highest": 3}}, "highest"),
    ],
)
def test_a_card_of_another_version_is_refused(stated: dict[str, Any], fault: str) -> None:
    """Rather than passing over a constant that would change what the network is given."""
    with pytest.raises(ModelError, match=rf"^audio: .*{fault}.*; install the version"):
        prepared_by(card("audio", **stated), SOUND_KINDS)


@pytest.mark.parametrize("role", ["detector", "static"])
def test_engine_and_station_scale_alike(role: Role) -> None:
    """One truth for the processor and for CUDA: what the card says, however old it is."""
    for entry in ({"mean": [10.0, 20.0, 30.0], "scale": 0.5}, {"mean": [1.0, 2.0, 3.0], "scale": 1.0}):
        made = card(role, **({"size": 8, **entry} if role == "static" else entry))
        preparation = prepared_by(made, KINDS[role])
        assert Scaling.of_card(made) == Scaling(preparation.mean, preparation.scale)


def test_pixels_become_planes_less_the_mean_times_the_scale() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    planes = Scaling((1.0, 2.0, 3.0), 0.5).planes(pixels)
    assert planes.tolist() == [[[-0.5, 1], [2.5, 4]], [[-0.5, 1], [2.5, 4]], [[-0.5, 1], [2.5, 4]]]
    every = np.arange(256, dtype=np.uint8)[:, None, None]
    np.testing.assert_array_equal(Scaling((0.0,), 1 / 255).planes(every)[0, :, 0], every.ravel() / np.float32(255))


def test_a_card_without_scaling_is_for_no_engine_that_takes_pixels() -> None:
    with pytest.raises(ModelError, match="pixels without their 'mean'"):
        Scaling.of_card(card("static", kind="grey_square", size=48, margin=0.0))


@pytest.mark.parametrize("role", ROLES)
def test_all_known_models_state_a_kind_and_every_constant(role: Role) -> None:
    published = [one.card for one in CHECKPOINTS if one.card.role == role]
    for one in (find("mini", role).card, *published):
        assert one.preprocessing == card_entry(prepared_by(one, KINDS[role]))

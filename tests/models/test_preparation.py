from __future__ import annotations

from typing import Any

import pytest

from avcer.emotion.audio import SOUND_KINDS
from avcer.emotion.pitch import PitchTracker
from avcer.emotion.spectrogram import LogMel
from avcer.emotion.voice import VoiceFrames
from avcer.emotion.waveform import Waveform
from avcer.errors import ModelError
from avcer.models.card import UNWRITTEN, ModelCard, Role
from avcer.models.checkpoints import CHECKPOINTS
from avcer.models.preparation import Preparation, card_entry, prepared_by
from avcer.models.store import find

FORMER_MINI_AUDIO = {"sample_rate": 16000, "window_s": 4.0, **VoiceFrames().as_dict()}
FORMER_AUDIO = {"sample_rate": 16000, "window_s": 4.0, "step_s": 0.5, "variance_floor": 1e-7}


def card(role: Role, preprocessing: dict[str, Any]) -> ModelCard:
    return ModelCard(
        "made-up", "mini", role, "made-up", UNWRITTEN, UNWRITTEN, ("N",), (), preprocessing, "MIT", "tests"
    )


@pytest.mark.parametrize(
    ("role", "stated", "meant"),
    [
        ("audio", FORMER_MINI_AUDIO, VoiceFrames()),
        ("audio", FORMER_AUDIO, Waveform()),
        ("audio", {}, Waveform()),
        ("audio", {"padding": "zeros"}, Waveform("zeros")),
    ],
)
def test_cards_without_a_kind_mean_what_they_meant(role: Role, stated: dict[str, Any], meant: Preparation) -> None:
    assert prepared_by(card(role, stated), SOUND_KINDS) == meant


@pytest.mark.parametrize("meant", [Waveform("repeat", 1e-5), VoiceFrames(LogMel(bands=32), PitchTracker(hop=160))])
def test_what_a_card_states_is_read_back(meant: Preparation) -> None:
    assert prepared_by(card("audio", card_entry(meant)), SOUND_KINDS) == meant


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
    with pytest.raises(ModelError, match=rf"made-up: .*{fault}.*; install the version"):
        prepared_by(card("audio", stated), SOUND_KINDS)


def test_all_known_audio_models_state_a_kind() -> None:
    published = [one.card for one in CHECKPOINTS if one.card.role == "audio"]
    for one in (find("mini", "audio").card, *published):
        assert one.preprocessing == card_entry(prepared_by(one, SOUND_KINDS))

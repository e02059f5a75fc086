from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from avcer.changes import Changes
from avcer.emotion.classify import ClassifyPlan
from avcer.errors import UsageError
from avcer.hearing import Windows
from avcer.options import SETTINGS, Options
from avcer.sampling import SamplingPlan


@pytest.mark.parametrize("choices", [
    {"setting": "slow"}, {"models": "own"}, {"rule": "3"}, {"device": "tpu"}, {"sound_for": "nobody"},
    {"detect_every": 0}, {"detect_every": -1}, {"steady_within": -0.1}, {"steady_within": 1.1},
    {"steady_within": float("nan")}, {"fps": 0}, {"fps": -5}, {"fps": float("inf")}, {"fps": float("nan")},
    {"audio_window_s": 0}, {"audio_window_s": 4.5}, {"audio_window_s": float("nan")}, {"audio_step_s": 0},
    {"audio_step_s": 0.01}, {"audio_step_s": 4.5}, {"audio_window_s": 1.0, "audio_step_s": 2.0},
    {"audio_window_s": 0.5, "setting": "fast"}, {"longest_side": -1}, {"min_face": -1},
    {"detect_every": 2.5}, {"detect_every": True}, {"fps": "5"}, {"longest_side": 640.0}, {"min_face": None},
    {"baseline": "first"}, {"baseline": "2-1"}, {"baseline": None}, {"person": "p.json", "baseline": "own"},
    {"person": 5}, {"decision": ["a"]},
    {"least_segment": -0.1}, {"least_segment": 11}, {"least_segment": None},
    {"own_models": "folder"}, {"fill_gaps": "no"}, {"label_sets": 1}, {"raw_labels": None}, {"audio_step_s": "0.5"},
], ids=str)  # fmt: skip
def test_what_is_no_choice_is_refused_by_its_name(choices: dict[str, Any]) -> None:
    names = {name if not name.startswith("audio") else "audio_" for name in choices}
    with pytest.raises(UsageError) as caught:
        Options(**choices)
    assert str(caught.value).startswith(tuple(names))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("choices", [
    {"detect_every": 1}, {"steady_within": 0.0}, {"steady_within": 1.0}, {"fps": 0.1}, {"fps": 1000},
    {"audio_window_s": 4.0, "audio_step_s": 4.0}, {"audio_step_s": 0.05}, {"audio_window_s": 0.5},
], ids=str)  # fmt: skip
def test_the_limits_are_choices(choices: dict[str, Any]) -> None:
    Options(**choices)


def test_each_setting_has_its_sampling_and_windows() -> None:
    for name, setting in SETTINGS.items():
        options = Options(setting=name)
        assert options.sampling(25.0) == setting.sampling
        assert options.windows == Windows(4.0, setting.audio_step_s)
        assert options.precision == setting.precision
    assert Options(setting="exact").sampling(25.0) == SamplingPlan(1, ClassifyPlan(1, 0.0))


def test_single_choices_go_before_the_setting() -> None:
    options = Options(detect_every=3, steady_within=0.25, audio_window_s=2.0, audio_step_s=0.25)
    assert options.sampling(25.0) == SamplingPlan(3, ClassifyPlan(None, 0.25), detect_classified=True)
    assert Options(setting="fast", detect_every=3).sampling(25.0) == SamplingPlan(3, ClassifyPlan(None, 0.2))
    assert options.windows == Windows(2.0, 0.25)
    assert Options(setting="exact", detect_every=3).sampling(25.0) == SamplingPlan(3, ClassifyPlan())


def test_steady_within_nothing_is_every_frame() -> None:
    assert Options(steady_within=0).sampling(25.0).classify == ClassifyPlan(1, 0.0)


@pytest.mark.parametrize(
    ("rate", "fps", "every"), [(25, 5, 5), (29.97, 10, 3), (24, 25, 1), (60, 0.5, 120), (25, 30, 1), (0, 5, 1)]
)
def test_frames_a_second_set_both_strides_and_look_nowhere_else(rate: float, fps: float, every: int) -> None:
    sampling = Options(fps=fps, detect_every=2, steady_within=0.0).sampling(rate)
    assert sampling == SamplingPlan(every, ClassifyPlan(every, 1.0))


@pytest.mark.parametrize(
    ("choices", "side"),
    [
        ({"setting": "exact"}, 640), ({"setting": "exact", "models": "published"}, 0), ({}, 640),
        ({"models": "published"}, 640), ({"setting": "fast"}, 640), ({"setting": "exact", "longest_side": 0}, 0),
        ({"setting": "exact", "models": "published", "longest_side": 960}, 960),
    ],
)  # fmt: skip
def test_exact_is_the_size_that_the_detector_was_made_for(choices: dict[str, Any], side: int) -> None:
    options = Options(**choices)
    assert options.side == options.detector.longest_side == options.in_force()["longest_side"] == side


def test_the_provenance_has_what_is_in_force() -> None:
    said = Options(setting="fast", audio_window_s=2.0).in_force()
    assert (said["detect_every"], said["steady_within"], said["fps"]) == (6, 0.2, None)
    assert (said["audio_window_s"], said["audio_step_s"]) == (2.0, 1.0)
    said = Options(fps=5, detect_every=2).in_force()
    assert (said["detect_every"], said["steady_within"], said["fps"]) == (None, None, 5)
    said = Options(setting="exact").in_force()
    assert (said["detect_every"], said["steady_within"]) == (1, 0.0)


@pytest.mark.parametrize("choices", [
    {}, {"models": "published", "rule": "2", "own_models": (Path("a"), "b"), "compounds": Path("mine.toml")},
    {"detect_every": 3, "steady_within": 0.2, "fps": 5, "audio_step_s": 1.0, "fill_gaps": True},
], ids=str)  # fmt: skip
def test_options_travel_as_json(choices: dict[str, Any]) -> None:
    options = Options(**choices)
    document = json.loads(json.dumps(options.to_dict()))
    assert Options.from_dict(document).to_dict() == options.to_dict()
    assert Options.from_dict(document).in_force() == options.in_force()
    assert Options.from_dict({}) == Options()


@pytest.mark.parametrize("document", [{"modles": "mini"}, {"models": "own"}, {"own_models": "folder"}], ids=str)
def test_a_wrong_document_is_one_line(document: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(document))):
        Options.from_dict(document)


def test_the_keyword_arguments_of_an_analyzer_are_the_options() -> None:
    assert get_type_hints(Changes) == get_type_hints(Options)
    assert not Changes.__required_keys__

"""The keyword arguments of ``Analyzer``: every field of ``Options``, none of them needed. A test keeps both in step."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypedDict

from avcer.decision.policy import Rule
from avcer.models.card import Family
from avcer.models.runtime import Device
from avcer.options import SettingName


class Changes(TypedDict, total=False):
    """Single fields of ``Options`` by name; see there for what they mean."""

    models: Family
    own_models: tuple[str | Path, ...]
    setting: SettingName
    rule: Rule | None
    decision: str | Path | None
    baseline: str
    person: str | Path | None
    least_segment: float
    label_sets: bool
    raw_labels: bool
    compounds: str | Path
    fusion: str | Path | None
    device: Device
    longest_side: int | None
    min_face: float
    sound_for: Literal["primary", "all"]
    detect_every: int | None
    steady_within: float | None
    fps: float | None
    audio_window_s: float
    audio_step_s: float | None
    fill_gaps: bool
    threads: int | None
    start: float | None
    end: float | None
    audio_track: int | None
    video_track: int | None
    times: Literal["file", "start"] | None

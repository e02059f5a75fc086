from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avcer import demo, pipeline
from avcer.analysis import Analysis
from avcer.clip_facts import read_clip
from avcer.decision.express import SHIPPED
from avcer.decision.steady import Steady
from avcer.errors import InputError, UsageError
from avcer.evaluation.statistics.agreement import agreement
from avcer.faces.detect import Detector, priors
from avcer.models.card import HEAVY
from avcer.models.torch_engine import TorchEngine
from avcer.options import Options
from avcer.pipeline import Analyzer
from avcer.types import Clip, Face, Image

STAGES = {
    "decode", "cuts", "detect", "follow", "static", "mouth", "dynamic", "sound", "audio", "speech", "decision",
}  # fmt: skip


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer()


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo.make_clip(tmp_path_factory.mktemp("demo") / "clip.mp4")


@pytest.fixture(scope="module")
def analysis(analyzer: Analyzer, demonstration: Path) -> Analysis:
    return analyzer.analyze(demonstration)


def clip(duration_s: float) -> Clip:
    return Clip(Path("clip.webm"), duration_s, 0, 25.0, 320, 180, 0, True, True)


def test_what_no_analyzer_is_made_of_is_told_in_a_line() -> None:
    with pytest.raises(UsageError, match=r"fields by name \(setting='fast'\), not 'fast'"):
        Analyzer("fast")  # type: ignore[arg-type]
    with pytest.raises(
        UsageError, match="no model does 'voice'; engines stand in for detector, static, dynamic, audio"
    ):
        Analyzer(engines={"voice": None})  # type: ignore[dict-item]


def test_a_length_that_the_header_does_not_state_is_that_of_the_frames() -> None:
    """Recordings of browsers: without it, the summary would say 0 seconds and a real-time factor of 0."""
    times_s = 1.4 + np.arange(50) / 25
    assert read_clip(clip(0.0), times_s, ()).duration_s == pytest.approx(2.0)
    assert read_clip(clip(2.1), times_s, ()).duration_s == 2.1
    assert read_clip(clip(2.1), times_s, ()).frame_count == 50


@pytest.mark.parametrize(("choices", "rule"), [({}, "open"), ({"models": "published"}, "1"), ({"rule": "2"}, "2")])
def test_each_family_has_its_rule(choices: dict[str, Any], rule: str) -> None:
    options = Options(**choices)
    assert options.decision_rule == options.in_force()["rule"] == rule


def test_labels_are_as_long_as_asked(analyzer: Analyzer) -> None:
    """What is chosen must reach the session, live and not; the released rules keep each frame's own label."""
    assert isinstance(analyzer.session().plan.smoothing, Steady)
    assert analyzer.session(latency_s=0.5).plan.smoothing == Options().smoothing()
    assert Options(least_segment=0).smoothing() is None
    assert Options(rule="gated").smoothing() is None
    assert analyzer.policy.least_segment_s == Options().least_segment


def test_numbers_of_ones_own_reach_the_decision(analyzer: Analyzer, tmp_path: Path) -> None:
    document = json.loads(SHIPPED.read_text(encoding="utf-8"))
    path = tmp_path / "own.json"
    path.write_text(json.dumps(document | {"floor": 0.9}), encoding="utf-8")
    options = Options(decision=path)
    numbers = options.open_rule()
    assert numbers is not None
    assert numbers.floor == 0.9
    assert analyzer.policy.numbers is analyzer.options.open_rule() is not None
    with pytest.raises(UsageError, match="numbers of the rule open"):
        replace(options, rule="sum").open_rule()


def test_segments_last_and_labels_are_those_of_the_open_rule(analysis: Analysis) -> None:
    assert analysis.segments
    assert min(one.end_s - one.start_s for one in analysis.segments if one.face is not None) > 0.24
    assert {one.kind for one in analysis.segments} <= {"neutral", "basic", "compound", "none"}
    assert any(one.label == "Happiness" for one in analysis.segments)


class Broken:
    """A model that fails."""

    classes = 8
    batch = 4
    begin_score = 0.0

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def detect_batch(self, images: list[Image]) -> list[list[Face]]:
        raise self._error

    hear = detect_batch


class Blind:
    """A detector that finds nothing at once."""

    begin_score = 0.0

    def detect_batch(self, images: list[Image]) -> list[list[Face]]:
        return [[] for _ in images]


class Slow:
    """A model with a pause after each call; counts the calls."""

    def __init__(self, model: Any, pause_s: float) -> None:
        self._model, self._pause_s, self.calls = model, pause_s, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def _slowly(self, name: str, given: Any) -> Any:
        self.calls += 1
        time.sleep(self._pause_s)
        return getattr(self._model, name)(given)

    def hear(self, given: Any) -> Any:
        return self._slowly("hear", given)

    def detect_batch(self, given: Any) -> Any:
        return self._slowly("detect_batch", given)


@pytest.fixture
def patched(analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Puts a detector or an audio model in the place of the analyzer's own; no thread may outlive the test."""

    def put(detector: Any = None, audio: Any = None) -> Analyzer:
        if detector is not None:
            monkeypatch.setattr(analyzer, "_visual", replace(analyzer._visual, detector=detector))
        if audio is not None:
            monkeypatch.setattr(analyzer, "_audio", audio)
        return analyzer

    before = set(threading.enumerate())
    yield put
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("avcer-")]


@pytest.mark.parametrize("error", [ArithmeticError("made up"), KeyboardInterrupt(), InputError("clip: damaged")])
def test_an_error_in_the_pictures_stops_the_sound_and_is_the_one_raised(
    patched: Any, analyzer: Analyzer, demonstration: Path, error: BaseException
) -> None:
    audio = Slow(analyzer._audio, 0.2)  # 16 windows, four a call
    with pytest.raises(type(error)) as caught:
        patched(Broken(error), audio).analyze(demonstration)
    assert caught.value is error
    assert audio.calls < 4


def test_an_error_in_the_sound_stops_the_pictures_and_is_the_one_raised(
    patched: Any, analyzer: Analyzer, demonstration: Path
) -> None:
    detector = Slow(analyzer._visual.detector, 0.1)
    error = ArithmeticError("made up")
    with pytest.raises(ArithmeticError) as caught:
        patched(detector, Broken(error)).analyze(demonstration)
    assert caught.value is error
    assert detector.calls < 9


def test_an_error_in_both_is_one_of_them(patched: Any, demonstration: Path) -> None:
    with pytest.raises(ArithmeticError, match="made up"):
        patched(Broken(ArithmeticError("made up")), Broken(ArithmeticError("made up"))).analyze(demonstration)


@pytest.mark.parametrize("where", ["pictures", "sound"])
def test_a_hook_that_raises_ends_the_analysis(patched: Any, demonstration: Path, where: str) -> None:
    def hook(stage: str, done: int, total: int) -> None:
        if stage == where:
            raise KeyError(stage)

    with pytest.raises(KeyError, match=where):
        patched().analyze(demonstration, hook)


@pytest.fixture
def waits_go_on() -> Iterator[None]:
    """After a signal, the system begins a wait without a time limit again, as it does once Polars has been used."""
    signal.siginterrupt(signal.SIGINT, False)
    yield
    signal.siginterrupt(signal.SIGINT, True)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals that are sent to a thread")
@pytest.mark.usefixtures("waits_go_on")
def test_an_interruption_while_the_sound_alone_goes_on_does_not_wait_for_its_end(
    patched: Any, analyzer: Analyzer, demonstration: Path
) -> None:
    audio = Slow(analyzer._audio, 3.0)
    main = threading.main_thread().ident
    interruption = threading.Timer(0.2, lambda: signal.pthread_kill(main, signal.SIGINT))

    def hook(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("pictures", 200):
            interruption.start()

    with pytest.raises(KeyboardInterrupt):
        patched(Blind(), audio).analyze(demonstration, hook)
    interruption.join()
    assert audio.calls < 4


def test_the_hook_hears_of_both_stages_one_at_a_time(analyzer: Analyzer, demonstration: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    inside: list[bool] = []

    def hook(stage: str, done: int, total: int) -> None:
        assert not inside
        inside.append(True)
        time.sleep(0.001)
        calls.append((stage, done, total))
        inside.clear()

    analyzer.analyze(demonstration, hook)
    pictures = [(done, total) for stage, done, total in calls if stage == "pictures"]
    assert pictures == [(done, 200) for done in (*range(30, 200, 30), 200)]
    sound = [(done, total) for stage, done, total in calls if stage == "sound"]
    assert [done for done, _ in sound][:3] == [4, 8, 12]
    assert {total for _, total in sound} == {16}
    assert len(pictures) + len(sound) == len(calls)


def test_the_stages_of_an_analysis_are_in_its_provenance(analysis: Analysis) -> None:
    timings = analysis.provenance["timings"]
    stages = timings["stages"]
    assert set(stages) == STAGES
    assert stages["decode"]["items"] == stages["cuts"]["items"] == stages["follow"]["items"] == len(analysis.times_s)
    seen = sum(len(face.track.frames) for face in analysis.faces if face.track)
    assert 0 < stages["detect"]["items"] < len(analysis.times_s)
    assert 0 < stages["dynamic"]["items"] <= stages["static"]["items"] < seen
    assert all(0 <= stage["seconds"] < timings["seconds"] for stage in stages.values())
    assert timings["real_time_factor"] == pytest.approx(timings["seconds"] / analysis.clip.duration_s)


def same(one: Analysis, other: Analysis) -> None:
    assert np.array_equal(one.times_s, other.times_s)
    assert np.array_equal(one.audio.values, other.audio.values)
    assert len(one.faces) == len(other.faces)
    for first, second in zip(one.faces, other.faces, strict=True):
        for name in ("static", "dynamic", "audio", "fused"):
            assert np.array_equal(getattr(first, name).values, getattr(second, name).values)
        assert np.array_equal(first.compound.scores, second.compound.scores)
        assert (first.track is None) == (second.track is None)
        if first.track and second.track:
            assert np.array_equal(first.track.boxes, second.track.boxes)


def test_the_same_analysis_twice_is_the_same(analyzer: Analyzer, demonstration: Path, analysis: Analysis) -> None:
    same(analyzer.analyze(demonstration), analysis)


def test_a_heavy_detector_is_not_called_for_every_sample(analyzer: Analyzer, analysis: Analysis) -> None:
    assert analyzer._sampling(25.0).detect_classified
    card = analyzer.cards["detector"]
    heavy = replace(card, graph=replace(card.graph, bytes=HEAVY + 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(analyzer.cards, "detector", heavy)
        sampling = analyzer._sampling(25.0)
    assert not sampling.detect_classified
    assert sampling.classify == analyzer.options.sampling(25.0).classify


def test_what_is_left_out_changes_next_to_nothing(demonstration: Path, analysis: Analysis) -> None:
    """A face that moves, is lit from bright to dim, and is hidden once.

    The face is near the border of two labels, so that how far the answers move depends on how the clip is encoded, and
    that on the processor (fused values: 0.006 and 0.023 on two at hand). So the bound is how far a face model's answers
    move from one frame to the next where every frame is classified: half of it is seen, faces that are classified five
    times a second, whatever changes, would have 0.7 of it.
    """
    everything = Analyzer(detect_every=1, steady_within=0.0).analyze(demonstration)
    stages = everything.provenance["timings"]["stages"]
    assert stages["detect"]["items"] == 200
    assert stages["static"]["items"] == sum(len(face.track.frames) for face in everything.faces if face.track)
    found = agreement(everything, analysis)
    for one, other in zip(everything.faces, analysis.faces, strict=True):
        np.testing.assert_array_equal(one.dynamic.values, other.dynamic.values)
        np.testing.assert_array_equal(one.audio.values, other.audio.values)
    assert found.share >= 0.98
    (one,), (other,) = everything.faces, analysis.faces
    apart, from_frame_to_frame = np.abs(one.static.values - other.static.values), np.diff(one.static.values, axis=0)
    assert apart.mean() < 2 / 3 * np.abs(from_frame_to_frame).mean()
    assert found.difference < 0.05


def test_a_whole_analysis_in_pytorch_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of the GPU, with PyTorch's device ``cpu``: pixels go to the engine."""
    monkeypatch.setattr(demo, "DURATION_S", 2.0)
    monkeypatch.setattr(demo, "_HIDDEN_S", (1.0, 1.2))
    short = demo.make_clip(tmp_path / "short.mp4")
    on_openvino = Analyzer(setting="exact", device="cpu").analyze(short)
    monkeypatch.setattr(
        pipeline, "load_engine", lambda model, _, precision, *more: TorchEngine(model, precision, "cpu")
    )
    on_torch = Analyzer(setting="exact", device="cpu").analyze(short)
    assert len(on_openvino.faces) == 1
    assert sum(face.track is not None for face in on_torch.faces) == 1
    [one], [other] = on_torch.faces, on_openvino.faces
    assert one.track is not None
    assert other.track is not None
    np.testing.assert_allclose(one.track.boxes, other.track.boxes, atol=1e-3)
    for name in ("static", "dynamic", "audio", "fused"):
        assert np.array_equal(getattr(one, name).valid, getattr(other, name).valid)
        np.testing.assert_allclose(getattr(one, name).values, getattr(other, name).values, atol=1e-5)
    assert np.array_equal(one.compound.classes, other.compound.classes)


class Sizes:
    """An engine that finds nothing, and remembers the height and width of what it was given."""

    def __init__(self) -> None:
        self.seen: set[tuple[int, int]] = set()

    def __call__(self, batch: Any) -> tuple[Any, ...]:
        self.seen.add(batch.shape[2:])
        count = len(priors(*batch.shape[2:]))
        return tuple(np.zeros((len(batch), count, width), np.float32) for width in (4, 2, 10))


@pytest.mark.parametrize(("models", "size"), [("mini", (360, 640)), ("published", (720, 1280))])
def test_exact_looks_at_pictures_of_the_size_that_the_detector_was_made_for(
    models: Any, size: tuple[int, int], analyzer: Analyzer
) -> None:
    engine = Sizes()
    detector = Detector(analyzer.cards["detector"], engine, Options(setting="exact", models=models).detector)
    detector.detect(np.zeros((720, 1280, 3), np.uint8))
    assert engine.seen == {size}

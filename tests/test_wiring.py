"""Every choice reaches the result: a whole analyzer on made-up networks, fed with made-up frames and sound.

Each part has tests of its own; here is whether it is plugged in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from avcer import feeding, pipeline
from avcer.analysis import Analysis, FaceAnalysis
from avcer.decision.person import person_of, read_person, usual_in
from avcer.errors import InputError, UsageError
from avcer.evaluation.compare import Run, beside, drawn
from avcer.evaluation.corpus_run import said
from avcer.evaluation.statistics import intervals, metrics
from avcer.files import make_folder
from avcer.labels import AUDIO_8, BASIC
from avcer.media import SoundBlock
from avcer.models.card import Role
from avcer.models.store import InstalledModel
from avcer.options import PUBLISHED, PUBLISHED_7, Options
from avcer.output.tables import compound_table
from avcer.pipeline import Analyzer
from avcer.types import Clip, Frame
from fakes import Downs, Square, Squares, Ups, UpsAndDowns, Voice, card, engines, film, see, speech

FRAMES = 100
SMALL, LARGE = 1, 2
"""Ids of the faces of ``two``."""


class Counted:
    """A network that counts the items it was given."""

    def __init__(self, network: Any = see) -> None:
        self.network, self.items = network, 0

    def __call__(self, batch: Any) -> Any:
        """See ``Engine``."""
        self.items += len(batch)
        return self.network(batch)


def two(index: int) -> Sequence[Square]:
    """A large face, and one of half its side."""
    return [Square(10, side=48, grey=60 + index // 2), Square(100, side=28, grey=40)]


def one(index: int) -> Sequence[Square]:
    return [Square(10, side=48, grey=60 + index // 2)]


def one_is_missed(index: int) -> Sequence[Square]:
    return [] if 40 <= index < 55 else one(index)


def source(
    scene: Callable[[int], Sequence[Square]] = two, sound: bool = True, frames: int = FRAMES
) -> list[Frame | SoundBlock]:
    """Frames and sound in the order of time."""
    heard = list(speech(frames / 25)) if sound else []
    mixed: list[tuple[float, Frame | SoundBlock]] = [(frame.time_s, frame) for frame in film(scene, frames)]
    mixed += [(block.start_s, block) for block in heard]
    return [item for _, item in sorted(mixed, key=lambda pair: pair[0])]


def analyse(items: Sequence[Frame | SoundBlock], networks: Any = None, **options: Any) -> Analysis:
    options = {"fusion": "mean", "rule": "sum", **options}
    return Analyzer(engines=networks or engines(), **options).analyze(items)


def face(analysis: Analysis, identity: int | None) -> FaceAnalysis:
    found = analysis.face(identity)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def usual() -> Analysis:
    return analyse(source())


def test_the_usual_scene(usual: Analysis) -> None:
    assert [one.id for one in usual.faces] == [SMALL, LARGE]
    assert usual.primary == LARGE
    assert set(usual.leads) == {LARGE}


def test_sound_for(usual: Analysis) -> None:
    assert face(usual, LARGE).audio.valid.any()
    assert not face(usual, SMALL).audio.valid.any()
    everybody = analyse(source(), sound_for="all")
    assert face(everybody, LARGE).audio.valid.any()
    assert face(everybody, SMALL).audio.valid.any()


def test_min_face(usual: Analysis) -> None:
    assert len(analyse(source(), min_face=40).faces) == 1


def test_what_the_detector_must_score_to_begin_a_track() -> None:
    """It is on the detector's card, and above what is enough to go on with one."""

    def unsure(index: int) -> Sequence[Square]:
        return [Square(10, side=48, score=0.95)]

    def sure_at_first(index: int) -> Sequence[Square]:
        return [Square(10, side=48, score=1.0 if index < 5 else 0.95)]

    assert analyse(source(unsure, sound=False), detect_every=1).faces == ()
    (seen,) = analyse(source(sure_at_first, sound=False), detect_every=1).faces
    assert len(seen.frames) == FRAMES


def test_rule_and_fusion_and_compounds(usual: Analysis) -> None:
    assert (face(usual, SMALL).expression.classes >= 0).all()
    gated = face(analyse(source(), rule="gated"), SMALL).expression  # it is more neutral than angry
    assert (gated.classes < 0).all()
    weighted = analyse(source(), fusion="published")
    assert not np.allclose(face(weighted, LARGE).fused.values, face(usual, LARGE).fused.values)
    more = analyse(source(), compounds="avcer-12")
    assert len(more.vocabulary) == 12 != len(usual.vocabulary)
    assert face(more, 1).expression.scores.shape[1] == 12


def test_fusion_that_was_asked_for_counts_under_the_rule_open_too() -> None:
    """Without it, the rule weighs face and voice itself."""
    (asked, own) = (face(analyse(source(), rule="open", fusion=name), LARGE) for name in ("mean", None))
    parts = [asked.static, asked.dynamic, asked.audio]
    rows = np.logical_and.reduce([part.valid for part in parts])
    assert rows.any()
    sums = asked.fused.values[rows] / asked.fused.values[rows].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(sums, np.mean([part.values[rows] for part in parts], axis=0), atol=1e-6)
    assert not np.allclose(own.fused.values[rows], asked.fused.values[rows])


def test_label_sets_and_raw_labels(tmp_path: Path) -> None:
    frames = analyse(source(), rule="open", least_segment=0)
    assert compound_table(frames).names[-1] == frames.labels[-1]
    asked = analyse(source(), rule="open", least_segment=3.0, label_sets=True, raw_labels=True)
    asked.save(tmp_path, ["json", "csv", "parquet"])
    for analysis in (asked, Analysis.load(tmp_path)):
        table = compound_table(analysis)
        assert table.names[-2:] == ("label_raw", "label_set")
        assert table["label_raw"].values.tolist() == compound_table(frames)["AV"].values.tolist()
        sets = [cell.split("|") for cell in table["label_set"].values]
        assert {name for cell in sets for name in cell} <= {*analysis.labels, "none"}
        sizes = {int(size) for one in asked.faces for size in one.expression.sets.sum(axis=1)}
        assert {len(cell) for cell in sets if cell != ["none"]} == sizes - {0}
        np.testing.assert_array_equal(analysis[LARGE].expression.sets, asked[LARGE].expression.sets)
    assert (tmp_path / "compound.csv").read_text().splitlines()[0].endswith(",label_raw,label_set")
    assert {"label_raw", "label_set"} <= set(parquet.read_schema(tmp_path / "analysis.parquet").names)
    assert asked.provenance.options["label_sets"]
    assert asked.provenance.options["raw_labels"]
    with pytest.raises(UsageError, match="label_sets are of the rule open, not of sum"):
        Options(rule="sum", label_sets=True)


def test_segments_of_the_released_rules_are_as_long_as_asked_and_frames_keep_their_labels() -> None:
    """A face whose grey, and so what is said of it, flickers."""

    def flickers(index: int) -> Sequence[Square]:
        return [Square(10, side=48, grey=60 if index % 20 < 17 else 160)]

    every, meant = (analyse(source(flickers, sound=False), rule="gated", least_segment=least) for least in (0, 0.5))
    np.testing.assert_array_equal(face(every, 1).expression.classes, face(meant, 1).expression.classes)
    assert min(one.end_s - one.start_s for one in every.segments) < 0.2
    assert min(one.end_s - one.start_s for one in meant.segments) >= 0.5
    with Analyzer(engines=engines(), fusion="mean", rule="gated", least_segment=0.5).stream(
        source(flickers, sound=False), latency_s=0.4
    ) as stream:
        live = [segment for update in stream for segment in update.segments]
    assert stream.analysis is not None
    assert tuple(live) == stream.analysis.segments
    assert min(one.end_s - one.start_s for one in live) >= 0.5


def test_the_familys_own_weights_follow_the_audio_models_classes() -> None:
    options = Options(models="published")
    assert options.weights(card("audio", AUDIO_8)) is PUBLISHED
    assert options.weights(card("audio", BASIC)) is PUBLISHED_7
    assert Options(models="mini", fusion="published").weights(card("audio", BASIC)) is PUBLISHED


def detected(**options: Any) -> tuple[int, int]:
    """How many frames the detector was given, and how many faces the static model."""
    constants = Analyzer(engines=engines()).cards["detector"].preprocessing
    detector, static = Counted(Squares(constants["mean"], constants["scale"])), Counted()
    analyse(source(one, sound=False), engines(detector=detector, static=static), **options)
    return detector.items, static.items


def test_setting_detect_every_steady_within_and_fps() -> None:
    exact, balanced, fast = (detected(setting=name) for name in ("exact", "balanced", "fast"))
    assert exact == (FRAMES, FRAMES)
    assert fast[0] < balanced[0] < FRAMES
    assert balanced[1] < FRAMES
    assert detected(detect_every=2, setting="fast")[0] > fast[0]
    assert detected(steady_within=0.0)[1] == FRAMES
    assert detected(steady_within=0.001)[1] > detected(steady_within=1.0)[1]
    assert detected(fps=1) < detected(fps=5) < (FRAMES, FRAMES)


def test_longest_side() -> None:
    def shapes(**options: Any) -> set[tuple[int, int]]:
        constants = Analyzer(engines=engines()).cards["detector"].preprocessing
        detector = Squares(constants["mean"], constants["scale"])
        analyse(source(one, sound=False, frames=10), engines(detector=detector), **options)
        return set(detector.shapes)

    assert shapes() == {(120, 160)}
    assert shapes(longest_side=80) == {(60, 80)}


def test_audio_window_and_step() -> None:
    def windows(**options: Any) -> int:
        voice = Voice()
        analyse(source(one), engines(audio=voice), **options)
        return sum(voice.calls)

    assert windows() == 8  # four seconds, one every half second
    assert windows(setting="fast") == 4
    assert windows(audio_step_s=0.25) == 16
    assert windows(audio_window_s=2.0) == 8
    late = analyse(source(one, frames=150)[:-100], audio_window_s=2.0, audio_step_s=2.0)
    assert late.provenance["options"]["audio_window_s"] == 2.0


def test_the_audio_window_is_what_the_model_hears() -> None:
    """Half of the sound is digital silence: a short window lies in it whole, a long one does not."""
    items = [
        SoundBlock(item.start_s, item.samples * (item.start_s >= 2.0)) if isinstance(item, SoundBlock) else item
        for item in source(one)
    ]
    assert analyse(items).audio.valid.all()
    assert not analyse(items, audio_window_s=1.0).audio.valid[:20].any()


def test_fill_gaps() -> None:
    items = source(one_is_missed, sound=False)
    gap = slice(40, 55)
    assert not face(analyse(items), 1).fused.valid[gap].any()
    assert face(analyse(items, fill_gaps=True), 1).fused.valid.all()


@dataclass
class Loaded:
    """Notes with what engines and models are asked for."""

    models: list[Any]
    engines: list[tuple[Any, ...]]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Loaded:
    notes = Loaded([], [])
    choose_all, networks = pipeline.choose_all, engines()

    def choose(family: Any, own: Any) -> dict[Role, InstalledModel]:
        notes.models.append((family, own))
        return choose_all("mini")

    def load(model: InstalledModel, *how: Any) -> Any:
        notes.engines.append((model.card.role, *how))
        return networks[model.card.role]

    monkeypatch.setattr(pipeline, "choose_all", choose)
    monkeypatch.setattr(pipeline, "load_engine", load)
    monkeypatch.setattr(pipeline, "choose_device", lambda device: {"auto": "cpu", "cuda": "cuda"}[device])
    monkeypatch.setattr(pipeline, "limit_process", lambda threads: None)
    return notes


ROLES: tuple[Role, ...] = ("detector", "static", "dynamic", "audio")


def test_models_device_precision_and_threads_reach_the_engines(loaded: Loaded) -> None:
    analyzer = Analyzer(models="published", own_models=("a folder",), device="cuda", setting="exact", threads=1)
    assert loaded.models == [("published", ("a folder",))]
    assert sorted(loaded.engines) == sorted((role, "cuda", "float32", 1) for role in ROLES)
    loaded.engines.clear()
    Analyzer()
    assert sorted(loaded.engines, key=str) == sorted([(role, "cpu", "default", None) for role in ROLES], key=str)
    assert analyzer._sampling(25.0).batch_scale == 4


class Given(list[Any]):
    """A decoder's stand-in: items, and what it warns of."""

    def __init__(self, items: Sequence[Any], *warnings: str) -> None:
        super().__init__(items)
        self.warnings, self.damaged, self.start_s = list(warnings), 0, 0.0

    def measured(self, info: Clip) -> Clip:
        """See ``Pictures.measured``."""
        return replace(info, duration_s=3.9)


def test_what_the_decoders_warn_of_is_in_the_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    items = source(one)
    pictures = Given([item for item in items if isinstance(item, Frame)], "a picture is damaged")
    sound = Given([item for item in items if isinstance(item, SoundBlock)], "a packet of sound was skipped")
    info = Clip(Path("made-up.mp4"), 4.0, FRAMES, 25.0, 160, 120, 0, has_video=True, has_audio=True)
    feeder = feeding.FileFeeder(info, pictures, sound)  # type: ignore[arg-type]
    monkeypatch.setattr(pipeline, "open_source", lambda *_, **__: feeder)
    analysis = Analyzer(engines=engines()).analyze("made-up.mp4")
    assert {"a picture is damaged", "a packet of sound was skipped"} <= set(analysis.warnings)
    assert analysis.audio.valid.all()
    assert analysis.clip.duration_s == 3.9


def test_what_is_missing_is_said() -> None:
    assert "decided from sight alone" in analyse(source(one, sound=False)).warnings
    assert "no face was found: decided from sound alone" in analyse(source(lambda index: [])).warnings
    silent = [SoundBlock(0.0, np.zeros(64_000, np.float32)), *source(one, sound=False)]
    assert "the sound is digital silence" in analyse(silent).warnings


def test_sound_that_comes_after_its_frames_have_settled_is_warned_of() -> None:
    frames = source(one, sound=False)
    sound = [item for item in source(one) if isinstance(item, SoundBlock)]

    def warnings(items: list[Frame | SoundBlock]) -> tuple[str, ...]:
        with Analyzer(engines=engines(), fusion="mean").stream(items) as stream:
            list(stream)
        assert stream.analysis is not None
        return stream.analysis.warnings

    (line,) = (line for line in warnings([*frames, *sound]) if "settled" in line)
    assert line.endswith(" s of frames were settled before their sound came: feed it first, or say `info`")
    assert not any("settled" in line for line in warnings(source(one)))


def test_progress_never_passes_its_total() -> None:
    """Of a file that holds more frames than it says, and half a window of sound."""
    ticks: list[tuple[str, int, int]] = []
    info = Clip(Path("clip.mp4"), 3.7, FRAMES // 2, 25.0, 64, 64, 0, has_video=True, has_audio=True)
    session = Analyzer(engines=engines()).session(info, progress=lambda *tick: ticks.append(tick))
    for item in source():
        if isinstance(item, Frame):
            session.see([item])
        else:
            session.hear(item)
    session.finish()
    assert {stage for stage, _, _ in ticks} == {"pictures", "sound"}
    assert all(0 < done <= total for _, done, total in ticks)


def test_a_stream_of_frames_and_sound_gives_updates_and_then_the_analysis() -> None:
    analyzer = Analyzer(engines=engines(), fusion="mean")
    with analyzer.stream(source(), latency_s=0.4) as stream:
        updates = list(stream)
    assert stream.analysis is not None
    assert len(updates) > 10
    assert sum(len(update.times_s) for update in updates) == FRAMES == len(stream.analysis.times_s)
    assert stream.analysis.portraits
    with analyzer.stream(source(), latency_s=0.4) as early:
        next(early)
    assert early.analysis is None


def spoken(moves: bool, glides: bool) -> list[Frame | SoundBlock]:
    """A face with a mouth that opens four times a second or stays shut, beside a pitch that glides or holds."""
    items: list[Frame | SoundBlock] = []
    for item in source(one, sound=False):
        assert isinstance(item, Frame)
        opened = round(7 * np.sin(4 * np.pi * item.time_s) ** 2) if moves else 1
        image = item.image.copy()
        image[20:24, 20:28] = image[20:24, 40:48] = 30
        image[44 : 45 + opened, 26:42] = 30
        items.append(replace(item, image=image))
    time_s = np.arange(4 * 16_000) / 16_000
    pitch_hz = 140 * 2 ** (0.3 * np.sin(2 * np.pi * 1.3 * time_s)) if glides else np.full(len(time_s), 200.0)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / 16_000
    strength = np.clip(2 * np.sin(np.pi * 4 * time_s), 0, 1) if glides else 1.0
    hiss = np.random.default_rng(0).normal(0, 0.003, len(time_s))
    voice = sum(np.sin(number * phase) / number for number in range(1, 9)) * 0.1 * strength + hiss
    items += [SoundBlock(at / 16_000, voice[at : at + 8000].astype(np.float32)) for at in range(0, len(voice), 8000)]
    return sorted(items, key=lambda item: item.time_s if isinstance(item, Frame) else item.start_s)


def test_whether_a_face_speaks_reaches_the_decision_and_what_is_settled() -> None:
    def sadness(moves: bool, glides: bool) -> float:
        led = face(analyse(spoken(moves, glides), rule="open", fusion=None), 1)
        assert (led.static.activity[-20:] > 0.1).all() == moves
        assert (led.audio.activity[-20:] > 0.5).all() == glides
        return float(led.fused.values[-20:, BASIC.index("Sadness")].mean())

    assert sadness(True, True) > 0.25 > 0.1 > max(sadness(False, True), sadness(True, False))
    with Analyzer(engines=engines(), audio_window_s=1.0).stream(spoken(True, True), latency_s=0.4) as stream:
        last = [row for update in stream for row in update.faces if row.id == 1][-1]
    assert last.static.activity[-1] > 0.1
    assert last.audio.activity[-1] > 0.5


def test_of_two_people_on_one_side_the_larger_is_answered_for() -> None:
    def both_left(index: int) -> Sequence[Square]:
        return [Square(2, side=24, grey=250), Square(30, side=48, grey=60)]

    analysis = analyse(source(both_left, sound=False))
    values, valid, activity = said(analysis, "left")
    large = max((face for face in analysis.faces if face.track), key=lambda face: np.ptp(face.track.boxes[0]))  # type: ignore[union-attr]
    assert valid[:, 0].all()
    np.testing.assert_array_equal(values[:, 0], large.static.values)
    np.testing.assert_array_equal(activity[:, 0], large.static.activity)
    assert not said(analysis, "right")[1][:, 0].any()


def moody(index: int) -> Sequence[Square]:
    """A face whose grey, and so what is said of it, changes after two seconds."""
    return [Square(10, side=48, grey=60 if index < 50 else 160)]


def test_a_face_at_rest_is_taken_off(usual: Analysis) -> None:
    plain = face(analyse(source(moody, sound=False)), 1)
    for words in ("first:1", "0-1", "own"):
        rebased = face(analyse(source(moody, sound=False), baseline=words), 1)
        assert rebased.static.values[:20].argmax(axis=1).tolist() == [0] * 20  # rest is Neutral
        assert not np.allclose(rebased.fused.values, plain.fused.values)
        assert not np.allclose(rebased.dynamic.values, plain.dynamic.values)


def test_live_a_face_at_rest_is_taken_off_once_it_is_known() -> None:
    def live(**options: Any) -> Any:
        chosen = {"fusion": "mean", "rule": "sum", **options}
        stream = Analyzer(engines=engines(), **chosen).stream(source(moody, sound=False), latency_s=0.5)
        return np.concatenate([one.static.values for update in stream for one in update.faces])

    plain, rebased = live(), live(baseline="first:1")
    np.testing.assert_array_equal(rebased[:25], plain[:25])
    assert not np.isclose(rebased[25:], plain[25:]).all(axis=1).any()
    with pytest.raises(UsageError, match="first:N"):
        live(baseline="own")


def known(analysis: Analysis, folder: Path) -> Path:
    """The file of somebody who always answers as in this analysis."""
    return person_of([analysis] * 3).write(folder / "person.json")


def test_what_is_usual_of_a_person_is_taken_off_faces_and_voice(usual: Analysis, tmp_path: Path) -> None:
    held = analyse(source(), person=known(usual, tmp_path))
    for name in ("static", "dynamic", "audio"):
        before, after = (np.log(face(one, LARGE).said[name].values[20]) for one in (usual, held))
        assert np.ptp(after) < 0.2 * np.ptp(before)  # hardly anything is left of a scene that shows one expression
    assert not np.allclose(face(held, LARGE).fused.values, face(usual, LARGE).fused.values)
    np.testing.assert_array_equal(held.audio.values[~held.audio.valid], 0)
    for again in ([held] * 3, [analyse(source(), baseline="own")] * 3):
        with pytest.raises(InputError, match="--person or --baseline"):
            person_of(again)


def test_a_voice_that_is_known_is_heard_by_the_second_answer(tmp_path: Path) -> None:
    """As if the audio model had no other one; in a file, and live. The first output counts for everybody else."""
    both, second = engines() | {"audio": UpsAndDowns()}, engines() | {"audio": Downs()}
    alone, one = analyse(source(), both), analyse(source(), second)
    np.testing.assert_array_equal(alone.audio.values, analyse(source(), engines() | {"audio": Ups()}).audio.values)
    np.testing.assert_allclose(alone.usual["audio"], usual_in({"audio": one.audio.values[one.audio.valid]})["audio"])
    paths = [known(analysis, make_folder(tmp_path / name)) for name, analysis in (("both", alone), ("one", one))]
    held, wanted = (analyse(source(), run, person=path) for run, path in zip((both, second), paths, strict=True))
    np.testing.assert_allclose(held.audio.values, wanted.audio.values, atol=1e-6)
    assert not np.allclose(held.audio.values, alone.audio.values)
    streams = [
        Analyzer(engines=run, fusion="mean", rule="sum", person=path).stream(source(), latency_s=0.5)
        for run, path in zip((both, second), paths, strict=True)
    ]
    heard = [np.concatenate([update.audio.values for update in stream]) for stream in streams]
    np.testing.assert_allclose(*heard, atol=1e-6)
    calm = person_of([alone], neutral=True).write(tmp_path / "calm.json")
    for options in ({"baseline": "own"}, {"person": calm}):
        np.testing.assert_array_equal(analyse(source(), both, **options).audio.values, alone.audio.values)


def test_a_voice_is_known_by_what_the_result_holds(usual: Analysis) -> None:
    """The mean of the second output; of a model that has one alone, what the frames say."""
    mean = np.linspace(-3, 0, 7)
    np.testing.assert_array_equal(person_of([replace(usual, usual={"audio": mean})] * 3).usual["audio"], mean)
    assert usual.usual == {}
    first = usual_in({"audio": usual.audio.values[usual.audio.valid]})["audio"]
    np.testing.assert_array_equal(person_of([usual] * 3).usual["audio"], first)


def test_one_neutral_analysis_corrects_the_faces_alone(usual: Analysis, tmp_path: Path) -> None:
    path = person_of([usual], neutral=True).write(tmp_path / "person.json")
    known_by = read_person(path).models
    assert set(known_by) == {"static", "dynamic"}  # any audio model will do
    held = analyse(source(), person=path)
    np.testing.assert_array_equal(held.audio.values, usual.audio.values)
    for name in known_by:  # the scene shows one expression, which is Neutral now
        np.testing.assert_allclose(face(held, LARGE).said[name].values[20], [0.4] + [0.1] * 6, atol=0.05)
    path.write_text(path.read_text(encoding="utf-8").replace(known_by["static"], "ab"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"person\.json: was made with another static model"):
        Analyzer(engines=engines(), person=path)


def test_live_a_person_is_known_from_the_first_row_on(usual: Analysis, tmp_path: Path) -> None:
    path = known(usual, tmp_path)
    stream = Analyzer(engines=engines(), fusion="mean", rule="sum", person=path).stream(source(), latency_s=0.5)
    updates = list(stream)
    faces = np.concatenate([one.static.values for update in updates for one in update.faces if one.id == LARGE])
    np.testing.assert_allclose(faces, face(stream.analysis, LARGE).static.values)
    voice = np.concatenate([update.audio.values for update in updates])
    np.testing.assert_allclose(voice, stream.analysis.audio.values)


def test_a_person_known_by_other_models_is_refused(usual: Analysis, tmp_path: Path) -> None:
    path = known(usual, tmp_path)
    known_by = read_person(path).models
    path.write_text(path.read_text(encoding="utf-8").replace(known_by["audio"], "ab"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"person\.json: was made with another audio model"):
        Analyzer(engines=engines(), person=path)
    other, unknown = (
        replace(usual, provenance=replace(usual.provenance, models=models)) for models in ({"audio": "mine"}, {})
    )
    with pytest.raises(InputError, match="other models than the clips before"):
        person_of([usual, other, usual])
    with pytest.raises(InputError, match="does not say which models made it"):
        person_of([unknown] * 3)


def test_a_person_is_read_once(usual: Analysis, tmp_path: Path) -> None:
    """What becomes of the file later changes neither an analysis nor what it says of itself."""
    path = known(usual, tmp_path)
    analyzer = Analyzer(engines=engines(), fusion="mean", rule="sum", person=path)
    before = analyzer.analyze(source())
    path.unlink()
    after = analyzer.analyze(source())
    assert after.provenance.identity == before.provenance.identity
    np.testing.assert_array_equal(face(after, LARGE).static.values, face(before, LARGE).static.values)


def test_the_p_value_of_a_comparison_is_two_sided() -> None:
    random = np.random.default_rng(0)
    labels, videos = random.integers(0, 7, 200), np.array([f"{row // 4}" for row in range(200)])
    good = np.where(random.random(200) < 0.6, labels, random.integers(0, 7, 200))
    fair = np.where(random.random(200) < 0.5, labels, random.integers(0, 7, 200))
    first, second = Run("first", labels, good, videos), Run("second", labels, fair, videos)
    found = beside(first, second)
    apart = intervals.macro_f1(drawn(second)) - intervals.macro_f1(drawn(first))
    one_sided = min(np.mean(apart <= 0), np.mean(apart >= 0))
    assert 0 < one_sided < 0.5
    assert found.p == pytest.approx(2 * one_sided)
    assert found.difference == pytest.approx(metrics.macro_f1(labels, fair) - metrics.macro_f1(labels, good))


ELSEWHERE = {
    "start": "tests/test_field.py", "end": "tests/test_field.py", "audio_track": "tests/test_field.py",
    "video_track": "tests/test_field.py", "times": "tests/output",
    "decision": "tests/test_pipeline.py",
}  # fmt: skip
"""Options whose way to the result is tested where they were made."""


def test_every_option_is_tested_here() -> None:
    """A new option needs a line that shows that it reaches the result."""
    text = Path(__file__).read_text(encoding="utf-8").split("def test_every_option")[0]
    names = {field.name for field in fields(Options)} - set(ELSEWHERE)
    forgotten = [name for name in sorted(names) if f"{name}=" not in text]
    assert not forgotten, f"show in tests/test_wiring.py that these reach the result: {forgotten}"

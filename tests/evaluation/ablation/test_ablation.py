"""Ablations: the list of variations, the parts by hand, and both uses of the command on small clips."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avcer import Analysis, Analyzer, cli
from avcer.decision.fuse import MEAN
from avcer.decision.policy import Policy
from avcer.errors import UsageError
from avcer.evaluation.ablation.clips import Story, decide_story
from avcer.evaluation.ablation.corpus import kept_only
from avcer.evaluation.ablation.report import document_of, panels, tables
from avcer.evaluation.ablation.variations import GROUPS, Ablation, Row, Variation, chosen_groups, variations, way_to_run
from avcer.evaluation.corpus_run import said
from avcer.evaluation.statistics.agreement import agreement, of_decisions, together
from avcer.evaluation.tables.frames import FrameTable
from avcer.options import SETTINGS, Options
from avcer.types import Clip, Double
from miniatures import EMODB, RAVDESS, fill, make_media, one_person, write_clip

POLICY = Policy(MEAN, rule="sum")
FILES = {"ablation.json", "ablation.png", "report.md"}


@pytest.fixture(scope="module")
def clip(short_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copy(short_clip, tmp_path_factory.mktemp("clip") / "made.mp4")


@pytest.fixture(scope="module")
def analysis(clip: Path) -> Analysis:
    return Analyzer(setting="fast").analyze(clip)


def leaning(*pairs: tuple[int, int]) -> Double:
    """``(T, 7)``: half on each emotion of a pair."""
    values = np.zeros((len(pairs), 7))
    for row, pair in zip(values, pairs, strict=True):
        row[list(pair)] = 0.5
    return values


def story_of(static: Double, dynamic: Double, audio: Double) -> Story:
    times_s = np.arange(len(static)) / 10
    clip = Clip(Path("x.mp4"), len(static) / 10, len(static), 10.0, 8, 8, 0, True, True)
    values = np.stack([static, dynamic, audio], axis=1)
    return Story(clip, times_s, values, values.any(axis=2), 1.0)


class TestVariations:
    @pytest.mark.parametrize("setting", SETTINGS)
    def test_every_one_can_be_applied_and_every_group_has_the_reference(self, setting: str) -> None:
        options = Options(setting=setting)  # type: ignore[arg-type]
        found = list(variations(options, GROUPS))
        for word in GROUPS:
            assert sum(one.is_reference(options) for name, one in found if name == word) == 1
        assert all(one.applied(options).windows.step_s <= one.applied(options).audio_window_s for _, one in found)

    def test_a_step_is_cut_to_the_window(self) -> None:
        options = Options(audio_step_s=2.0)
        assert Variation("", {"audio_window_s": 1.0}).applied(options).windows.step_s == 1
        assert Variation("", {"audio_step_s": 2.0}).applied(Options(audio_window_s=1.0)).windows.step_s == 1

    def test_a_group_without_the_reference_begins_with_it(self) -> None:
        names = [one.name for _, one in variations(Options(detect_every=3), ["detection"])]
        assert names[:2] == ["reference", "every frame"]

    def test_rules_and_vocabularies_ask_nothing_new(self) -> None:
        own = way_to_run(Options())
        for word in ("modalities", "rules", "vocabularies"):
            assert {way_to_run(one.applied(Options())) for one in GROUPS[word].variations} == {own}
        assert len({way_to_run(one.applied(Options())) for one in GROUPS["window"].variations}) == 4

    def test_groups_by_their_words(self) -> None:
        assert chosen_groups("rules, window,rules") == ("rules", "window")
        assert chosen_groups(None) == tuple(GROUPS)
        for words in ("rules,colour", ","):
            with pytest.raises(UsageError, match="modalities"):
                chosen_groups(words)


class TestByHand:
    def test_models_left_out_give_their_weight_to_the_others(self) -> None:
        """Sadly Angry is 4 of C-EXPR-DB's, Happily Surprised 1."""
        angry, happy, nothing = (1, 5), (4, 6), np.zeros((2, 7))
        story = story_of(leaning(angry, angry), nothing, leaning(happy, angry))
        names = POLICY.vocabulary.names
        both, static, audio = (
            decide_story(story, POLICY, kept)
            for kept in (("static", "dynamic", "audio"), ("static", "dynamic"), ("dynamic", "audio"))
        )
        assert both.fused.values[0, [1, 4, 5, 6]] == pytest.approx(0.25)
        assert [names[index] for index in static.expression.classes] == ["Sadly Angry", "Sadly Angry"]
        assert [names[index] for index in audio.expression.classes] == ["Happily Surprised", "Sadly Angry"]
        assert (static.segments, audio.segments) == (1, 2)
        assert static.fused.values.sum(axis=1) == pytest.approx(1)

    def test_frames_on_which_nobody_is_left_are_not_decided(self) -> None:
        story = story_of(leaning((1, 5), (1, 5)), np.zeros((2, 7)), np.zeros((2, 7)))
        decided = decide_story(story, POLICY, ("audio",))
        assert not decided.expression.valid.any()
        assert decided.segments == 0

    def test_agreement(self) -> None:
        """Half of the frames alike; on the other all of the sum lies elsewhere: 2 over 7 emotions, and 2 frames."""
        one = decide_story(story_of(*[leaning((1, 5), (1, 5))] * 3), POLICY)
        other = decide_story(story_of(*[leaning((1, 5), (4, 6))] * 3), POLICY)
        found = of_decisions(one.fused, one.expression, other.fused, other.expression)
        assert (found.frames, found.same) == (2, 1)
        assert found.difference == pytest.approx(2 / 7 / 2)
        same = of_decisions(one.fused, one.expression, one.fused, one.expression)
        assert together([found, same]).share == 0.75
        assert together([found, same]).difference == pytest.approx(found.difference / 2)

    def test_a_table_of_which_one_model_is_kept(self) -> None:
        table = FrameTable(
            np.full((1, 3, 7), 1 / 7), np.array([[True, False, True]]), np.array(["Fear"]), np.array([""])
        )
        kept = kept_only(table, ("dynamic", "audio"))
        assert kept.valid.tolist() == [[False, False, True]]
        assert kept.values.sum(axis=(0, 2)) == pytest.approx([0, 0, 1])

    def test_tables_leave_out_what_no_row_has(self) -> None:
        spans = {"macro_f1": (0.4, 0.6), "difference": (-0.2, 0.1)}
        rows = (
            Row("rules", "1", True, {"macro_f1": 0.55, "difference": None, "none": 0.1}, {}),
            Row("rules", "2", False, {"macro_f1": 0.5, "difference": -0.05, "none": None}, spans),
        )
        ablation = Ablation("", rows, (), {})
        [(title, (headings, cells))] = tables(ablation, without=("none",)).items()
        assert (title, headings) == ("Rule", ["", "macro F1", "difference"])
        assert cells == [["1 (reference)", "0.550", ""], ["2", "0.500 (0.400 to 0.600)", "-0.050 (-0.200 to +0.100)"]]
        [panel] = panels(ablation)
        assert (panel.measured, panel.reference) == ("macro F1", "1")
        assert panel.points["2"] == (0.5, 0.4, 0.6)


def test_a_story_is_decided_as_the_pipeline_does(analysis: Analysis) -> None:
    analyzer = Analyzer(setting="fast")
    values, valid, activity = said(analysis)
    story = Story(analysis.clip, analysis.times_s, values, valid, 1.0, activity)
    decided = decide_story(story, analyzer.policy, smoothing=analyzer.options.smoothing())
    expected = analysis.leader("AV")
    assert np.array_equal(decided.expression.classes, expected.classes)
    assert np.array_equal(decided.expression.valid, expected.valid)
    assert decided.fused.values == pytest.approx(analysis.leader_fused().values)
    assert agreement(analysis, replace(analysis)).share == 1


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the variations that need a run of their own, the two last of their group: the first is as ``fast`` is."""
    for word in ("classification", "step"):
        monkeypatch.setitem(GROUPS, word, replace(GROUPS[word], variations=GROUPS[word].variations[-2:]))


@pytest.mark.usefixtures("few")
def test_clips_by_the_command(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, missing = tmp_path / "out", tmp_path / "missing.mp4"
    arguments = ["ablate", str(clip), str(missing), "--out", str(out), "--setting", "fast", "--json"]
    assert cli.main([*arguments, "--groups", "modalities,vocabularies,step"]) == 1
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert "left out" in shown.err
    assert document == json.loads((out / "ablation.json").read_text())
    assert {path.name for path in out.iterdir()} == FILES
    assert (document["left_out"], document["about"]["clips"]) == (["missing.mp4"], ["made.mp4"])
    rows = {row["name"]: row for group in document["groups"].values() for row in group}
    assert rows["VS + VD + A"]["is_reference"]
    assert rows["VS + VD + A"]["numbers"]["same"] == 1
    assert rows["A alone"]["numbers"]["difference"] > 0
    assert rows["A alone"]["numbers"]["real_time_factor"] is None
    assert rows["2 s"]["numbers"]["real_time_factor"] > 0
    assert rows["du"]["numbers"]["same"] is None
    assert 0 <= rows["du"]["numbers"]["none"] <= 1
    report = (out / "report.md").read_text()
    for word in ("## Models left out", "| without VS |", "1 s (reference)", "## Left out", "segments a minute"):
        assert word in report


@pytest.mark.usefixtures("few")
def test_a_corpus_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, out = fill(tmp_path / "corpus", RAVDESS, make_media(tmp_path)), tmp_path / "out"
    groups = "modalities,classification"
    arguments = ["ablate", "ravdess", str(root), "--out", str(out), "--setting", "fast", "--groups", groups]
    assert cli.main(arguments) == 0
    shown = capsys.readouterr()
    assert "Models left out" in shown.out
    assert "1/2 " in shown.err
    assert {path.name for path in out.iterdir()} == FILES | {"runs"}
    assert {path.name for path in (out / "runs").iterdir()} == {"reference", "fps-5"}
    groups = json.loads((out / "ablation.json").read_text())["groups"]
    first, *others = groups["modalities"]
    assert first["numbers"]["difference"] == 0
    assert first["numbers"]["n"] == 2
    assert set(first["intervals"]) == {"uar", "macro_f1", "difference"}
    for row in others:
        assert row["numbers"]["difference"] == pytest.approx(row["numbers"]["macro_f1"] - first["numbers"]["macro_f1"])
    assert cli.main(arguments) == 0
    again = capsys.readouterr()
    assert "1/2 " not in again.err
    assert again.out == shown.out
    assert cli.main([*arguments, "--setting", "exact"]) == 2


def test_compounds_are_scored_under_every_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_clip(tmp_path / "a.mp4", one_person())
    (tmp_path / "table.csv").write_text("path,label\na.mp4,Happily Surprised\n")
    arguments = ["ablate", "table", str(tmp_path / "table.csv"), "--out", str(tmp_path / "out"), "--setting", "fast"]
    assert cli.main([*arguments, "--groups", "rules", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["groups"]["rules"]
    assert all(row["numbers"]["compound_n"] == 1 and "uar" not in row["numbers"] for row in rows)


def test_recordings_are_not_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, out = fill(tmp_path / "corpus", EMODB, make_media(tmp_path)), tmp_path / "out"
    arguments = ["ablate", "emodb", str(root), "--out", str(out), "--groups"]
    assert cli.main([*arguments, "detection"]) == 2
    assert "has no videos" in capsys.readouterr().err
    assert cli.main([*arguments, "modalities,detection", "--json"]) == 0
    [rows] = json.loads(capsys.readouterr().out)["groups"].values()
    numbers = {row["name"]: row["numbers"] for row in rows}
    assert numbers["A alone"]["macro_f1"] == numbers["VS + VD + A"]["macro_f1"]
    assert numbers["without A"]["macro_f1"] == 0


@pytest.mark.parametrize(
    ("arguments", "said_so"),
    [
        (["x.mp4", "--part", "test"], "leave --part"),
        (["x.mp4", "--groups", "colour"], "colour"),
        (["c-expr-db", "x"], "labels are with the organisers"),
        (["meld"], "needs one folder"),
    ],
)
def test_wrong_usage(arguments: list[str], said_so: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ablate", *arguments, "--out", str(tmp_path / "out")]) == 2
    assert said_so in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_numbers_that_mean_nothing_are_null() -> None:
    row = Row("rules", "1", True, {"same": 1.0, "none": None}, {"same": (float("nan"), float("nan"))})
    assert document_of(Ablation("", (row,), (), {}))["groups"]["rules"][0]["intervals"] == {"same": [None, None]}

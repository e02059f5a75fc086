"""Speaker normalisation of a benchmark's answers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from avcer.decision.fuse import MEAN
from avcer.decision.policy import Policy
from avcer.evaluation.corpora.record import Sample
from avcer.evaluation.statistics import metrics
from avcer.evaluation.strangers import score
from avcer.evaluation.strangers.report import tables
from avcer.evaluation.strangers.run import Benchmark
from avcer.evaluation.strangers.sets import LabelledSet
from avcer.evaluation.strangers.speakers import normalised_rows, without_speakers
from avcer.evaluation.tables.frames import FrameTable
from avcer.labels import BASIC
from avcer.modalities import AUDIO, MODALITIES
from avcer.types import Double

LABELS = np.tile(np.arange(len(BASIC)), 2)
SPEAKERS = np.repeat(["angry", "sad"], len(BASIC))


def answers() -> Double:
    """Two speakers who speak of each emotion once; one sounds angry, the other sad, whatever they say."""
    values = np.full((len(LABELS), len(BASIC)), 0.05)
    values[np.arange(len(LABELS)), LABELS] += 0.2
    values[SPEAKERS == "angry", BASIC.index("Anger")] += 0.5
    values[SPEAKERS == "sad", BASIC.index("Sadness")] += 0.5
    return values / values.sum(axis=1, keepdims=True)


def test_what_is_usual_of_each_speaker_is_taken_off() -> None:
    assert metrics.uar(LABELS, answers().argmax(axis=1)) < 0.3
    assert metrics.uar(LABELS, normalised_rows(answers(), SPEAKERS).argmax(axis=1)) == 1


def test_an_item_is_held_against_the_others_alone() -> None:
    """What is taken off the first item does not depend on it; what is taken off its speaker's others does."""
    changed = answers()
    changed[0] = np.roll(changed[0], 3)
    taken = [normalised_rows(values, SPEAKERS) / values for values in (answers(), changed)]
    first, second = (one / one[:, :1] for one in taken)
    np.testing.assert_allclose(first[0], second[0])
    assert not np.isclose(first[1:7], second[1:7]).all(axis=1).any()
    np.testing.assert_allclose(first[7:], second[7:])


def test_a_speaker_of_three_items_stays_as_it_is() -> None:
    np.testing.assert_array_equal(normalised_rows(answers()[:3], SPEAKERS[:3]), answers()[:3])
    assert not np.allclose(normalised_rows(answers()[:4], SPEAKERS[:4]), answers()[:4])


def test_the_frames_of_clips_on_which_a_model_says_something() -> None:
    def table(row: Double) -> FrameTable:
        values = np.zeros((2, len(MODALITIES), len(BASIC)))
        values[0] = row
        valid = np.array([[True] * len(MODALITIES), [False] * len(MODALITIES)])
        return FrameTable(values, valid, np.array(["Fear", "Fear"]), np.array(["a", "a"]))

    found = without_speakers([table(row) for row in answers()], SPEAKERS)
    for place in range(len(MODALITIES)):
        np.testing.assert_allclose(
            np.stack([one.values[0, place] for one in found]), normalised_rows(answers(), SPEAKERS), atol=1e-12
        )
    assert not any(one.values[1].any() for one in found)


def test_nobody_is_normalised_where_every_item_has_a_speaker_of_its_own() -> None:
    items = LabelledSet(
        "own", "voices", LABELS, np.arange(len(LABELS)).astype(str), lambda place: np.full(9, place, np.float32)
    )
    row = score.rated(items, lambda sound: answers()[int(sound[0])], "mini", False, print)
    assert row is not None
    assert "normalised" not in row.curves["A"]
    assert list(tables(Benchmark((row,), ()))) == ["Voices"]


def test_a_second_answer_is_what_is_normalised() -> None:
    """Of voices and of clips; by itself, each item has the first one."""
    flat = np.full(len(BASIC), 1 / len(BASIC))
    sounds = {place: np.full(16_000, place, np.float32) for place in range(len(LABELS))}
    items = LabelledSet("own", "voices", LABELS, SPEAKERS, lambda place: sounds[place])
    row = score.rated(items, lambda sound: score.Answer(flat, answers()[int(sound[0])]), "mini", False, print)
    assert row is not None
    assert (row.curves["A"]["uar"], row.curves["A"]["normalised"]["uar"]) == (1 / 7, 1)


def test_of_a_speaker_with_too_few_items_the_first_answer_counts() -> None:
    values, relative = answers()[:5], np.roll(answers()[:5], 1, axis=1)
    speakers = np.array(["angry"] * 4 + ["sad"])
    found = normalised_rows(values, speakers, relative)
    np.testing.assert_array_equal(found[4], values[4])
    np.testing.assert_allclose(found[:4], normalised_rows(relative[:4], speakers[:4]))


def test_of_clips_the_second_answer_of_the_voice_is_normalised(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = MODALITIES.index(AUDIO)

    def table(place: int, relative: bool) -> FrameTable:
        values, valid = np.full((1, len(MODALITIES), len(BASIC)), 1 / len(BASIC)), np.zeros((1, len(MODALITIES)), bool)
        valid[0, audio] = True
        if relative:
            values[0, audio] = answers()[place]
        return FrameTable(values, valid, np.array([BASIC[LABELS[place]]]), np.array([f"{place}"]))

    def told(sample: Sample, _: Any) -> SimpleNamespace:
        place = int(sample.name)
        return SimpleNamespace(table=lambda: table(place, False), relative_table=lambda: table(place, True))

    monkeypatch.setattr(score, "ask", told)
    monkeypatch.setattr(score, "probe", lambda path: SimpleNamespace(duration_s=1.0))
    items = LabelledSet("own", "clips", LABELS, SPEAKERS, lambda place: Sample(f"{place}", Path("x.mp4")))
    analyzer: Any = SimpleNamespace(policy=Policy(MEAN, rule="sum"))
    row = score.analysed(items, analyzer, "mini", False, print)
    assert row is not None
    assert row.curves["A"]["uar"] < 0.3
    assert row.curves["A"]["normalised"]["uar"] == 1


def test_both_scores_of_voices_are_told() -> None:
    sounds = {place: np.full(16_000, place, np.float32) for place in range(len(LABELS))}
    items = LabelledSet("own", "voices", LABELS, SPEAKERS, lambda place: sounds[place])
    row = score.rated(items, lambda sound: answers()[int(sound[0])], "mini", False, print)
    assert row is not None
    found = row.curves["A"]
    assert found["uar"] < 0.3
    assert found["normalised"]["uar"] == 1
    shown = tables(Benchmark((row,), ()))
    assert list(shown) == ["Voices", "Voices, speaker-normalised"]
    place = shown["Voices"][0].index("UAR")
    assert float(shown["Voices"][1][0][place].split()[0]) == pytest.approx(found["uar"], abs=1e-3)
    assert shown["Voices, speaker-normalised"][1][0][place].startswith("1.000")

"""What is usual of a person, taken off what the models say of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avcer.decision.person import Person, read_person, usual_in
from avcer.errors import InputError, UsageError
from avcer.labels import BASIC
from avcer.types import Double

MODELS = {"static": "ab"}


def shown(emotion: str, stern: float = 0.5) -> Double:
    """Three rows of somebody whose every face looks angry, and a little like ``emotion``."""
    row = np.full(len(BASIC), 0.05)
    row[BASIC.index(emotion)] += 0.15
    row[BASIC.index("Anger")] += stern
    return np.stack([row / row.sum()] * 3)


def stern() -> Person:
    """Known by a clip of each emotion."""
    return Person.of([usual_in({"static": shown(emotion)}) for emotion in BASIC], MODELS)


@pytest.mark.parametrize("emotion", BASIC)
def test_what_is_usual_no_longer_hides_what_is_shown(emotion: str) -> None:
    assert shown(emotion).argmax(axis=1).tolist() == [BASIC.index("Anger")] * 3
    held = stern().without("static", shown(emotion))
    assert held.argmax(axis=1).tolist() == [BASIC.index(emotion)] * 3
    assert held.sum(axis=1) == pytest.approx(1)


def test_over_the_persons_own_clips_every_emotion_is_as_likely() -> None:
    held = [usual_in({"static": stern().without("static", shown(emotion))})["static"] for emotion in BASIC]
    apart = np.mean(held, axis=0)
    np.testing.assert_allclose(apart, np.full(len(BASIC), apart[0]), atol=0.02)


def test_each_clip_counts_the_same_however_long_it_is() -> None:
    short, long = shown("Fear"), np.concatenate([shown("Sadness")] * 9)
    first = Person.of([usual_in({"static": short}), usual_in({"static": long})] * 2, MODELS)
    second = Person.of([usual_in({"static": shown("Fear")}), usual_in({"static": shown("Sadness")})] * 2, MODELS)
    np.testing.assert_allclose(first.usual["static"], second.usual["static"])


def test_a_modality_that_said_nothing_stays_as_it_is() -> None:
    clips = [usual_in({"static": shown("Fear"), "audio": np.zeros((0, 7))})] * 3
    person = Person.of(clips, MODELS)
    assert set(person.usual) == {"static"}
    np.testing.assert_array_equal(person.voice(shown("Fear")), shown("Fear"))


def test_it_is_known_before_the_first_row() -> None:
    """However the rows of a face are cut."""
    person, said, times_s = stern(), {"static": shown("Fear")}, np.arange(3) / 10
    whole = person.faces(said, times_s, 0.0)["static"]
    running = person.running()
    parts = [running({"static": said["static"][cut]}, times_s[cut], 0)["static"] for cut in (slice(1), slice(1, 3))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert person.causal


def test_one_neutral_clip_tells_of_the_face() -> None:
    """Of somebody who looks angry when speaking neutrally."""
    calm, voice = shown("Neutral"), shown("Fear")
    person = Person.of([usual_in({"static": calm, "audio": voice})], MODELS | {"audio": "cd"}, neutral=True)
    assert (set(person.usual), person.models) == ({"static"}, MODELS)  # any audio model will do
    np.testing.assert_array_equal(person.voice(voice), voice)
    np.testing.assert_allclose(
        person.faces({"static": calm}, np.arange(3) / 10, 0.0)["static"], [[0.4] + [0.1] * 6] * 3
    )
    for emotion in BASIC:
        assert person.without("static", shown(emotion)).argmax(axis=1).tolist() == [BASIC.index(emotion)] * 3
    with pytest.raises(InputError, match="no face is in any of these clips; give one in which the person is seen"):
        Person.of([usual_in({"audio": voice})], MODELS, neutral=True)


def test_each_neutral_clip_with_a_face_counts_the_same() -> None:
    one, other = (usual_in({"static": shown(emotion)}) for emotion in ("Neutral", "Sadness"))
    person = Person.of([one, {}, other], MODELS, neutral=True)
    np.testing.assert_allclose(person.usual["static"], (one["static"] + other["static"]) / 2)
    assert person.clips == 2


def test_a_neutral_person_is_known_live() -> None:
    person = Person.of([usual_in({"static": shown("Neutral")})], MODELS, neutral=True)
    said, times_s = {"static": shown("Fear")}, np.arange(3) / 10
    np.testing.assert_array_equal(
        person.running()(said, times_s, 0)["static"], person.faces(said, times_s, 0.0)["static"]
    )


def test_two_clips_are_too_few() -> None:
    two = [usual_in({"static": shown("Fear")})] * 2
    with pytest.raises(InputError, match="too few clips: a face or a voice is in 2 of them; give 3 or more"):
        Person.of([*two, {}, {}], MODELS)
    with pytest.raises(InputError, match="in 0 of them"):
        Person.of([], MODELS)


def test_each_modality_needs_three_clips() -> None:
    both = usual_in({"static": shown("Fear"), "audio": shown("Sadness")})
    assert set(Person.of([both, both, {"audio": both["audio"]}], MODELS).usual) == {"audio"}


def test_the_file_gives_the_person_again(tmp_path: Path) -> None:
    path = stern().write(tmp_path / "person.json")
    found = read_person(path)
    assert (found.clips, found.models) == (len(BASIC), MODELS)
    np.testing.assert_allclose(found.usual["static"], stern().usual["static"], atol=1e-6)
    assert found.as_dict() == stern().as_dict()
    assert "shows" not in stern().as_dict()  # the same person as before there were neutral ones
    assert read_person(replace(stern(), neutral=True).write(path)).neutral
    path.write_text(json.dumps(stern().as_dict() | {"clips": 12345}), encoding="utf-8")
    assert read_person(path).clips == 12345


@pytest.mark.parametrize("text", [
    "", "[]", "{}", '{"format": "avcer-fusion"}', '{"format": "avcer-person", "usual": 1, "clips": 3, "models": {}}',
    '{"format": "avcer-person", "usual": {"static": [1, 2]}, "clips": 3, "models": {}}',
    '{"format": "avcer-person", "usual": {"static": [1, 2, 3, 4, 5, 6, NaN]}, "clips": 3, "models": {}}',
    '{"format": "avcer-person", "usual": {"static": [1, 2, 3, 4, 5, 6, 7]}, "clips": "x", "models": {}}',
    '{"format": "avcer-person", "usual": {}, "clips": 3, "models": {}}',
    '{"format": "avcer-person", "usual": {"smell": [1, 2, 3, 4, 5, 6, 7]}, "clips": 3, "models": {}}',
    '{"format": "avcer-person", "usual": {"static": [1, 2, 3, 4, 5, 6, 7]}, "clips": 3, "models": 5}',
    '{"format": "avcer-person", "usual": {"static": [1, 2, 3, 4, 5, 6, 7]}, "clips": 3, "models": {}, "shows": "joy"}',
    '{"format": "avcer-person", "usual": {"audio": [1, 2, 3, 4, 5, 6, 7]}, "clips": 3, "models": {}, "shows": "neutral"'
    "}",
], ids=range(13))  # fmt: skip
def test_another_file_is_refused_in_a_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "person.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"person\.json: is not a person file") as caught:
        read_person(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such person file; write one with avcer person"):
        read_person(tmp_path / "none.json")

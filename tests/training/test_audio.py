from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pytest
import torch
from pyarrow import parquet

from avcer.emotion.audio import AudioModel
from avcer.emotion.waveform import WINDOW
from avcer.errors import InputError
from avcer.evaluation.tables.speech import SpeechTable, read_speech, windows
from avcer.labels import BASIC
from avcer.models.card import ModelCard
from avcer.models.networks.mini_audio import Measures, MiniAudio
from avcer.models.runtime import OpenVINOEngine
from avcer.models.store import InstalledModel
from avcer.training import audio
from avcer.training.loop import Plan
from avcer.training.speech import Variation, _mu_law, speechless
from avcer.types import Float
from made_up import angry_and_calm, encoded, utterance


@pytest.fixture(scope="module")
def tones(spoken_tones: Path) -> SpeechTable:
    return read_speech(spoken_tones)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return replace(Plan.read(audio.RECIPE), epochs=2, steps_per_epoch=2, batch_size=8, average_decay=0.5)


class TestTable:
    def test_words_become_emotions_and_others_are_left_out(self, tones: SpeechTable) -> None:
        assert tones.name == "tones"
        assert len(tones) == 32
        assert sorted(set(tones.labels.tolist())) == [BASIC.index("Neutral"), BASIC.index("Anger")]

    def test_no_speaker_is_on_both_sides(self, tones: SpeechTable) -> None:
        kept = set(tones.speakers[tones.validation])
        assert kept
        assert kept.isdisjoint(tones.speakers[~tones.validation])
        assert len(tones.rows(tones.validation)) == tones.validation.sum()

    def test_known_sets_keep_known_speakers(self, tmp_path: Path) -> None:
        path = tmp_path / "ravdess-00.parquet"
        sound = encoded(utterance("calm", 0))
        parquet.write_table(pyarrow.table({"emotion": ["sad"] * 3, "actor": [1, 16, 17], "audio": [sound] * 3}), path)
        assert read_speech(path).validation.tolist() == [False, False, True]

    @pytest.mark.parametrize(
        ("columns", "what"),
        [
            ({"emotion": ["calm"], "audio": [b"x"]}, "columns"),
            ({"emotion": ["calm"], "audio": [b"x"], "speaker": ["a"]}, "decoded"),
            ({"emotion": ["bored"], "audio": [b"x"], "speaker": ["a"]}, "no recording"),
            ({"emotion": ["calm"], "audio": [encoded(np.zeros(80, np.float32), 8000)], "speaker": ["a"]}, "16000 Hz"),
        ],
    )
    def test_another_table_is_refused(self, tmp_path: Path, columns: dict[str, list[object]], what: str) -> None:
        path = tmp_path / "x.parquet"
        parquet.write_table(pyarrow.table(columns), path)
        with pytest.raises(InputError, match=what):
            read_speech(path)

    def test_a_file_of_another_kind_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "x.parquet"
        path.write_bytes(b"not a table")
        with pytest.raises(InputError, match="Parquet"):
            read_speech(path)

    def test_windows_are_whole_but_for_a_short_recording(self) -> None:
        assert [len(window) for window in windows(np.zeros(80_000, np.float32))] == [64_000] * 3
        assert [len(window) for window in windows(np.zeros(5_000, np.float32))] == [5_000]


class TestVariation:
    def test_a_seed_gives_the_same_recording(self, plan: Plan) -> None:
        sound = utterance("calm", 0)
        first, again, other = (Variation(plan.options["variation"], seed)(sound) for seed in (1, 1, 2))
        assert np.array_equal(first, again)
        assert len(first) != len(other) or not np.array_equal(first, other)

    def test_it_makes_windows_of_any_recording(self, plan: Plan) -> None:
        everything = dict.fromkeys(("late", "low_pass", "high_pass", "room", "noise", "coarse"), 1.0)
        vary = Variation(plan.options["variation"] | everything | {"whole": 0.5}, 0)
        for length in (1, 500, 30_000, 64_000, 100_000):
            for _ in range(3):
                varied = vary(np.random.default_rng(length).standard_normal(length).astype(np.float32))
                assert 1 <= len(varied) <= WINDOW
                assert varied.dtype == np.float32
                assert np.isfinite(varied).all()
        assert np.isfinite(vary(np.zeros(8000, np.float32))).all()

    def test_switched_off_it_gives_the_sound_back(self, plan: Plan) -> None:
        off = dict.fromkeys(plan.options["variation"], 0.0) | {"whole": 1.0}
        sound = utterance("calm", 0)
        np.testing.assert_allclose(Variation(off, 0)(sound), sound, atol=1e-6)

    def test_fewer_bits_are_coarser(self) -> None:
        sound = utterance("calm", 0)
        errors = [np.abs(_mu_law(sound, bits) - sound).mean() for bits in (4, 6, 8)]
        assert errors[0] > errors[1] > errors[2] > 0

    def test_sounds_without_speech_are_sounds(self) -> None:
        for sound in speechless(9, seed=0):
            assert np.isfinite(sound).all()
            assert sound.std() > 0


class TestMeasures:
    """The measures of the network against the same worked out in NumPy."""

    @pytest.fixture
    def heard(self) -> Float:
        times = np.arange(32_000) / 16000
        glide = np.sin(2 * np.pi * np.cumsum(150 + 50 * times) / 16000)
        sound = glide + 0.5 * np.sin(4 * np.pi * np.cumsum(150 + 50 * times) / 16000)
        return audio.FRAMES(sound.astype(np.float32))

    def test_pitch_is_measured_where_there_is_a_voice(self, heard: Float) -> None:
        found = Measures()(torch.from_numpy(heard)[None])[0]
        voiced = (heard[66] > -2.35) & (heard[65] > 0.5)
        place = 2 * (3 * 20 + 64 + 4)
        assert float(found[place]) == pytest.approx(heard[64, voiced].mean(), abs=0.02)
        assert 100 * 2 ** float(found[place]) == pytest.approx(200, rel=0.05)

    def test_a_rising_pitch_drifts_upwards(self, heard: Float) -> None:
        drift = -5
        rising = float(Measures()(torch.from_numpy(heard)[None])[0, drift])
        falling = float(Measures()(torch.from_numpy(heard[:, ::-1].copy())[None])[0, drift])
        assert rising > 0.4
        assert falling < rising

    def test_silence_after_a_sound_is_not_measured(self, heard: Float) -> None:
        """Pitch, loudness and timbre stay; only the shares of speech in the window change."""
        shorter = heard.copy()
        shorter[:, 100:] = audio.FRAMES.nothing(heard[None])[0][:, None]
        both = Measures()(torch.from_numpy(np.stack([heard, shorter])))
        assert float(both[0, -3]) > float(both[1, -3])
        assert torch.isfinite(both).all()


class TestTraining:
    def test_targets_of_a_set_without_a_class_leave_it_alone(self, tones: SpeechTable, plan: Plan) -> None:
        sounds = audio.prepare([tones], plan)
        assert sounds.chances.sum() == pytest.approx(1)
        synthetic = sounds.possible.all(axis=1)
        assert sounds.chances[synthetic].sum() == pytest.approx(plan.options["speechless"])
        assert set(np.flatnonzero(sounds.possible[~synthetic].all(axis=0))) == {0, 1}

    def test_the_ear_has_harder_examples_than_the_judge(self, plan: Plan) -> None:
        inputs = np.stack([audio.FRAMES(utterance(word, 0)) for word in ("calm", "angry")])
        kept, targets, possible = inputs.copy(), np.eye(7, dtype=np.float32)[:2], np.eye(7, dtype=bool)[:2]
        options = plan.options["harder"]
        mixed, both, either = audio._harder(inputs, targets, possible, options, np.random.default_rng(0))
        assert np.array_equal(inputs, kept)
        assert not np.array_equal(mixed, kept)
        assert both.sum(axis=1) == pytest.approx(1)
        assert either[:, :2].all()

    def test_a_table_of_one_speaker_is_refused(self, spoken_tones: Path, tmp_path: Path) -> None:
        table = parquet.read_table(spoken_tones)
        path = tmp_path / "one.parquet"
        parquet.write_table(table.filter([name == "a" for name in table["speaker"].to_pylist()]), path)
        with pytest.raises(InputError, match="speakers"):
            audio.read_tables([path])

    def test_from_tables_to_a_model_that_runs_and_resumes(
        self, spoken_tones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recipe = audio.RECIPE.read_text(encoding="utf-8")
        recipe = re.sub(r"steps_per_epoch = \d+", "steps_per_epoch = 2", recipe)
        recipe = re.sub(r"batch_size = \d+", "batch_size = 8", recipe)
        assert tomllib.loads(recipe)["steps_per_epoch"] == 2
        monkeypatch.setattr(audio, "RECIPE", tmp_path / "audio.toml")
        audio.RECIPE.write_text(recipe, encoding="utf-8")
        said: list[str] = []
        card = audio.train([spoken_tones], tmp_path / "out", epochs=1, report=said.append)
        assert card == ModelCard.read(tmp_path / "out" / "model")
        assert card.labels == BASIC
        assert {"uar", "ece", "ece_before", "per_class"} <= set(card.scores["tones"])
        assert any(line.startswith("epoch 1/1") for line in said)
        _assert_runs(InstalledModel(card, tmp_path / "out" / "model"))
        said.clear()
        audio.train([spoken_tones], tmp_path / "out", epochs=1, report=said.append)
        assert not any(line.startswith("epoch") for line in said)


def _assert_runs(installed: InstalledModel) -> None:
    model = AudioModel(installed.card, OpenVINOEngine(installed, "float32"))
    logits = model.predict([utterance("angry", 1), utterance("calm", 2)])
    assert logits.shape == (2, 7)
    assert np.isfinite(logits).all()


def test_each_part_of_the_network_can_be_asked(tmp_path: Path) -> None:
    """The answer of the whole is the mean of its parts'."""
    network, table = MiniAudio().eval(), read_speech(angry_and_calm(tmp_path, "one"))
    whole, *parts = (audio.table_logits(part, table) for part in (network, network.judge, network.ear))
    assert whole.shape == (len(table), 7)
    np.testing.assert_allclose(whole, np.mean(parts, axis=0), atol=1e-5)

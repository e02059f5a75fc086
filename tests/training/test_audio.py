from __future__ import annotations

import io
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pytest
import soundfile
import torch
from pyarrow import parquet

from avcer.emotion.audio import AudioModel
from avcer.errors import InputError
from avcer.evaluation.speech import SpeechTable, read_speech, windows
from avcer.labels import BASIC
from avcer.models.card import ModelCard
from avcer.models.runtime import OpenVINOEngine
from avcer.models.store import InstalledModel
from avcer.training import audio
from avcer.training.loop import Plan
from avcer.training.speech import LONGEST, Augmentation, normalise, speechless, stack
from avcer.types import Float

SPEAKERS = tuple("abcdefgh")
"""By the hash of their names, ``g`` alone is kept for validation."""


def utterance(emotion: str, seed: int) -> Float:
    """Anger is a high steady tone, calm a low one, boredom something else."""
    random = np.random.default_rng(seed)
    times = np.arange(random.integers(12000, 40000)) / 16000
    pitch = {"angry": 1500, "calm": 300}.get(emotion, 700) * random.uniform(0.9, 1.1)
    sound: Float = (0.1 * np.sin(2 * np.pi * pitch * times)).astype(np.float32)
    return sound + random.normal(0, 0.001, len(times)).astype(np.float32)


def encoded(samples: Float, rate: int = 16000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="FLAC")
    return file.getvalue()


@pytest.fixture(scope="module")
def table_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = [word for word in ("angry", "calm", "boredom") for _ in SPEAKERS for _ in range(2)]
    speakers = [speaker for _ in range(3) for speaker in SPEAKERS for _ in range(2)]
    sounds = [encoded(utterance(word, seed)) for seed, word in enumerate(words)]
    path = tmp_path_factory.mktemp("tables") / "tones-00.parquet"
    parquet.write_table(pyarrow.table({"emotion": words, "speaker": speakers, "audio": sounds}), path)
    return path


@pytest.fixture(scope="module")
def tones(table_path: Path) -> SpeechTable:
    return read_speech(table_path)


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


class TestAugmentation:
    def test_a_seed_gives_the_same_batch(self, tones: SpeechTable, plan: Plan) -> None:
        decibels, lengths = (torch.from_numpy(part).float() for part in stack(tones.recordings[:8], audio.SETTINGS))
        first, again, other = (
            Augmentation(audio.SETTINGS, plan.options["augmentation"], seed)(decibels, lengths) for seed in (1, 1, 2)
        )
        assert first.shape == (8, audio.SETTINGS.bands, audio.SETTINGS.frames)
        assert torch.isfinite(first).all()
        assert torch.equal(first, again)
        assert not torch.equal(first, other)

    def test_switched_off_it_is_what_the_model_hears(self, tones: SpeechTable, plan: Plan) -> None:
        off = dict.fromkeys(plan.options["augmentation"], 0.0) | {"whole": 1.0, "lowest_cutoff_hz": 1000.0}
        decibels, lengths = stack(tones.recordings[:4], audio.SETTINGS)
        augment = Augmentation(audio.SETTINGS, off, 0)
        found = augment(torch.from_numpy(decibels), torch.from_numpy(lengths).float()).numpy()
        for row, recording in enumerate(tones.recordings[:4]):
            frames = int(lengths[row])
            expected = audio.SETTINGS(recording)[:, :frames]
            offset = np.median(found[row, :, :frames] - expected)  # the stretch of silence after it moves the level
            np.testing.assert_allclose(found[row, :, :frames] - offset, expected, atol=0.01)

    def test_it_normalises_as_the_model_does(self, tones: SpeechTable) -> None:
        decibels, lengths = stack(tones.recordings[:4], audio.SETTINGS)
        frames = audio.SETTINGS.frames
        heard = torch.arange(frames) < torch.from_numpy(lengths)[:, None]
        found = normalise(torch.from_numpy(decibels)[..., :frames], heard, audio.SETTINGS)
        expected = np.stack([audio.SETTINGS(recording) for recording in tones.recordings[:4]])
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)

    def test_long_recordings_keep_their_middle(self) -> None:
        sound = np.concatenate([np.full(64000, 1e-3), np.full(64000, 0.5)]).astype(np.float32)
        decibels, lengths = stack([sound, sound[:100]], audio.SETTINGS)
        assert decibels.shape == (2, audio.SETTINGS.bands, LONGEST)
        assert lengths.tolist() == [LONGEST, 1]
        assert decibels[0, 0, 0] < decibels[0, 0, -1]

    def test_sounds_without_speech_are_sounds(self) -> None:
        for sound in speechless(9, audio.SETTINGS, seed=0):
            assert np.isfinite(sound).all()
            assert sound.std() > 0


class TestTraining:
    def test_targets_of_a_set_without_a_class_leave_it_alone(self, tones: SpeechTable, plan: Plan) -> None:
        sounds = audio.prepare([tones], plan)
        assert sounds.chances.sum() == pytest.approx(1)
        synthetic = sounds.possible.all(axis=1)
        assert sounds.chances[synthetic].sum() == pytest.approx(plan.options["speechless"])
        assert set(np.flatnonzero(sounds.possible[~synthetic].all(axis=0))) == {0, 1}

    def test_a_table_of_one_speaker_is_refused(self, table_path: Path, tmp_path: Path) -> None:
        table = parquet.read_table(table_path)
        path = tmp_path / "one.parquet"
        parquet.write_table(table.filter([name == "a" for name in table["speaker"].to_pylist()]), path)
        with pytest.raises(InputError, match="speakers"):
            audio.read_tables([path])

    def test_from_tables_to_a_model_that_runs_and_resumes(
        self, table_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recipe = audio.RECIPE.read_text(encoding="utf-8")
        recipe = re.sub(r"steps_per_epoch = \d+", "steps_per_epoch = 2", recipe)
        recipe = re.sub(r"batch_size = \d+", "batch_size = 8", recipe)
        assert tomllib.loads(recipe)["steps_per_epoch"] == 2
        monkeypatch.setattr(audio, "RECIPE", tmp_path / "audio.toml")
        audio.RECIPE.write_text(recipe, encoding="utf-8")
        said: list[str] = []
        card = audio.train([table_path], tmp_path / "out", epochs=1, report=said.append)
        assert card == ModelCard.read(tmp_path / "out" / "model")
        assert card.labels == BASIC
        assert {"uar", "ece", "ece_before", "per_class"} <= set(card.scores["tones"])
        assert any(line.startswith("epoch 1/1") for line in said)
        _assert_runs(InstalledModel(card, tmp_path / "out" / "model"))
        said.clear()
        audio.train([table_path], tmp_path / "out", epochs=1, report=said.append)
        assert not any(line.startswith("epoch") for line in said)


def _assert_runs(installed: InstalledModel) -> None:
    model = AudioModel(installed.card, OpenVINOEngine(installed, "float32"))
    logits = model.predict([utterance("angry", 1), utterance("calm", 2)])
    assert logits.shape == (2, 7)
    assert np.isfinite(logits).all()

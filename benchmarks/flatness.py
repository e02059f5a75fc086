"""How flat the audio model's answers are on what it was not made for: made-up sounds, and clips.

    python benchmarks/flatness.py [--speech TABLE...] [--clips FOLDER] [--write docs/audio.md]

A row a kind of sound: windows of four seconds, the mean of the largest probability and the largest of all, the share of
windows with one above a half, the mean entropy (1 is an even answer), and what is named most. The made-up sounds are
other ones than those that the model learns flatness from (``training.speech.speechless``). Tables of speech give voices
to lay over each other and to raise.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import signal

from avcer import Analyzer
from avcer.emotion.audio import AudioModel
from avcer.emotion.probabilities import softmax
from avcer.emotion.waveform import WINDOW
from avcer.evaluation.protocols import Subject
from avcer.evaluation.tables.speech import SpeechTable, read_speech
from avcer.labels import BASIC
from avcer.media import SAMPLE_RATE
from avcer.types import Double, Float
from page import circumstances, put, table

COUNT = 40
"""Sounds of each kind."""
NAMED_CLIPS = {
    "pcavs_00002.mp4": "clip: calm interview",
    "liveportrait_d11.mp4": "clip: a singing child",
    "sadtalker_1.mp4": "clip: a speech to an audience",
    "liveportrait_d20.mp4": "clip: a man who sings",
    "no_face.mp4": "clip: music",
    "short_hamilton_clip.mp4": "clip: a stage, laughter",
}
TIMES = np.arange(WINDOW) / SAMPLE_RATE
Random = np.random.Generator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech", nargs="*", type=Path, default=[], help="tables of labelled speech")
    parser.add_argument("--clips", type=Path, help="the folder of the clips")
    parser.add_argument("--own-model", type=Path, help="in place of the shipped audio model")
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    chosen = parser.parse_args()
    own = (chosen.own_model,) if chosen.own_model else ()
    rows = [
        _row(name, said) for name, said in heard(AudioModel(*Subject("mini", own_models=own).load("audio")), chosen)
    ]
    if chosen.clips:
        rows += [_row(name, said) for name, said in clips(chosen.clips, Analyzer(own_models=own))]
    headings = ["sound", "windows", "largest, mean", "largest of all", "above 0.5", "entropy", "named most"]
    text = circumstances("openvino", "numpy") + "\n\n" + table(headings, rows)
    print(text)
    if chosen.write:
        put(chosen.write, text)


def heard(model: AudioModel, chosen: argparse.Namespace) -> Iterator[tuple[str, Double]]:
    """Each kind of made-up sound, and what the model says of it ``(W, 7)``."""
    random = np.random.default_rng(7)
    kinds: dict[str, Sequence[Any]] = {name: [make(random) for _ in range(COUNT)] for name, make in MADE_UP.items()}
    kinds |= of_voices([read_speech(path) for path in chosen.speech], random)
    for name, sounds in kinds.items():
        logits = np.concatenate([model.predict([sound.astype(np.float32)]) for sound in sounds])
        yield name, softmax(logits)


def clips(folder: Path, analyzer: Analyzer) -> Iterator[tuple[str, Double]]:
    """The named clips, and what the model says of their windows ``(W, 7)``."""
    for file, name in NAMED_CLIPS.items():
        if (folder / file).exists():
            said = analyzer.listen(folder / file)
            yield name, softmax(said.logits[said.usable])


def of_voices(tables: Sequence[SpeechTable], random: Random) -> dict[str, list[Float]]:
    """Speech as it is, of speakers kept from training; voices over each other; voices raised as a child's."""
    voices = [recording for one in tables for recording in one.rows(one.validation).recordings]
    if not voices:
        return {}

    def some() -> Float:
        return _level(voices[random.integers(len(voices))])

    return {
        "speech, speakers left out": [some() for _ in range(COUNT)],
        "two voices": [some() + some() for _ in range(COUNT)],
        "babble of six voices": [np.sum([some() for _ in range(6)], axis=0) for _ in range(COUNT)],
        "speech, raised by half": [_level(signal.resample_poly(some(), 2, 3)) for _ in range(COUNT)],
        "speech under louder noise": [some() + 2 * _level(_noise(random)) for _ in range(COUNT)],
    }


def _level(sound: Any) -> Float:
    """Four seconds at one power, silent where the sound is over."""
    made = np.zeros(WINDOW, np.float32)
    made[: len(sound)] = sound[:WINDOW]
    levelled: Float = 0.05 * made / max(float(np.sqrt(np.mean(made**2))), 1e-9)
    return levelled


def _noise(random: Random) -> Double:
    return random.standard_normal(WINDOW)


def _quiet(random: Random) -> Double:
    """The noise of a microphone in a silent room, 70 dB below full scale."""
    return 10 ** (-70 / 20) * random.standard_normal(WINDOW)


def _hum(random: Random) -> Double:
    mains = sum(np.sin(2 * np.pi * 50 * k * TIMES + random.uniform(0, 6)) / k for k in range(1, 8))
    made: Double = 0.05 * mains + 0.005 * random.standard_normal(WINDOW)
    return made


def _rain(random: Random) -> Double:
    drops = (random.random(WINDOW) < 0.002) * random.exponential(1, WINDOW)
    made: Double = signal.lfilter(*signal.butter(2, [800, 5000], "band", fs=SAMPLE_RATE), drops) + 0.01 * _noise(random)
    return made


def _note(pitch: float, since: Double, bright: float, vibrato: float = 0.0) -> Double:
    phase = 2 * np.pi * pitch * since - vibrato * np.cos(2 * np.pi * 5.5 * since)
    tones: Double = sum(np.sin(k * phase) / k**bright for k in range(1, 16) if k * pitch < 7000)
    return tones * (since >= 0)


def _music(random: Random) -> Double:
    """Four chords with a bass, a melody above, a drum on every beat."""
    beat_s = random.uniform(0.35, 0.6)
    root = 110 * 2 ** random.uniform(0, 1)
    sound = np.zeros(WINDOW)
    for number in range(int(4 / beat_s) + 1):
        since = TIMES - number * beat_s
        fade = np.exp(-np.maximum(since, 0) / beat_s) * (since >= 0)
        chord = root * 2 ** (random.choice([0, 5, 7, 9]) / 12)
        for step in (-12, 0, 4, 7):
            sound += 0.4 * fade * _note(chord * 2 ** (step / 12), since, 1.5)
        sound += 0.8 * fade * _note(root * 2 ** (random.choice([12, 14, 16, 19, 21]) / 12), since, 1.2)
        sound += 2 * np.exp(-np.maximum(since, 0) / 0.03) * (since >= 0) * _noise(random)
    return 0.02 * sound


def _sung(random: Random) -> Double:
    """Held vowels on the notes of a scale: overtones with vibrato through two to four formants."""
    note_s = random.uniform(0.5, 1.3)
    root = random.uniform(130, 350)
    source = np.zeros(WINDOW)
    for number in range(int(4 / note_s) + 1):
        since = TIMES - number * note_s
        rise = np.clip(since / 0.06, 0, 1) * np.clip((note_s - since) / 0.06, 0, 1)
        source += rise * _note(root * 2 ** (random.choice([0, 2, 4, 5, 7, 9]) / 12), since, 1.0, random.uniform(0.5, 3))
    vowel = random.choice([[300, 2300], [500, 1900], [700, 1200], [450, 850], [320, 750]])
    sung = sum(_resonance(source, float(hertz), 90.0) for hertz in (*vowel, 2900, 3600))
    made: Double = 0.05 * sung / np.abs(sung).max() + 3e-4 * _noise(random)
    return made


def _resonance(sound: Double, hertz: float, width: float) -> Double:
    radius = np.exp(-np.pi * width / SAMPLE_RATE)
    poles = [1, -2 * radius * np.cos(2 * np.pi * hertz / SAMPLE_RATE), radius**2]
    filtered: Double = signal.lfilter([1 - radius], poles, sound)
    return filtered


def _laughter(random: Random) -> Double:
    """Bursts of breath and falling voice, five a second."""
    rate, pitch = random.uniform(4, 6), random.uniform(180, 420)
    since = np.mod(TIMES, 1 / rate)
    envelope = np.exp(-since / 0.07) * np.exp(-np.mod(TIMES, 2) / 1.2)
    voice = _note(pitch, TIMES, 1.0, 4.0) + 0.6 * _noise(random)
    made: Double = 0.05 * envelope * (_resonance(voice, 700, 120) + _resonance(voice, 1200, 120))
    return made


def _steps(random: Random) -> Double:
    """Clicks and knocks with a short echo, now and then."""
    knocks = np.zeros(WINDOW)
    knocks[random.integers(0, WINDOW, 9)] = random.uniform(0.3, 1, 9)
    echo = _noise(random)[:3000] * np.exp(-np.arange(3000) / 400)
    made: Double = 0.1 * signal.fftconvolve(knocks, echo)[:WINDOW] + 3e-4 * _noise(random)
    return made


MADE_UP: Mapping[str, Callable[[Random], Double]] = {
    "noise, white": lambda random: 0.1 * _noise(random),
    "noise at -70 dB": _quiet,
    "mains hum": _hum,
    "rain": _rain,
    "knocks": _steps,
    "music": _music,
    "sung vowels": _sung,
    "laughter, made up": _laughter,
}


def _row(name: str, said: Double) -> list[object]:
    largest = said.max(axis=1)
    entropy = -(said * np.log(np.maximum(said, 1e-12))).sum(axis=1) / np.log(len(BASIC))
    most, times = Counter(BASIC[index] for index in said.argmax(axis=1)).most_common(1)[0]
    numbers = [
        f"{largest.mean():.2f}",
        f"{largest.max():.2f}",
        f"{np.mean(largest > 0.5):.2f}",
        f"{entropy.mean():.2f}",
    ]
    return [name, len(said), *numbers, f"{most} {times / len(said):.0%}"]


if __name__ == "__main__":
    main()

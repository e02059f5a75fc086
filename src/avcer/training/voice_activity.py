"""Where somebody speaks, by the package silero-vad, and windows cut there."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import torch

from avcer.errors import MissingExtraError
from avcer.media import SAMPLE_RATE
from avcer.types import Float


def speech_spans(samples: Float) -> list[tuple[int, int]]:
    """First and last sample (exclusive) of each stretch of speech in mono sound at 16 kHz.

    Raises:
        MissingExtraError: silero-vad is not installed.
    """
    model, find = _detector()
    spans = find(torch.from_numpy(samples), model, sampling_rate=SAMPLE_RATE)
    return [(span["start"], span["end"]) for span in spans]


def speech_windows(samples: Float, shortest_s: float, longest_s: float, step_s: float) -> list[Float]:
    """Windows of at most ``longest_s``, every ``step_s`` through what lies between the first and the last speech.

    A last window of less than ``shortest_s`` is left out, unless it is the only one: a short word is worth learning
    from, too. Sound without speech gives no window.
    """
    spans = speech_spans(samples)
    if not spans:
        return []
    spoken = samples[spans[0][0] : spans[-1][1]]
    longest, step = int(longest_s * SAMPLE_RATE), int(step_s * SAMPLE_RATE)
    cut = [spoken[start : start + longest] for start in range(0, len(spoken), step)]
    return [cut[0], *(window for window in cut[1:] if len(window) >= shortest_s * SAMPLE_RATE)]


@cache
def _detector() -> tuple[Any, Any]:
    threads = torch.get_num_threads()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch warns of the age of the format that the package ships
            from silero_vad import get_speech_timestamps, load_silero_vad

            return load_silero_vad(), get_speech_timestamps
    except ModuleNotFoundError as error:
        raise MissingExtraError(f'finding speech needs {error.name}: pip install "avcer[torch]"') from error
    finally:
        torch.set_num_threads(threads)  # importing the package sets it to one

"""Files in: what a clip is, its frames with their times, its sound as mono 16 kHz on the same clock."""

from avcer.media.pictures import Pictures, frames_at
from avcer.media.probe import probe
from avcer.media.sound import SAMPLE_RATE, Sound, SoundBlock, SoundWindow, is_silent, open_sound, windows

__all__ = [
    "SAMPLE_RATE",
    "Pictures",
    "Sound",
    "SoundBlock",
    "SoundWindow",
    "frames_at",
    "is_silent",
    "open_sound",
    "probe",
    "windows",
]

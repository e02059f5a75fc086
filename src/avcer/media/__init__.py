"""Files in: what a clip is, its frames with their times, its sound as mono 16 kHz on the same clock."""

from avcer.media.assemble import SAMPLE_RATE, SoundBlock
from avcer.media.live import Live
from avcer.media.pictures import Pictures, frames_at
from avcer.media.probe import probe
from avcer.media.sound import Sound, open_sound
from avcer.media.source import Source
from avcer.media.windows import SoundWindow, WindowCutter, is_silent, windows

__all__ = [
    "SAMPLE_RATE",
    "Live",
    "Pictures",
    "Sound",
    "SoundBlock",
    "SoundWindow",
    "Source",
    "WindowCutter",
    "frames_at",
    "is_silent",
    "open_sound",
    "probe",
    "windows",
]

"""A path, an open file, a part of a recording, or a source that can be read only once: the same frames and sound."""

from __future__ import annotations

import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import pytest

from avcer.errors import InputError
from avcer.media import Live, Pictures, SoundBlock, Source, frames_at, open_sound, probe
from avcer.types import Frame
from recordings import AudioTrack, VideoTrack, grey, shift_clock, tone, write

COUNT = 400
PICTURES = [grey(number) for number in range(COUNT)]
WAVE = np.linspace(-0.9, 0.9, 16 * 16_000, dtype=np.float32)[np.newaxis]
"""A sample's value tells when it is heard."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("sources")


@pytest.fixture(scope="module", params=["clip.mkv", "clip.mp4", "clip.ts", "late.mkv", "far.ts", "clip.avi"])
def path(request, folder) -> Path:
    """Sixteen seconds with a key frame every second, that begin at 0, at 5 s or at ten hours."""
    name = request.param
    options = {"g": "25", "bf": "2"} if name.endswith(("mkv", "mp4")) else {"g": "25"}
    start = 125 if name == "late.mkv" else 0
    video = VideoTrack(PICTURES, "libx264", ticks=range(start, start + COUNT), options=options)
    made = write(folder / name, video, AudioTrack(WAVE, "mp2" if "ts" in name else "pcm_s16le" if "mp4" not in name
                                                  else "aac", start_s=start / 25))  # fmt: skip
    if name == "far.ts":
        made.write_bytes(shift_clock(made.read_bytes(), 36_000 * 90_000))
    return made


def samples(sound) -> np.ndarray:
    return np.concatenate([block.samples for block in sound])


def same_frames(one, other) -> None:
    one, other = list(one), list(other)
    assert [frame.time_s for frame in one] == [frame.time_s for frame in other]
    assert all((a.image == b.image).all() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("start_s", "end_s"), [(None, 1.0), (0.5, 1.5), (9.0, 10.0), (12.4, None), (0.0, None)])
def test_a_part_is_what_the_whole_holds_there(path, start_s, end_s):
    zero_s = probe(path).start_s
    begin, end = (start_s or 0.0) - 1e-4, 99.0 if end_s is None else end_s - 1e-4
    meant = [frame for frame in Pictures(path) if begin <= frame.time_s - zero_s < end]
    part = list(Pictures(path, start_s, end_s))
    assert len(part) > 10
    same_frames(part, meant)
    assert [frame.index for frame in part] == list(range(len(part)))


@pytest.mark.parametrize(("start_s", "end_s"), [(0.5, 1.5), (9.0, 10.0), (12.4, None)])
def test_the_sound_of_a_part_is_what_is_heard_there(path, start_s, end_s):
    zero_s = probe(path).start_s
    whole, part = open_sound(path), open_sound(path, start_s, end_s)
    everything, heard = samples(whole), samples(part)
    assert part.start_s == pytest.approx(zero_s + start_s, abs=1e-3)
    if end_s is not None:
        assert part.end_s == pytest.approx(zero_s + end_s, abs=1e-3)
    place = round((part.start_s - whole.start_s) * 16_000)
    np.testing.assert_allclose(heard[300:-300], everything[place : place + len(heard)][300:-300], atol=2e-3)


def test_a_part_has_no_note_of_what_comes_after(path):
    pictures = Pictures(path, 1.0, 2.0)
    assert len(list(pictures)) == 25
    assert pictures.warnings == []
    assert pictures.measured(probe(path)).duration_s == pytest.approx(1.0, abs=0.05)


def test_a_part_of_the_sound_has_no_note_of_damage_that_comes_after(folder):
    path = write(folder / "broken.mkv", AudioTrack(tone(4), "flac"))
    stored = bytearray(path.read_bytes())
    stored[len(stored) * 3 // 4 :: 100] = bytes(len(stored[len(stored) * 3 // 4 :: 100]))
    path.write_bytes(stored)
    for end_s, damaged in ((1.0, False), (None, True)):
        sound = open_sound(path, end_s=end_s)
        assert len(samples(sound)) >= 16_000
        assert bool(sound.damaged) is damaged


def test_a_part_beyond_the_end_is_refused(path):
    with pytest.raises(InputError, match="no frame between --start and --end"):
        list(Pictures(path, 60.0))


def test_an_open_file_is_as_good_as_a_path(path):
    with path.open("rb") as file:
        file.seek(1000)
        assert probe(file).path == path
        same_frames(Pictures(file, 2.0, 3.0), Pictures(path, 2.0, 3.0))
        np.testing.assert_array_equal(samples(open_sound(file)), samples(open_sound(path)))
        assert next(frames_at(file, [probe(path).start_s + 8.0]))[1].mean() == pytest.approx(grey(200).mean(), abs=4)
        assert not file.closed


def test_two_threads_may_read_one_file_object(folder):
    path = write(folder / "shared.mkv", VideoTrack(PICTURES), AudioTrack(WAVE))
    file = io.BytesIO(path.read_bytes())
    with ThreadPoolExecutor(2) as threads:
        pictures = threads.submit(lambda: [frame.time_s for frame in Pictures(file)])
        sound = threads.submit(lambda: samples(open_sound(file)))
        assert len(pictures.result()) == COUNT
        np.testing.assert_array_equal(sound.result(), samples(open_sound(path)))


def test_what_cannot_be_read_twice_is_refused():
    read, write_ = os.pipe()
    os.close(write_)
    with os.fdopen(read, "rb") as pipe, pytest.raises(InputError, match="cannot be read twice"):
        probe(pipe)


def test_live_gives_the_frames_and_the_sound_of_one_reading(folder):
    path = write(folder / "live.mkv", VideoTrack(PICTURES), AudioTrack(WAVE))
    items = list(Live(str(path)))
    same_frames([item for item in items if isinstance(item, Frame)], Pictures(path))
    blocks = [item for item in items if isinstance(item, SoundBlock)]
    np.testing.assert_array_equal(samples(blocks), samples(open_sound(path)))
    assert blocks[0].start_s == open_sound(path)._blocks(-1e9, 1e9, seek=False).__next__().start_s
    first_sound = next(place for place, item in enumerate(items) if isinstance(item, SoundBlock))
    assert 0 < first_sound < 40, "sound comes along with the picture, not after it"


def test_live_reads_from_a_pipe_as_it_comes(folder):
    """Frames come out while the writer is still at work."""
    path = write(folder / "piped.ts", VideoTrack(PICTURES, "mpeg2video"), AudioTrack(WAVE, "mp2"))
    stored = path.read_bytes()
    read, write_ = os.pipe()
    seen = threading.Event()

    def feed() -> None:
        with os.fdopen(write_, "wb") as pipe:
            pipe.write(stored[: len(stored) // 2])
            pipe.flush()
            assert seen.wait(20)
            pipe.write(stored[len(stored) // 2 :])

    writer = threading.Thread(target=feed)
    writer.start()
    with os.fdopen(read, "rb") as pipe:
        count = 0
        for item in Live(pipe):
            seen.set()
            count += isinstance(item, Frame)
    writer.join()
    assert count == COUNT


def test_live_can_be_left_early(folder):
    path = write(folder / "left.mkv", VideoTrack(PICTURES), AudioTrack(WAVE))
    assert isinstance(next(iter(Live(str(path)))), Frame | SoundBlock)


@pytest.mark.parametrize("address", ["no/such/clip.mp4", "tcp://127.0.0.1:9"])
def test_live_says_what_cannot_be_opened(address):
    with pytest.raises(InputError, match="cannot be opened"):
        next(iter(Live(address, timeout_s=5)))


def test_live_without_a_picture_is_refused(folder):
    path = write(folder / "sound.mka", AudioTrack(tone(1)))
    with pytest.raises(InputError, match="no picture"):
        next(iter(Live(str(path))))


class Breaks(io.BytesIO):
    """A file of which only the first bytes can be read; ``error`` comes then."""

    def __init__(self, stored: bytes, at: int, error: type[OSError]) -> None:
        super().__init__(stored)
        self._until, self._error = at, error

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() >= self._until:
            raise self._error("made up")
        return super().read(size)


class Stream:
    """The same of what cannot be sought."""

    def __init__(self, *given) -> None:
        self._file = Breaks(*given)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


@pytest.fixture(scope="module")
def stored(folder) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (100, 48, 64, 3), dtype=np.uint8)
    return write(folder / "noise.mkv", VideoTrack(list(noise), "mjpeg")).read_bytes()


def test_a_disk_that_fails_in_the_middle_is_damage_in_one_place(stored):
    pictures = Pictures(Breaks(stored, len(stored) // 2, OSError))
    assert 20 < len(list(pictures)) < 80
    assert pictures.damaged == 1
    assert any("damaged in 1 place:" in line for line in pictures.warnings)


def test_a_stream_that_breaks_off_has_given_what_came_and_one_that_falls_silent_is_said(stored):
    live = Live(Stream(stored, len(stored) // 2, OSError))
    assert 20 < len(list(live)) < 80
    assert live.damaged == 1
    whole = Live(Stream(stored, len(stored) + 1, OSError))
    assert (len(list(whole)), whole.damaged) == (100, 0)
    silent, frames = Live(Stream(stored, len(stored) // 2, TimeoutError), timeout_s=3), []
    with pytest.raises(InputError, match="stream: fell silent for more than 3 s"):
        frames.extend(silent)
    assert 20 < len(frames) < 80


def test_a_file_object_bears_its_name_if_it_has_one(folder):
    with (folder / "named.bin").open("w+b") as named, TemporaryFile() as nameless:
        assert isinstance(nameless.name, int)
        assert [str(Source.of(one)) for one in (named, nameless, io.BytesIO())] == [named.name, *["file object"] * 2]


def test_readers_of_one_file_object_have_places_of_their_own():
    source = Source.of(io.BytesIO(bytes(range(100))))
    one, other = source.open(), source.open()
    assert (one.read(3), other.read(2), one.tell(), other.tell()) == (b"\0\1\2", b"\0\1", 3, 2)
    assert (one.seek(10, os.SEEK_CUR), one.read(1)) == (13, b"\x0d")
    assert (one.seek(-5, os.SEEK_END), one.read()) == (95, bytes(range(95, 100)))
    assert other.read(1) == b"\2"
    with pytest.raises(InputError, match="file object: is empty"):
        Source.of(io.BytesIO()).open()

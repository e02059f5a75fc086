"""Live analysis on made-up networks: every frame has its row, the newest is looked at, what is recorded is kept."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from threading import Event
from typing import Any

import av
import numpy as np
import pytest

from avcer import cli
from avcer.analysis import Analysis
from avcer.errors import InputError
from avcer.live import record
from avcer.live.inbox import Arrived, Inbox, Taken
from avcer.live.run import LiveRun, Wanted
from avcer.live.sources import AsIfLive, open_live
from avcer.live.watch import Result, Watch
from avcer.media import Live, Pictures, SoundBlock
from avcer.pipeline import Analyzer
from avcer.types import Frame
from fakes import RATE, Square, engines, film, picture, speech

FRAMES = 75


def sways(index: int) -> Sequence[Square]:
    return [Square(10 + index % 40, side=48, grey=60 + index % 150)]


def items(first_s: float = 100.0, sound: bool = True, frames: int = FRAMES) -> list[Frame | SoundBlock]:
    mixed: list[Any] = [*film(sways, frames, first_s=first_s), *(speech(frames / RATE, first_s) if sound else ())]
    return sorted(mixed, key=lambda item: item.time_s if isinstance(item, Frame) else item.start_s)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left out on a machine that does much else."""
    monkeypatch.setattr("avcer.live.inbox.MOST_WAITING_S", 1000.0)


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(engines=engines(), fusion="mean", rule="sum")


def paced(source: Sequence[Any]) -> Iterator[Any]:
    """Faster than a camera, but not all at once."""
    for item in source:
        time.sleep(0.015)
        yield item


def run(analyzer: Analyzer, source: Any, **wanted: Any) -> tuple[list[Result], Any, LiveRun]:
    results: list[Result] = []
    one = LiveRun(analyzer, source, Wanted(**wanted))
    return results, one.run(results.append), one


def test_a_file_that_is_not_there_is_one_line_and_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "nosuch.mp4"
    assert cli.main(["live", "--camera", str(missing), "--quiet"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"avcer: error: {missing}: no camera, address or file; give a number such as 0")


def test_every_frame_has_its_row_and_results_name_their_frame(analyzer: Analyzer) -> None:
    results, outcome, _ = run(analyzer, paced(items()))
    analysis = outcome.analysis
    assert outcome.gone
    assert len(analysis.times_s) == FRAMES
    assert analysis.times_s[0] == 0.0
    assert [one.index for one in results] == sorted({one.index for one in results})
    for result in results:
        (row,) = result.rows
        face = analysis.face(row.face)
        assert face is not None
        place = int(np.searchsorted(face.frames, result.index))
        assert np.allclose(face.track.boxes[place], row.box)
        assert row.label == face.expression.label(int(face.expression.classes[place]))
        assert result.time_s == analysis.times_s[result.index]


def test_a_group_is_one_batch_and_its_newest_frame_is_detected(analyzer: Analyzer) -> None:
    frames = [Arrived(frame, time.monotonic()) for frame in film(sways, 40)]
    with Watch(analyzer) as watch:
        (first,) = watch.feed(Taken(frames[:1]))
        (second,) = watch.feed(Taken(frames[1:25]))
        assert (first.index, second.index) == (0, 24)
        assert second.rows[0].box == pytest.approx((34, 10, 82, 58), abs=1)
        assert second.waits_s["dynamic"] == pytest.approx(2 - 24 / RATE)
        assert not list(watch.feed(Taken()))


def test_a_result_waits_for_what_was_heard_before_its_frame(
    analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it says the same as an analysis of the same pictures and sound afterwards."""
    monkeypatch.setattr("avcer.live.watch.HEARD_WITHIN_S", 20.0)
    with Watch(analyzer) as watch:
        hear = watch._session.hear
        watch._session.hear = lambda block: (time.sleep(0.03), hear(block))[0]  # type: ignore[method-assign]
        now_s = time.monotonic()
        (result,) = watch.feed(Taken([Arrived(film(sways, 1, first_s=4.3)[0], now_s)], list(speech(4.2))))
        assert "audio" in result.rows[0].said
        monkeypatch.setattr("avcer.live.watch.HEARD_WITHIN_S", 0.05)
        slow = Event()
        watch._session.hear = lambda block: slow.wait(20)  # type: ignore[assignment, method-assign]
        taken = Taken([Arrived(film(sways, 1, first_s=4.5)[0], now_s)], list(speech(0.1, 4.2)))
        assert len(list(watch.feed(taken))) == 1  # a slower model is not waited for
        slow.set()


def test_what_cannot_be_taken_in_time_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avcer.live.inbox.MOST_WAITING_S", 2.0)
    inbox = Inbox()
    for frame in film(sways, 200):
        inbox.put(frame)
    taken = inbox.take()
    assert taken.frames[-1].frame.time_s - taken.frames[0].frame.time_s <= 2.0 + 1e-6
    assert inbox.skipped == 200 - len(taken.frames)


def test_a_recording_whose_picture_comes_late(analyzer: Analyzer, tmp_path: Path) -> None:
    late = [item for item in items() if isinstance(item, SoundBlock) or item.index >= 25]
    run(analyzer, paced(late), folder=tmp_path / "one", formats=("json",))
    saved = Analysis.load(tmp_path / "one")
    shown = [frame.time_s for frame in Pictures(tmp_path / "one" / "recording.mp4")]
    assert saved.times_s[0] == pytest.approx(1.0)
    assert np.allclose(shown, saved.times_s, atol=1e-4)


def test_a_fault_of_the_recorder_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ArithmeticError("made up")

    monkeypatch.setattr(record, "writing", fails)
    recording = record.Recording(tmp_path)
    taken = Taken([Arrived(frame, 0.0) for frame in film(sways, 60)], list(speech(1.0)))
    for _ in range(2 * record.MOST_WAITING):
        recording.add(taken)
    assert recording.finish() is None
    assert "ArithmeticError (made up)" in str(recording.failure)


@pytest.mark.parametrize("sound", [True, False])
def test_the_recording_and_its_results(analyzer: Analyzer, tmp_path: Path, sound: bool) -> None:
    folder = tmp_path / "one"
    _, outcome, _ = run(analyzer, paced(items(sound=sound)), folder=folder, formats=("csv", "json", "mp4"))
    assert not list(folder.glob("*unfinished*"))
    saved = Analysis.load(folder)
    shown = list(Pictures(folder / "recording.mp4"))
    assert np.allclose([frame.time_s for frame in shown], saved.times_s, atol=1e-4)
    assert saved.clip.has_audio == sound
    clip_ends_s = saved.clip.start_s + saved.clip.duration_s
    assert max(segment.end_s for face in saved.faces for segment in face.segments) <= clip_ends_s + 1e-6
    assert saved.clip.path.name == "recording.mp4"
    assert (folder / "annotated.mp4").exists()
    left, top, right, bottom = saved.faces[0].track.boxes[30].astype(int)  # type: ignore[union-attr]
    assert shown[30].image[top + 5 : bottom - 5, left + 5 : right - 5, 0].mean() > 80
    assert {path.name for path in outcome.files} >= {"recording.mp4", "compound.csv", "analysis.json"}


class Camera:
    """Gives frames at its own rate until it is unplugged."""

    def __init__(self, frames: int, error: Exception | None = None, interrupts_at: int = -1) -> None:
        self.frames, self.error, self.interrupts_at = frames, error, interrupts_at

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.frames):
            time.sleep(0.005)
            if index == self.interrupts_at:
                os.kill(os.getpid(), signal.SIGINT)
            yield Frame(index, index / RATE, picture(*sways(index)))
        if self.error:
            raise self.error

    def __str__(self) -> str:
        return "camera"


def test_a_camera_that_vanishes(
    analyzer: Analyzer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    camera = Camera(30, InputError("/dev/video0: was unplugged"))
    monkeypatch.setattr("avcer.live.sources.open_live", lambda where: (camera, True))
    monkeypatch.setattr("avcer.pipeline.Analyzer", lambda options: analyzer)
    assert cli.main(["live", "--out", str(tmp_path)]) == 1
    told = capsys.readouterr().err.strip()
    assert told.count("\n") == 0
    assert "was unplugged; what was recorded is in" in told
    (folder,) = tmp_path.iterdir()
    assert len(list(Pictures(folder / "recording.mp4"))) == 30
    assert Analysis.load(folder).times_s.shape == (30,)


def test_ctrl_c_is_how_it_ends(
    analyzer: Analyzer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("avcer.live.sources.open_live", lambda where: (Camera(10_000, interrupts_at=50), True))
    monkeypatch.setattr("avcer.pipeline.Analyzer", lambda options: analyzer)
    before = signal.getsignal(signal.SIGINT)
    assert cli.main(["live", "--out", str(tmp_path), "--json"]) == 0
    assert signal.getsignal(signal.SIGINT) == before
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (folder,) = tmp_path.iterdir()
    assert not lines or lines[-1]["index"] <= len(Analysis.load(folder).times_s) - 1
    assert (folder / "compound.csv").exists()


def test_wrong_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, status in ((["--camera", "nothing.mp4"], 1), (["--start", "1"], 2), (["--formats", "gif"], 2)):
        assert cli.main(["live", *words]) == status, words
    assert cli.main(["live", "--camera", "77"]) == 1
    assert "cannot be opened" in capsys.readouterr().err


def test_a_file_as_if_live_takes_its_time(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for number in range(16):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    begun = time.monotonic()
    source, endless = open_live(str(path))
    assert len(list(source)) == 16
    assert 0.55 < time.monotonic() - begun < 3
    assert isinstance(source, AsIfLive)
    assert not endless
    assert isinstance(open_live("rtsp://127.0.0.1/x")[0], Live)


INLET = """
import sys, json, time, pylsl
streams = {}
end = time.monotonic() + 20
names = json.loads(sys.argv[1])
while len(streams) < len(names) and time.monotonic() < end:
    for info in pylsl.resolve_streams(0.5):
        if info.name() in names and info.name() not in streams:
            streams[info.name()] = pylsl.StreamInlet(info)
            streams[info.name()].open_stream(5)
full = {name: inlet.info() for name, inlet in streams.items()}
print(json.dumps({name: info.channel_count() for name, info in full.items()}), flush=True)
labels, channel = [], full[names[0]].desc().child("channels").child("channel")
while not channel.empty():
    labels.append(channel.child_value("label")); channel = channel.next_sibling("channel")
rows = {name: [] for name in names}
quiet = time.monotonic()
while time.monotonic() - quiet < 3:
    for name, inlet in streams.items():
        values, stamps = inlet.pull_chunk(0.1)
        rows[name] += [[stamp, value] for stamp, value in zip(stamps, values)]
        if stamps: quiet = time.monotonic()
print(json.dumps({"labels": labels, "rows": rows}), flush=True)
"""


def test_lab_streaming_layer(analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An inlet in another process gets every row, stamped with when its frame came; markers of others come in."""
    pylsl = pytest.importorskip("pylsl", reason="the extra lsl is not installed")
    import subprocess
    import sys

    from avcer.live.lsl import CHANNELS, Streams

    name = f"test-{os.getpid()}"
    streams = Streams(name)
    stimuli = pylsl.StreamOutlet(pylsl.StreamInfo("stimuli", "Markers", 1, 0, pylsl.cf_string, f"stimuli-{name}"))
    frames = film(sways, 40)
    with Watch(analyzer) as watch:
        (first,) = watch.feed(Taken([Arrived(frames[0], time.monotonic())]))
        streams.push(first)
        wanted = [f"{name} face {first.rows[0].face}", f"{name} labels"]
        with subprocess.Popen(
            [sys.executable, "-c", INLET, json.dumps(wanted)], stdout=subprocess.PIPE, text=True
        ) as inlet:
            assert inlet.stdout is not None
            assert json.loads(inlet.stdout.readline()) == {wanted[0]: len(CHANNELS), wanted[1]: 1}
            sent, zero_s = [], time.monotonic()
            for frame in frames[1:]:
                at_s = time.monotonic()
                (result,) = watch.feed(Taken([Arrived(frame, at_s)]))
                streams.push(result)
                sent.append((at_s, result.rows[0]))
            deadline = time.monotonic() + 20
            marked: list[Any] = []
            while not marked and time.monotonic() < deadline:
                streams.markers(zero_s)
                if stimuli.have_consumers():
                    stimuli.push_sample(["picture  7"], pylsl.local_clock())
                    pushed_s = time.monotonic() - zero_s
                    time.sleep(0.3)
                    marked = streams.markers(zero_s)
                time.sleep(0.05)
            told = json.loads(inlet.stdout.read())
    streams.close()
    rows = told["rows"][wanted[0]]
    ahead_s = pylsl.local_clock() - time.monotonic()
    assert told["labels"] == [label for label, _, _ in CHANNELS]
    assert len(rows) == len(sent)
    for (stamp, values), (at_s, row) in zip(rows, sent, strict=True):
        assert abs(stamp - ahead_s - at_s) < 0.005
        assert values[-4:] == pytest.approx(row.box)
    assert marked[0].text == "picture 7"
    assert abs(marked[0].time_s - pushed_s) < 0.05

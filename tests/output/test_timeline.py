from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avcer.analysis import Analysis
from avcer.errors import OutputError
from avcer.faces.portraits import SIDE, portrait
from avcer.labels import AVCER_12, BASIC, Compound, Vocabulary
from avcer.output.filmstrip import Filmstrip, cut_filmstrip
from avcer.output.lettering import fitted, showable
from avcer.output.runs import condensed, find_runs, joining_line, lane_line
from avcer.output.timeline import OTHER_FACES, draw_timeline, tell, write_timeline

Make = Callable[..., Analysis]

PAIRS = [(a, b) for place, a in enumerate(BASIC[1:]) for b in BASIC[2 + place :]]
THIRTY = Vocabulary("thirty", tuple(Compound(f"No. {n} of $30$ {'long ' * n}", *PAIRS[n % 15]) for n in range(30)))

CASES: dict[str, dict[str, Any]] = {
    "seven": {},
    "twelve": {"vocabulary": AVCER_12, "faces": ((5, 60, (range(20, 30),)), (40, 79, ()))},
    "thirty": {"vocabulary": THIRTY, "faces": tuple((i, i + 30, ()) for i in range(10))},
    "one compound": {"vocabulary": Vocabulary("one", (Compound("Awe", "Fear", "Surprise"),))},
    "one frame": {"frames": 1, "faces": ((0, 0, ()),)},
    "no frame": {"frames": 0, "faces": (), "sound": False},
    "two frames": {"frames": 2, "faces": ((1, 1, ()),), "rate": 1000.0},
    "twenty minutes": {"frames": 30_000, "faces": ((0, 20_000, (range(5000, 9000),)), (15_000, 29_999, ()))},
    "no face": {"faces": ()},
    "no sound": {"sound": False},
    "nothing": {"faces": (), "sound": False},
    "odd name": {"path": Path("имя 视频 😀 \udcff $x_1$ \n " + "long " * 30 + ".mp4")},
}


@pytest.mark.parametrize("case", CASES)
def test_every_case_is_a_picture_of_the_expected_size(scene: Make, tmp_path: Path, case: str) -> None:
    path = write_timeline(scene(**CASES[case]), tmp_path / "timeline.png")
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    assert width == 2000
    assert 600 < height < 2200
    assert [file.name for file in tmp_path.iterdir()] == ["timeline.png"]


def drawn(analysis: Analysis) -> dict[str, Axes]:
    return {str(axes.get_label()): axes for axes in figure_of(analysis).axes}


def figure_of(analysis: Analysis) -> Figure:
    story = tell(analysis)
    shown = [face.id for face in story.others[:OTHER_FACES] if face.id is not None]
    film = cut_filmstrip(analysis, story.moments_s, np.linspace(*story.limits_s, 13), shown)
    return draw_timeline(analysis, story, film)


def test_the_axis_begins_with_the_first_frame(scene: Make) -> None:
    """A recording of a broadcast, whose clock is at half a day: its four seconds fill the page."""
    analysis = scene()
    late = replace(analysis, times_s=analysis.times_s + 43_200)
    assert tell(late).limits_s == pytest.approx((43_200, 43_204))


def test_gaps_are_gaps_in_the_lines(scene: Make) -> None:
    axes = drawn(scene(faces=((10, 79, (range(30, 50),)),)))["curves"]
    lines = {str(line.get_label()): line for line in axes.lines}
    x, y = (np.asarray(values, dtype=float) for values in lines["VS"].get_data())
    assert np.isnan(x[2::3]).all()
    assert np.isnan(y[2::3]).all()
    inside = (x[0::3] < 2.0 - 1e-9) & (x[1::3] > 1.2 + 1e-9)
    assert not inside.any()  # nothing is drawn over 1.2-2.0 s, where the face is not seen
    assert x[0] == pytest.approx(0.4)
    assert x[-2] == pytest.approx(3.2)


def test_curves_keep_to_their_lanes(scene: Make) -> None:
    axes = drawn(scene())["curves"]
    lanes = {}
    for line in axes.lines:
        heights = np.asarray(line.get_ydata(), dtype=float)[0::3]
        lanes[str(line.get_label())] = set(np.round(heights - np.round(heights), 6))
    assert all(len(lanes[name]) == 1 for name in ("VS", "VD", "A", "AV"))
    assert len(lanes["VS"] | lanes["VD"] | lanes["A"] | lanes["AV"]) == 4


def test_the_score_is_empty_without_a_decision(scene: Make) -> None:
    axes = drawn(scene(faces=((10, 79, ()),), sound=False))["score"]
    (line,) = (line for line in axes.lines if line.get_label() == "AV")
    y = np.asarray(line.get_ydata(), dtype=float)
    assert np.isnan(y[:20]).all()
    assert np.isnan(y[160:]).all()
    assert np.isfinite(y[20:160]).all()


def test_rows_are_the_vocabulary_with_none_below(scene: Make) -> None:
    axes = drawn(scene(vocabulary=AVCER_12))["curves"]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["none", *AVCER_12.names[::-1]]


def test_at_most_six_other_faces_and_a_count(scene: Make) -> None:
    figure = figure_of(scene(faces=tuple((i, i + 30 + i, ()) for i in range(10))))
    names = [axes.get_label() for axes in figure.axes]
    assert [name for name in names if str(name).startswith("face ")] == [f"face {n}" for n in (4, 5, 6, 7, 8, 9)]
    assert any(text.get_text() == "+3 more" for text in figure.texts)


def test_a_clip_with_nothing_says_so(scene: Make) -> None:
    texts = [text.get_text() for text in figure_of(scene(faces=(), sound=False)).texts]
    assert "no face found" in texts
    assert "nothing to decide from" in texts


def test_no_text_leaves_the_page_or_lies_on_another(scene: Make) -> None:
    figure = figure_of(scene(vocabulary=THIRTY, faces=tuple((i, i + 30 + i, ()) for i in range(10))))
    figure.canvas.draw()
    shown = [axes for axes in figure.axes if axes.axison]
    ticks = [tick for axes in shown for tick in (*axes.get_yticklabels(), *shown[-1].get_xticklabels())]
    texts = [*figure.texts, *(text for axes in shown for text in axes.texts), *dict.fromkeys(ticks)]
    boxes = [text.get_window_extent() for text in texts if text.get_text() and text.get_visible()]
    for place, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y0 >= 0
        for other in boxes[:place]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            down = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert across <= 1 or down <= 3  # pixels; boxes have some air below and above the letters


def test_global_settings_do_not_matter_and_are_left_alone(scene: Make, tmp_path: Path) -> None:
    analysis = scene()
    plain = write_timeline(analysis, tmp_path / "a.png").read_bytes()
    with mpl.rc_context({"savefig.bbox": "tight", "savefig.dpi": 30, "figure.dpi": 30}):
        before = dict(mpl.rcParams)
        assert write_timeline(analysis, tmp_path / "b.png").read_bytes() == plain
        assert dict(mpl.rcParams) == before


def test_a_place_that_cannot_be_written(scene: Make, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_timeline(scene(), tmp_path / "gone" / "timeline.png")


def make_clip(path: Path, frames: int = 100) -> Path:
    """A clip whose grey level is twice the frame's index."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for index in range(frames):
            picture = np.full((180, 320, 3), 2 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    return path


def strip_of(analysis: Analysis, slots: int, others: list[int]) -> Filmstrip:
    story = tell(analysis)
    return cut_filmstrip(analysis, story.moments_s, np.linspace(*story.limits_s, slots + 1), others)


def test_pictures_come_from_the_middle_of_their_slots(scene: Make, tmp_path: Path) -> None:
    analysis = scene(path=make_clip(tmp_path / "clip.mp4"), faces=((0, 99, (range(35, 65),)), (50, 99, ())))
    film = strip_of(analysis, 4, [1])
    assert film.readable
    assert [still and round(still.time_s, 2) for still in film.slots] == [0.5, 1.38, 2.62, 3.5]
    for still in film.slots:
        assert still is not None
        assert still.image is not None
        assert still.image.shape == (SIDE, SIDE, 3)
        assert still.image.mean() == pytest.approx(2 * (still.time_s - 0.02) * 25, abs=4)
    assert film.portraits[1].image is not None


def test_slots_without_the_face_stay_empty(scene: Make, tmp_path: Path) -> None:
    film = strip_of(scene(path=make_clip(tmp_path / "clip.mp4"), faces=((0, 40, ()),)), 4, [])
    assert [still is None for still in film.slots] == [False, False, True, True]


def test_a_clip_that_is_gone_leaves_the_pictures_out(scene: Make, tmp_path: Path) -> None:
    film = strip_of(scene(path=tmp_path / "gone.mp4"), 4, [])
    assert not film.readable
    assert all(still is not None and still.image is None for still in film.slots)


def test_a_portrait_is_moved_into_the_frame() -> None:
    image = np.full((180, 320, 3), 200, np.uint8)
    image[:, :100] = 10
    cut = portrait(image, np.array([-20, 0, 60, 80], np.float32))
    assert cut is not None
    assert cut[:, -2:].mean() > 150  # moved right, it reaches the bright part
    assert portrait(image, np.array([400, 0, 300, 80], np.float32)) is None


def test_runs_and_their_lines(scene: Make) -> None:
    timeline = scene(frames=6, faces=((0, 5, ()),)).faces[0].compound
    timeline = replace(
        timeline, classes=np.array([0, 0, 2, -1, -1, 2]), valid=np.array([True, True, True, False, True, True])
    )
    runs = find_runs(timeline, timeline.times_s + 0.04)
    assert runs.classes.tolist() == [0, 2, -1, 2]
    assert runs.starts_s == pytest.approx([0, 0.08, 0.16, 0.2])
    assert runs.ends_s == pytest.approx([0.08, 0.12, 0.2, 0.24])
    x, _ = lane_line(runs, runs.classes.astype(float))
    assert np.isnan(x).tolist() == [False, False, True] * 4
    x, y = joining_line(runs, runs.classes.astype(float))
    assert x[0::3] == pytest.approx([0.08, 0.2])  # no piece over the gap at 0.12-0.16 s
    assert y.tolist()[:2] == [0, 2]


def test_condensed_scores_are_means_weighted_by_time() -> None:
    edges = np.array([[0.0, 1.0], [1.0, 4.0], [4.0, 8.0], [8.0, 9.0]])
    rows = np.array([[1.0], [3.0], [np.nan], [5.0]])
    limits, means = condensed(edges, rows, 2)
    assert limits.tolist() == [[0, 4.5], [4.5, 9]]
    assert means[:, 0] == pytest.approx([2.5, 5.0])


def test_condensing_makes_no_gaps_where_frames_are_longer_than_columns() -> None:
    """Phones halve their frame rate in dim light, and films of screens stand still."""
    edges = np.array([[0.0, 0.5], [0.5, 1.0], [1.0, 9.0], [9.0, 10.0]])
    _, means = condensed(edges, np.array([[1.0], [3.0], [4.0], [np.nan]]), 10)
    assert means[:, 0] == pytest.approx([2.0] + [4.0] * 8 + [np.nan], nan_ok=True)


def test_text_is_made_to_fit_and_to_show() -> None:
    long = "a rather long name of a file that nobody can read in full.mp4"
    short = fitted(long, 1.5, 8)
    assert "…" in short
    assert short.startswith("a rather")
    assert short.endswith(".mp4")
    assert fitted("short", 1.5, 8) == "short"
    assert showable("a\nb \udcff é") == "a b □ é"

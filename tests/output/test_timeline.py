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
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from avcer.analysis import Analysis
from avcer.errors import OutputError
from avcer.faces.portraits import SIDE, portrait
from avcer.labels import AVCER_12, BASIC, Compound, Vocabulary
from avcer.output.clock import ticks
from avcer.output.colours import colours_of
from avcer.output.columns import condensed, profile
from avcer.output.filmstrip import Filmstrip, cut_filmstrip
from avcer.output.lettering import fitted, showable, width_of
from avcer.output.ribbons import first_share
from avcer.output.runs import Runs, find_runs, in_columns
from avcer.output.sheet import draw_timeline
from avcer.output.story import MOST_PANELS, tell
from avcer.output.timeline import film_of, write_timeline

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
    "ten hours": {"frames": 9000, "rate": 0.25, "faces": ((0, 6000, ()),)},
    "six faces": {"rule": "open", "faces": tuple((i, 99 - i, ()) for i in range(6))},
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
    return draw_timeline(analysis, story, film_of(analysis, story))


def blocks(axes: Axes, name: str) -> Any:
    """``(N, 2, 2)``: the blocks with a label in a ribbon: left and right side, lower and upper end."""
    found = [part for part in axes.collections if part.get_label() == name]
    corners = np.concatenate([[path.vertices[:4] for path in part.get_paths()] for part in found])
    return np.stack([corners.min(axis=1), corners.max(axis=1)], axis=2)


def test_the_axis_begins_with_the_first_frame(scene: Make) -> None:
    """A recording of a broadcast, whose clock is at half a day: its four seconds fill the page."""
    analysis = scene()
    late = replace(analysis, times_s=analysis.times_s + 43_200)
    assert tell(late).limits_s == pytest.approx((43_200, 43_204))


def test_gaps_stay_empty(scene: Make) -> None:
    axes = drawn(scene(faces=((10, 79, (range(30, 50),)),), sound=False))
    alone = [part for part in axes["modalities Face 0"].collections if isinstance(part, PolyCollection)]
    of_static = [path.vertices for part in alone for path in part.get_paths() if path.vertices[:, 1].max() > 2.8]
    left, right = (np.array([side(corners[:, 0]) for corners in of_static]) for side in (np.min, np.max))
    assert left.min() == pytest.approx(0.4)
    assert right.max() == pytest.approx(3.2)
    assert not ((left < 2.0 - 1e-9) & (right > 1.2 + 1e-9)).any()  # over 1.2-2.0 s, the face is not seen
    assert (right - left).sum() == pytest.approx(2.0)
    curve = next(line for line in axes["curves Face 0"].lines if len(line.get_xdata()) == 200)
    heights = np.asarray(curve.get_ydata(), dtype=float)
    assert np.isnan(heights[:20]).all()
    assert np.isnan(heights[160:]).all()
    assert np.isfinite(heights[20:160]).all()


def test_every_label_has_its_colours_and_its_place(scene: Make) -> None:
    analysis = scene(rule="open", frames=400, faces=((0, 399, ()),))
    axes = drawn(analysis)["ribbon Face 0"]
    timeline = analysis.faces[0].expression
    for place in np.unique(timeline.classes).tolist():
        name, times = timeline.label(place), (timeline.classes == place).sum() / 25
        shown = blocks(axes, name)
        assert (shown[:, 0, 1] - shown[:, 0, 0]).sum() == pytest.approx(times)
        parts = [part for part in axes.collections if str(part.get_label()).lstrip("_") == name]
        assert [to_hex(part.get_facecolor()[0]).upper() for part in parts] == [
            *(colours_of(name, analysis.vocabulary) or ("#FFFFFF",))
        ]
        assert (parts[0].get_hatch() is not None) == (name == "none")
    assert {"none", "Neutral", "Happiness"} <= {timeline.label(place) for place in timeline.classes.tolist()}


def test_the_first_emotion_of_a_blend_is_above_and_as_high_as_its_share(scene: Make) -> None:
    analysis = scene()
    face = analysis.faces[0]
    rows = len(face.frames)
    blend = replace(face.expression, classes=np.ones(rows, np.int64), salience=np.full(rows, 70.0))
    axes = drawn(replace(analysis, faces=(replace(face, expression=blend),)))["ribbon Face 0"]
    (first,), (second,) = blocks(axes, "Happily Surprised"), blocks(axes, "_Happily Surprised")
    assert first[1].tolist() == pytest.approx([0.3, 1.0])
    assert second[1].tolist() == pytest.approx([0.0, 0.3])
    assert first_share(np.array([99.0, 1.0, np.nan])).tolist() == [0.75, 0.25, 0.5]
    (text,) = axes.texts
    assert text.get_text() == "Happily Surprised"
    assert 0.3 < text.get_position()[1] < 1.0


def test_a_name_is_written_where_it_fits_and_nowhere_else(scene: Make) -> None:
    analysis = scene(rule="open", frames=400, faces=((0, 399, ()),))
    figure = figure_of(analysis)
    axes = next(axes for axes in figure.axes if axes.get_label() == "ribbon Face 0")
    FigureCanvasAgg(figure).draw()
    runs = tell(analysis).panels[0].runs["AV"]
    starts, ends = (axes.transData.transform(np.stack([x, x], axis=1))[:, 0] for x in (runs.starts_s, runs.ends_s))
    boxes = {round((text.get_window_extent().x0 + text.get_window_extent().x1) / 2): text for text in axes.texts}
    for start, end, place in zip(starts, ends, runs.classes.tolist(), strict=True):
        name = analysis.faces[0].expression.label(place)
        written = [text for centre, text in boxes.items() if start < centre < end]
        assert [text.get_text() for text in written] in ([], [name])
        for text in written:
            assert text.get_window_extent().x0 >= start
            assert text.get_window_extent().x1 <= end
        assert written or end - start < 20 + 200 * width_of(name, 7) or " " in name
    assert axes.texts


def test_modalities_have_ribbons_of_their_own(scene: Make) -> None:
    axes = drawn(scene())["modalities Face 0"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["VS", "VD", "A"]
    assert axes.get_ylim() == (0, 3)
    lanes = {int(path.vertices[0, 1]) for part in axes.collections for path in part.get_paths()}
    assert lanes == {0, 1, 2}


def test_rows_of_the_curves_are_the_seven(scene: Make) -> None:
    axes = drawn(scene(vocabulary=AVCER_12))["curves Face 0"]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(BASIC)
    heights = [area.get_paths()[0].vertices[:, 1] for area in axes.collections if area.get_label() in BASIC]
    assert [int(one.min()) for one in heights] == [6, 5, 4, 3, 2, 1, 0]
    assert all(one.max() - int(one.min()) <= 0.88 + 1e-9 for one in heights)


def test_a_panel_for_each_face_by_its_time_on_screen_and_a_note_on_the_rest(scene: Make) -> None:
    figure = figure_of(scene(faces=tuple((i, i + 30 + i, ()) for i in range(10))))
    names = [str(axes.get_label()) for axes in figure.axes]
    assert MOST_PANELS == 6
    assert [name for name in names if name.startswith("curves")] == [f"curves Face {n}" for n in (9, 8, 7, 6, 5, 4)]
    assert "ribbon Leading face" in names
    assert any(text.get_text() == "and 4 more faces, seen for less time: 3, 2, 1, 0" for text in figure.texts)


def test_one_face_that_leads_has_all_that_leads_in_its_panel(scene: Make) -> None:
    story = tell(scene(faces=((10, 79, ()),)))
    assert story.together
    (panel,) = story.panels
    assert panel is story.leading
    assert panel.runs["AV"].starts_s[0] == 0.0  # before the face is there, the sound alone
    assert panel.runs["VS"].starts_s[0] == pytest.approx(0.4)
    assert "on screen 70 % of the time" in " ".join(
        text.get_text() for text in figure_of(scene(faces=((10, 79, ()),))).texts
    )


def test_long_clips_have_a_clock(scene: Make) -> None:
    assert ticks((0.0, 5.0))[1:] == (["0", "0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5"], "time, seconds")
    places, texts, name = ticks((0.0, 1200.0))
    assert (places[:2], texts[:2], name) == ([0.0, 120.0], ["0:00", "2:00"], "time, minutes:seconds")
    places, texts, name = ticks((43_200.0, 43_204.0), zero_s=0.0)
    assert (texts[1], name) == ("12:00:00.5", "time, hours:minutes:seconds")
    places, texts, name = ticks((43_200.0, 43_204.0), zero_s=43_200.0)
    assert (places[1], texts[1], name) == (43_200.5, "0.5", "time, seconds")
    assert len(ticks((0.0, 0.001))[0]) > 2
    assert len(ticks((0.0, 1e9))[0]) > 2
    axes = drawn(scene(frames=30_000, faces=((0, 29_999, ()),)))["modalities Face 0"]
    assert [label.get_text() for label in axes.get_xticklabels()][-1] == "20:00"


def test_the_times_of_the_axis_are_those_that_were_asked_for(scene: Make) -> None:
    analysis = scene(provenance={"options": {"rule": "1", "times": "start"}})
    late = replace(analysis, times_s=analysis.times_s + 100, clip=replace(analysis.clip, start_s=100.0))
    axes = drawn(late)["modalities Face 0"]
    assert axes.get_xticklabels()[0].get_text() == "0"


def test_a_clip_with_nothing_says_so(scene: Make) -> None:
    texts = [text.get_text() for text in figure_of(scene(faces=(), sound=False)).texts]
    assert "no face found" in texts
    assert "nothing to decide from" in texts


def test_the_head_says_what_weighed_face_and_voice(scene: Make) -> None:
    own = "the rule's own weighing of face and voice"
    made = {"options": {"models": "published", "rule": "geometric"}, "fusion": {"name": "mini"}}
    for weighing, said in (({}, "mini fusion weights"), ({"name": own}, own)):
        texts = [text.get_text() for text in figure_of(scene(provenance={**made, "weighing": weighing})).texts]
        assert f"published models · geometric pair means · {said}" in texts
    silent = {"options": {"models": "mini", "rule": "open"}, "weighing": {"name": own}}
    texts = [text.get_text() for text in figure_of(scene(provenance=silent, faces=(), sound=False)).texts]
    assert f"mini models · open rule · {own} · no face · no sound" in texts


@pytest.mark.parametrize(
    "fields",
    [
        {"vocabulary": THIRTY, "faces": tuple((i, i + 30 + i, ()) for i in range(10))},
        {"rule": "open"},
        {"rule": "open", "frames": 9000, "faces": ((0, 8000, ()), (100, 8999, ()))},
        {"rule": "open", "path": Path("long " * 30 + ".mp4"), "faces": tuple((0, 99 - i, ()) for i in range(6))},
    ],
)
def test_no_text_leaves_the_page_or_lies_on_another(scene: Make, fields: dict[str, Any]) -> None:
    figure = figure_of(scene(**fields))
    FigureCanvasAgg(figure).draw()
    shown = [axes for axes in figure.axes if axes.axison]
    ticks = [tick for axes in shown for tick in (*axes.get_yticklabels(), *shown[-1].get_xticklabels())]
    texts = [*figure.texts, *(text for axes in shown for text in axes.texts), *dict.fromkeys(ticks)]
    texts += [*figure.legends[0].get_texts(), shown[-1].xaxis.label]
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


def test_runs_end_with_their_frames(scene: Make) -> None:
    timeline = scene(frames=6, faces=((0, 5, ()),)).faces[0].compound
    timeline = replace(
        timeline,
        classes=np.array([0, 0, 2, -1, -1, 2]),
        valid=np.array([True, True, True, False, True, True]),
        salience=np.array([40.0, 60.0, 70.0, np.nan, np.nan, 80.0]),
    )
    runs = find_runs(timeline, np.arange(6), timeline.times_s + 0.04)
    assert runs.classes.tolist() == [0, 2, -1, 2]
    assert runs.starts_s == pytest.approx([0, 0.08, 0.16, 0.2])
    assert runs.ends_s == pytest.approx([0.08, 0.12, 0.2, 0.24])
    assert runs.salience == pytest.approx([50, 70, np.nan, 80], nan_ok=True)


def test_a_column_has_the_class_with_most_of_its_time() -> None:
    starts = np.array([0.0, 0.4, 0.5, 1.0, 3.2])
    ends = np.array([0.4, 0.5, 1.0, 2.0, 4.0])
    runs = Runs(starts, ends, np.array([0, 1, 0, -1, 1]), np.array([40.0, 90.0, 60.0, np.nan, 70.0]))
    shown = in_columns(runs, (0.0, 4.0), 4)
    assert shown.starts_s.tolist() == [0, 1, 3]  # from 2 to 3 s nothing is there
    assert shown.ends_s.tolist() == [1, 2, 4]
    assert shown.classes.tolist() == [0, -1, 1]
    assert shown.salience == pytest.approx([(0.4 * 40 + 0.5 * 60) / 0.9, np.nan, 70], nan_ok=True)
    assert in_columns(runs, (0.0, 4.0), 400) is runs


def test_the_spread_of_a_column_is_that_of_its_frames() -> None:
    times = np.arange(100) / 25
    edges = np.stack([times, times + 0.04], axis=1)
    rows = np.repeat(np.arange(100.0)[:, None], 7, axis=1)
    rows[50:75] = np.nan
    shown = profile(edges, rows, 4)
    assert shown.low[:, 0] == pytest.approx([0, 25, np.nan, 75], nan_ok=True)
    assert shown.high[:, 0] == pytest.approx([24, 49, np.nan, 99], nan_ok=True)
    assert shown.mean[:, 0] == pytest.approx([12, 37, np.nan, 87], nan_ok=True)
    assert profile(edges, rows, 100).mean is rows


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

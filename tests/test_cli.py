"""The command line is a contract: exit statuses, messages, files. Runs in this process, on the demonstration clip."""

from __future__ import annotations

import csv
import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from avcer import cli
from avcer.commands import analysis
from avcer.console import print_scores, progress_shown
from avcer.demo import make_clip
from avcer.models import store
from avcer.pipeline import Analyzer

CONTRACT = {
    "static.csv", "dynamic.csv", "audio.csv", "fused.csv", "compound.csv", "segments.csv", "submission.txt",
    "timeline.png", "analysis.json", "analysis.npz",
}  # fmt: skip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "made.mp4")


@pytest.fixture(scope="module")
def results(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results")
    assert cli.main(["analyze", str(clip), "--out", str(out), "--quiet"]) == 0
    return out / "made"


def test_every_file_of_the_contract(results: Path) -> None:
    assert {path.name for path in results.iterdir()} == CONTRACT


def test_columns_of_the_contract(results: Path) -> None:
    emotions = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise"
    for name in ("static", "dynamic", "audio", "fused"):
        assert (results / f"{name}.csv").read_text().splitlines()[0] == f"frame,time_s,face,{emotions}"
    rows = list(csv.DictReader((results / "compound.csv").read_text().splitlines()))
    first = "frame,time_s,face,x1,y1,x2,y2,AV,VS,VD,A,kind,salience,probability,runner_up,Neutral,Anger,"
    assert (results / "compound.csv").read_text().startswith(first)
    assert len({row["frame"] for row in rows}) == 200
    segments = "face,start_s,end_s,label,kind,salience,probability"
    assert (results / "segments.csv").read_text().splitlines()[0] == segments


def test_a_calm_face_is_neutral_or_sad(results: Path) -> None:
    """The portrait's mouth is closed and its corners hang: never anger, surprise or a broad smile for long."""
    rows = [row for row in csv.DictReader((results / "static.csv").read_text().splitlines()) if row["Neutral"]]
    calm = [row for row in rows if float(row["Neutral"]) + float(row["Sadness"]) > 0.5]
    assert len(calm) > 0.7 * len(rows)


def test_one_bad_file_does_not_stop_the_others(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("no film")
    missing = tmp_path / "missing.mp4"
    out = tmp_path / "out"
    status = cli.main(["analyze", str(missing), str(bad), str(clip), "--out", str(out), "--formats", "csv", "--quiet"])
    assert status == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert "missing.mp4" in errors[0]
    assert "bad.mp4" in errors[1]
    assert [path.name for path in out.iterdir()] == ["made"]


@pytest.mark.parametrize(
    "arguments",
    [["--rule", "3"], ["--setting", "slow"], ["--compounds", "klingon"], ["--compounds", "none.toml"],
     ["--fusion", "none.json"], ["--formats", "docx"], ["--longest-side", "-1"]],
)  # fmt: skip
def test_wrong_usage_is_status_2(clip: Path, tmp_path: Path, arguments: list[str]) -> None:
    command = ["analyze", str(clip), "--out", str(tmp_path / "out"), *arguments]
    try:
        status = cli.main(command)
    except SystemExit as refused:  # argparse's own way
        status = int(refused.code or 0)
    assert status == 2
    assert not (tmp_path / "out").exists()


def line_of(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The exit status of a call, and the one line that it says."""
    try:
        status = cli.main(words)
    except SystemExit as refused:  # argparse's own way
        status = int(refused.code or 0)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("avcer: error: ")
    return status, line.removeprefix("avcer: error: ")


@pytest.mark.parametrize(
    ("call", "named", "help_of"),
    [
        ("", "COMMAND", "avcer"), ("analyse x.mp4", "'analyse'", "avcer"), ("analyze x.mp4", "--out", "avcer analyze"),
        ("analyze x.mp4 --out o --rule 3", "'3'", "avcer analyze"), ("serve --port x", "'x'", "avcer serve"),
        ("analyze x.mp4 --out o --no-such", "--no-such", "avcer analyze"), ("models", "ACTION", "avcer models"),
        ("models show", "NAME", "avcer models show"), ("--no-such models list", "--no-such", "avcer"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line(call: str, named: str, help_of: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, line = line_of(capsys, *call.split())
    assert status == 2
    assert named in line
    assert line.endswith(f"; {help_of} --help shows what it takes")


@pytest.mark.parametrize("formats", ["", ",", " , "])
@pytest.mark.parametrize("call", ["analyze x.mp4 --out o", "demo --out o", "batch x.mp4 --out o", "export o"])
def test_no_format_at_all_is_wrong_usage(
    call: str, formats: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    status, line = line_of(capsys, *call.split(), "--formats", formats)
    assert status == 2
    assert line.startswith("--formats names none; give some")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("call", "status", "remedy"),
    [
        ("analyze x.mp4 --out o --compounds nosuch.toml", 2, "give a .toml file with a table [compounds], or one of"),
        ("import-annotations x.eaf --map nosuch.toml", 2, "give a TOML file with a table [labels]"),
        ("fit-fusion nosuch.csv --out o.json", 1, "give a table of frames"),
        ("fit-fusion nosuch.parquet --out o.json", 1, "check its name"),
        ("evaluate annotations result nosuch.csv", 1, "give a table that avcer import-annotations wrote"),
    ],
)
def test_a_file_that_is_not_there_is_said_in_words(
    call: str, status: int, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    told, line = line_of(capsys, *call.split())
    assert told == status
    assert line.startswith("nosuch.")
    assert "no such file" in line
    assert remedy in line
    assert "rrno" not in line


def test_a_run_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, line = line_of(capsys, "compare", str(tmp_path))
    assert (status, line) == (1, f"{tmp_path}: holds no run; give a folder that avcer evaluate wrote")


def test_clips_of_one_name_do_not_overwrite_each_other(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "made.mp4"
    twin.write_bytes(clip.read_bytes())
    out = tmp_path / "out"
    assert cli.main(["analyze", str(clip), str(twin), "--out", str(out), "--formats", "txt", "--quiet"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["made", "made-2"]


def test_published_models_that_are_missing_are_asked_for(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AVCER_HOME", str(tmp_path / "home"))
    assert cli.main(["analyze", str(clip), "--out", str(tmp_path / "out"), "--models", "published"]) == 1
    assert "avcer models import published" in capsys.readouterr().err
    assert not (tmp_path / "home").exists()


def test_an_out_that_is_a_file_is_refused(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = tmp_path / "out"
    blocked.write_text("mine")
    assert cli.main(["analyze", str(clip), "--out", str(blocked), "--quiet"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert blocked.read_text() == "mine"


def test_an_interrupt_leaves_earlier_results_alone(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    earlier = tmp_path / "made" / "compound.csv"
    earlier.parent.mkdir()
    earlier.write_text("earlier")
    monkeypatch.setattr(Analyzer, "analyze", interrupted)
    assert cli.main(["analyze", str(clip), "--out", str(tmp_path)]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert earlier.read_text() == "earlier"
    assert [path.name for path in earlier.parent.iterdir()] == ["compound.csv"]


def test_folders_never_meet_and_stay_inside_out() -> None:
    def names(*videos: str) -> list[str]:
        folders = analysis._folders([Path(video) for video in videos], Path("out"))
        assert all(folder.parent == Path("out") for folder in folders)
        return [folder.name for folder in folders]

    assert names("x/a.mp4", "y/a.mp4", "a-2.mp4") == ["a", "a-2", "a-2-2"]
    assert names("A.mp4", "a.mp4") == ["A", "a-2"]  # one folder on some file systems
    assert names("...mp4", "..mp4", ".mp4") == ["...mp4", "..mp4", ".mp4"]


class _Broken:
    """Stands for an analyser with a fault of its own."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def analyze(self, video: Path, _: object) -> None:
        raise RuntimeError(f"fault\nin {video.name}")


def test_a_fault_of_our_own_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("avcer.pipeline.Analyzer", _Broken)
    assert cli.main(["analyze", "a.mp4", "--out", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("avcer: error: a.mp4: unforeseen RuntimeError (fault in a.mp4)")


HOOK = """
import io, os, signal
_open = io.open
def opening(file, *rest, **more):
    name = os.path.basename(str(file))
    if name.startswith("fault"):
        raise RuntimeError("fault in " + name)
    if name.startswith("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    return _open(file, *rest, **more)
io.open = opening
"""
"""For the worker's process, as ``sitecustomize``: no clip at hand makes a decoder crash."""


def test_of_several_clips_a_fault_or_a_crash_costs_one_and_one_line(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    for name in ("fault", "kill", "good"):
        (tmp_path / f"{name}.mp4").write_bytes(clip.read_bytes())
    videos = [str(tmp_path / f"{name}.mp4") for name in ("fault", "kill", "good", "missing")]
    assert cli.main(["analyze", *videos, "--out", str(tmp_path / "out"), "--formats", "txt", "--debug"]) == 1
    shown = capsys.readouterr()
    lines = [line.partition(f"{tmp_path}/")[2] for line in shown.err.splitlines() if line.startswith("avcer: error: ")]
    assert [line.partition(":")[0] for line in lines] == ["fault.mp4", "kill.mp4", "missing.mp4"]
    assert "unforeseen RuntimeError (fault in fault.mp4)" in lines[0]
    assert "SIGKILL" in lines[1]
    assert "in opening" in shown.err, "--debug shows the traceback of the worker"
    assert [line for line in shown.out.splitlines() if line.startswith("good.mp4: ")]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good"]


def test_options_that_cannot_be_used_cost_several_clips_one_line(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AVCER_HOME", str(tmp_path / "home"))
    command = ["analyze", str(clip), str(clip), "--out", str(tmp_path / "out"), "--models", "published"]
    assert cli.main(command) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "avcer models import published" in line


def test_a_name_that_the_terminal_lacks_is_shown_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    monkeypatch.setattr(sys, "stdout", narrow)
    assert cli.main(["models", "list"]) == 0
    print("\udcff é")
    narrow.flush()
    assert narrow.buffer.getvalue().splitlines()[-1] == b"\\udcff \\xe9"  # type: ignore[attr-defined]


def test_scores_are_printed_with_their_depth_and_matrices_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    matrix = {"labels": ["Fear", "Sadness"], "confusion": [[1, 0], [0, 1]]}
    print_scores({"n": 3, "modalities": {"VS": {"n": 2, **matrix}}}, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        f"{'n':24}3", "modalities", "  VS", f"{'    n':24}2", "    confusion",
        "    true \\ said       Fear  Sadness",
        "    Fear                 1        0",
        "    Sadness              0        1",
    ]  # fmt: skip


def test_progress_takes_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_shown("take [/two].mp4", quiet=False) as progress:
        progress("pictures", 1, 10)
    assert "take [/two].mp4  pictures" in terminal.getvalue()


def test_debug_adds_the_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["analyze", str(tmp_path / "x.mp4"), "--out", str(tmp_path / "out")]
    for words in ([*call, "--debug"], ["--debug", *call]):
        cli.main(words)
        shown = capsys.readouterr().err
        assert "Traceback" in shown
        assert shown.splitlines()[-1].startswith("avcer: error: ")
    cli.main(call)
    assert "Traceback" not in capsys.readouterr().err


def test_demo_tells_where_to_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    picture = tmp_path / "portrait" / "timeline.png"
    assert str(picture) in shown.out
    assert picture.stat().st_size > 10_000
    assert "real-time factor" in shown.out
    assert shown.err == ""  # no progress where there is no terminal


def test_models_list_show_verify(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "list"]) == 0
    listed = capsys.readouterr().out
    assert cli.main(["models", "verify"]) == 0
    capsys.readouterr()
    for model in store.installed():
        assert model.card.name in listed
    assert cli.main(["models", "show", "mini-static"]) == 0
    assert '"sha256"' in capsys.readouterr().out
    assert cli.main(["models", "show", "mini-statik"]) == 2


def test_verify_names_every_damaged_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AVCER_HOME", str(tmp_path))
    for role in ("static", "audio"):
        folder = store.location("published", role)  # type: ignore[arg-type]
        folder.mkdir(parents=True)
        (folder / "card.json").write_text("{")
    assert cli.main(["models", "verify"]) == 1
    shown = capsys.readouterr()
    assert "mini-detector: as on its card" in shown.out
    first, second = shown.err.splitlines()
    assert "static" in first
    assert "audio" in second


def test_the_authors_own_command(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Path(__file__).parents[1] / "run.py"
    monkeypatch.setenv("AVCER_HOME", str(tmp_path / "home"))
    command = [sys.executable, str(script), "--path_video", str(clip), "--path_save", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {path.name for path in (tmp_path / "out" / "made").iterdir()} == CONTRACT
    assert done.stdout.splitlines()[-1].strip().endswith(tuple("0123456789"))


def test_the_authors_own_command_on_a_folder_without_a_video(tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "run.py"
    command = [sys.executable, str(script), "--path_video", str(tmp_path), "--path_save", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("avcer: error: ")
    assert len(done.stderr.splitlines()) == 1


def test_help_of_every_command_names_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["analyze", "--help"])
    shown = capsys.readouterr().out
    for flag in ("--models", "--rule", "--compounds", "--setting", "--formats", "--fusion", "--device", "--quiet"):
        assert flag in shown


def twin_of(clip: Path, folder: Path) -> Path:
    """Another clip of the same name."""
    folder.mkdir()
    twin = folder / clip.name
    twin.write_bytes(clip.read_bytes())
    return twin


def run_quietly(*words: object) -> int:
    return cli.main(["analyze", *map(str, words), "--quiet"])


@pytest.mark.parametrize("formats", ["json,txt", "txt"])
def test_another_clip_of_that_name_in_a_later_call(
    clip: Path, tmp_path: Path, formats: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It gets a number, and the summary says so; the same clip again gets its own folder again."""
    out, twin = tmp_path / "out", twin_of(clip, tmp_path / "other")
    more = ("--out", str(out), "--formats", formats)
    assert run_quietly(clip, *more) == 0
    first = (out / "made" / "submission.txt").stat().st_mtime_ns
    assert cli.main(["analyze", str(twin), *more]) == 0
    assert "another clip's" in capsys.readouterr().out
    assert (out / "made" / "submission.txt").stat().st_mtime_ns == first
    assert run_quietly(clip, *more) == 0
    assert run_quietly(twin, *more) == 0
    assert (out / "made" / "submission.txt").stat().st_mtime_ns != first
    assert sorted(path.name for path in out.iterdir()) == ["made", "made-2"]


def test_a_second_run_with_fewer_formats_leaves_no_mixture(clip: Path, tmp_path: Path) -> None:
    """Files of the earlier analysis go, those of the user stay."""
    folder = tmp_path / "made"
    assert run_quietly(clip, "--out", tmp_path, "--formats", "json,csv,srt") == 0
    (folder / "notes.csv").write_text("mine")
    assert run_quietly(clip, "--out", tmp_path, "--formats", "srt", "--rule", "1") == 0
    assert {path.name for path in folder.iterdir()} == {"segments.srt", "notes.csv", ".avcer.json"}
    assert run_quietly(clip, "--out", tmp_path, "--formats", "json") == 0
    assert {path.name for path in folder.iterdir()} == {"analysis.json", "analysis.npz", "notes.csv"}


def test_formats_of_one_analysis_saved_one_after_the_other_stay(clip: Path, tmp_path: Path) -> None:
    found = Analyzer().analyze(clip)
    for word in ("json", "srt", "txt"):
        found.save(tmp_path, [word])
    assert {"analysis.json", "segments.srt", "submission.txt"} < {path.name for path in tmp_path.iterdir()}
    Analyzer().analyze(clip).save(tmp_path, ["vtt"])
    assert {path.name for path in tmp_path.iterdir()} == {"segments.vtt", ".avcer.json"}


def test_a_clip_without_a_suffix_with_its_results_beside_it(clip: Path, tmp_path: Path) -> None:
    bare = tmp_path / "clip"
    bare.write_bytes(clip.read_bytes())
    assert run_quietly(bare, "--out", tmp_path, "--formats", "txt") == 0
    assert bare.read_bytes() == clip.read_bytes()
    assert (tmp_path / "clip-2" / "submission.txt").exists()


def test_a_file_in_the_place_of_the_folder_is_found_before_the_work(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "made").write_text("mine")
    monkeypatch.setattr(Analyzer, "analyze", lambda *_: pytest.fail("the work has begun"))
    assert run_quietly(clip, "--out", tmp_path) == 1
    assert "is a file" in capsys.readouterr().err
    assert (tmp_path / "made").read_text() == "mine"


def start(shell: str, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs ``python -m avcer`` with a redirection of the shell."""
    command = shlex.join([sys.executable, "-m", "avcer", *map(str, words)])
    shelled = ["sh", "-c", f"{command} {shell}"]
    return subprocess.run(shelled, capture_output=True, text=True, check=False, env=os.environ | variables)


@pytest.mark.parametrize("shell", ["2>&-", ">&-", "<&- >&- 2>&-", "| head -1"])
def test_streams_that_are_closed(clip: Path, tmp_path: Path, shell: str) -> None:
    """The work is done, without a traceback, and nothing that is said goes into a result."""
    done = start(shell, "analyze", clip, clip, tmp_path / "missing.mp4", "--out", tmp_path / "out", "--formats", "txt")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == (shell in {">&-", "| head -1"})
    assert done.returncode == (0 if "|" in shell else 1)
    for name in ("made", "made-2"):
        lines = (tmp_path / "out" / name / "submission.txt").read_text().splitlines()
        assert all(line.split(",")[1].isdigit() for line in lines[1:])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_output_that_is_full() -> None:
    done = start("> /dev/full", "models", "list")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "avcer: error: standard output cannot be written (No space left on device); send it elsewhere"
    ]


def test_a_home_that_cannot_be_written(clip: Path, tmp_path: Path) -> None:
    """Silent under ``--quiet``; nothing is missing."""
    words = ("analyze", clip, "--out", tmp_path, "--quiet")
    done = start("", *words, AVCER_HOME="/dev/null/below", HOME="/dev/null/home", MPLCONFIGDIR="")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "made" / "timeline.png").exists()

"""The promise: nothing is sent, no foreign program is started, nothing is written but what was asked for."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOISY = {"openvino", "nncf", "transformers", "huggingface_hub", "ray"}
"""Libraries that send usage data when they are imported or used, unless avcer was imported before them."""
WATCHER = """
import json, os, sys

log = os.open(os.environ["WATCHED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
STARTS = ("subprocess.Popen", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty", "os.system")

def watch(event, words):
    if event.startswith("socket.") or event in STARTS:
        os.write(log, (json.dumps([event, str(words[0])]) + "\\n").encode())
    elif event == "open" and isinstance(words[0], str) and isinstance(words[2], int):
        if words[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and not words[2] & getattr(os, "O_TMPFILE", 0):
            os.write(log, (json.dumps(["write", os.path.abspath(words[0])]) + "\\n").encode())

sys.addaudithook(watch)
"""
"""A sitecustomize.py: every Python process notes what it connects to, starts and writes."""


@dataclass(frozen=True)
class Seen:
    """What a run did: sockets, programs started, and the paths that it wrote outside its folders."""

    sockets: list[str]
    started: list[str]
    written: list[str]


class Place:
    """A user's machine: an empty home, an empty folder to work in, one for temporary files, and one for results."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home, self.here, self.temporary, self.out, self.store, watcher = (
            root / name for name in ("home", "here", "temporary", "out", "store", "watcher")
        )
        for folder in (self.home, self.here, self.temporary, self.out, watcher):
            folder.mkdir()
        (watcher / "sitecustomize.py").write_text(WATCHER)
        self.variables = {
            name: value
            for name, value in os.environ.items()
            # CI is what silences OpenVINO by itself; the others are set by runs in this process.
            if name not in {"CI", "NNCF_CI", "MPLCONFIGDIR", "HF_HUB_OFFLINE", "TORCHINDUCTOR_CACHE_DIR"}
            and not name.startswith(("XDG_", "COV"))
        } | {
            "HOME": str(self.home),
            "AVCER_HOME": str(self.store),
            "TMPDIR": str(self.temporary),
            "WATCHED": str(root / "log"),
            "PYTHONPATH": os.pathsep.join([str(watcher), str(ROOT / "src")]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",  # small layers on threads that wait for each other are slow
        }

    def run(self, *words: str) -> Seen:
        """Runs Python with ``words``, without a network where the system lets us take it away."""
        command = [*without_network(), sys.executable, *words]
        done = subprocess.run(command, cwd=self.here, env=self.variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        log = self.root / "log"
        events = [json.loads(line) for line in log.read_text().splitlines()]
        log.unlink()
        inside = (self.out, self.store, self.temporary, Path(os.devnull))
        return Seen(
            [words for event, words in events if event.startswith("socket.")],
            [words for event, words in events if not event.startswith("socket.") and event != "write"],
            [
                words
                for event, words in events
                if event == "write" and not any(Path(words).is_relative_to(folder) for folder in inside)
            ],
        )

    def left(self) -> list[Path]:
        """What lies where nothing may be left."""
        return [path for folder in (self.home, self.here, self.temporary) for path in folder.iterdir()]


def without_network() -> list[str]:
    words = ["unshare", "--map-root-user", "--net"]
    allowed = shutil.which("unshare") and not subprocess.run([*words, "true"], capture_output=True).returncode
    return words if allowed else []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


COMMANDS = "import sys; from avcer import cli; sys.exit(max(cli.main(words.split()) for words in sys.argv[1:]))"


def test_demo_and_analyze(place: Place) -> None:
    """Matplotlib's first picture included, and a clip analysed from the library."""
    clip = place.out / "clip.mp4"
    make = (
        f"from pathlib import Path; from avcer import demo; demo.DURATION_S = 1.0; demo.make_clip(Path({str(clip)!r}))"
    )
    analyze = f"analyze {clip} --formats csv,json,png,txt,srt,vtt,faces --out {place.out}"
    seen = place.run("-c", f"{make}; {COMMANDS}", analyze)
    assert seen == Seen([], [], [])
    assert not place.left()
    assert (place.out / "clip" / "timeline.png").exists()


@pytest.mark.slow
def test_demo_bench_quantize_train_and_import(place: Place, make_faces: Callable[[Path], Path]) -> None:
    """``bench`` starts Python itself; nothing else is started."""
    import torch

    from avcer.models.networks import build

    checkpoint, faces = place.out / "dynamic.pt", make_faces(place.out / "faces.parquet")
    torch.save(build("avcer-lstm").state_dict(), checkpoint)
    assert place.run("-m", "avcer.cli", "demo", "--out", str(place.out / "demo")) == Seen([], [], [])
    [clip] = (place.out / "demo").glob("*.mp4")
    seen = place.run("-m", "avcer.cli", "bench", str(clip), "--repeats", "1")
    assert (seen.sockets, set(seen.started), seen.written) == ([], {sys.executable}, [])
    one_role = "from avcer.quantization import run; run.ROLES = ('static',)"
    others = (
        f"train static {faces} --out {place.out / 'trained'} --epochs 1",
        f"models import published --dynamic {checkpoint}",
        f"models quantize mini {clip}",
    )
    assert place.run("-c", f"{one_role}; {COMMANDS}", *others) == Seen([], [], [])
    assert not place.left()


@pytest.fixture
def make_faces() -> Callable[[Path], Path]:
    import cv2
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    from avcer.labels import BASIC
    from made_up import pattern

    def write(path: Path) -> Path:
        random, rows = np.random.default_rng(0), []
        for index in range(70):
            votes = {name.lower(): 8 * (place == index % 7) for place, name in enumerate(BASIC)}
            image = cv2.imencode(".png", pattern(index % 7, random))[1].tobytes()
            split = "train" if index < 56 else "valid"
            rows.append({"image": image, "split": split, **votes, "contempt": 0, "unknown": 2, "NF": 0})
        parquet.write_table(pa.Table.from_pylist(rows), path)
        return path

    return write


def test_the_watcher_sees(place: Place) -> None:
    """What the tests above rely on: a socket, a program and a file are noted."""
    code = "import socket, subprocess; open('here', 'w'); socket.socket(); subprocess.run(['true'])"
    seen = place.run("-c", code)
    assert seen.sockets
    assert "true" in seen.started
    assert seen.written == [str(place.here / "here")]
    assert place.left() == [place.here / "here"]


def test_usage_data_is_off_in_a_program_that_embeds_avcer(place: Place) -> None:
    """NNCF beside OpenVINO; a child process that only unpickles; and no downloads are forbidden to the program."""
    code = (
        "import os, pickle, sys; pickle.loads(pickle.dumps(__import__('avcer').Options))\n"
        "import openvino\n"
        "from openvino.tools.ovc import telemetry_utils as told\n"
        "assert told.tm.__name__.endswith('telemetry_stub')\n"
        "assert os.environ['HF_HUB_DISABLE_TELEMETRY'] == '1' and os.environ['RAY_USAGE_STATS_ENABLED'] == '0'\n"
        "assert 'HF_HUB_OFFLINE' not in os.environ and 'MPLCONFIGDIR' not in os.environ\n"
    )
    assert place.run("-c", code) == Seen([], [], [])
    assert not place.left()


def test_what_the_user_has_set_stays(place: Place) -> None:
    place.variables |= {"RAY_USAGE_STATS_ENABLED": "1", "HF_HUB_OFFLINE": "0"}
    code = "import os; from avcer import quiet; quiet.own_process(); print(os.environ['RAY_USAGE_STATS_ENABLED'])"
    assert place.run("-c", f"{code}; assert os.environ['RAY_USAGE_STATS_ENABLED'] == '1'") == Seen([], [], [])
    assert place.run("-c", f"{code}; assert os.environ['HF_HUB_OFFLINE'] == '0'") == Seen([], [], [])


def test_a_matplotlibrc_of_the_user_counts(place: Place) -> None:
    settings = place.home / ".config" / "matplotlib" / "matplotlibrc"
    settings.parent.mkdir(parents=True)
    settings.write_text("lines.linewidth: 7.5\n")
    code = "import avcer.plotting, matplotlib; assert matplotlib.rcParams['lines.linewidth'] == 7.5"
    assert place.run("-c", code).written == []


def test_a_home_that_cannot_be_written(place: Place) -> None:
    """Matplotlib's list of fonts goes with the process, without a warning."""
    place.variables["AVCER_HOME"] = os.devnull + "/below"
    code = "import avcer.plotting, matplotlib; print(matplotlib.get_cachedir())"
    assert place.run("-W", "error", "-c", code) == Seen([], [], [])
    assert not place.left()


def libraries(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").split(".")[0]}
    return {alias.name.split(".")[0] for alias in node.names} if isinstance(node, ast.Import) else set()


def test_nothing_noisy_is_imported_before_avcer() -> None:
    """Modules of the package come after ``avcer/__init__.py``, and tests after their conftest.py; a script of
    ``benchmarks`` starts a process, so there such an import stands in a function. Matplotlib has one door.
    """
    for path in sorted((ROOT / "benchmarks").rglob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert not {name for node in body for name in libraries(node)} & NOISY, path
    for path in sorted((ROOT / "src").rglob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        found = {name for node in nodes if isinstance(node, ast.stmt) for name in libraries(node)}
        assert path.name == "plotting.py" or "matplotlib" not in found, f"{path}: import it from avcer.plotting"

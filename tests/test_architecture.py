"""The layout tells the story: data flow in one direction, and imports follow them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "avcer"
STATIONS = (
    ("errors", "words", "parsing", "waiting", "memory"), ("processors", "identity", "home"), ("quiet", "plotting"),
    ("modalities",), ("labels",), ("types", "provenance"),
    ("files", "timing", "prefetch"), ("media",), ("models",), ("faces",), ("emotion",), ("analysis",), ("decision",),
    ("sampling", "inputs"), ("sight", "hearing"), ("options",), ("changes", "settled", "clip_facts"),
    ("session",), ("feeding",), ("pipeline",),
    ("output",), ("live",), ("annotations",), ("batch",), ("serve",), ("evaluation",), ("training",), ("quantization",),
    ("bench",),
    ("demo", "console", "streams"), ("commands",), ("cli",), ("__main__",),
)  # fmt: skip
ORDER = {name: place for place, names in enumerate(STATIONS) for name in names}
DOORS = {("analysis", "output")}
"""Imports against the direction: ``Analysis.save`` and ``load`` open the door to the writers when they are called."""
HEAVY = ("torch", "transformers", "onnx", "openvino", "matplotlib", "scipy", "cv2", "av", "numpy", "rich")


def on_the_page() -> dict[str, set[str]]:
    """Folder below the package ("" for the package itself) -> the modules that the page's tree names in it.

    An entry begins two spaces in, that of a folder in a folder four; what it says goes on in the lines below it.
    """
    page = (SOURCE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = page.partition("\nsrc/avcer/\n")[2].partition("```")[0]
    found: dict[str, set[str]] = {"": set()}
    station = folder = ""
    for line in tree.splitlines():
        indent, name, said = re.fullmatch(r"( *)(\S+) *(.*)", line).groups()  # type: ignore[union-attr]
        if len(indent) <= 4 and name.endswith("/"):
            folder = name[:-1] if len(indent) == 2 else f"{station}/{name[:-1]}"
            station = folder.partition("/")[0]
            found[folder] = set()
        elif len(indent) == 2:
            folder = ""
            found[""].add(name)
            continue
        found[folder] |= set(re.findall(r"[a-z]\w*\.py\b", said if name.endswith("/") else line))
    return found


def test_the_page_names_every_module_in_its_folder() -> None:
    there: dict[str, set[str]] = {}
    for path in modules():
        if not path.name.startswith("__"):
            folder = path.parent.relative_to(SOURCE).as_posix()
            there.setdefault("" if folder == "." else folder, set()).add(path.name)
    assert on_the_page() == there


def test_the_page_names_the_stations_in_their_order() -> None:
    """None that is not there, and none before one that it may import."""
    page = (SOURCE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = page.partition("\nsrc/avcer/\n")[2].partition("```")[0]
    named = [name.removesuffix(".py").rstrip("/") for name in re.findall(r"^  (\w\S*)", tree, re.MULTILINE)]
    assert sorted(named) == sorted(name for name in ORDER if name != "__main__")
    places = [ORDER[name] for name in named]
    assert places == sorted(places)


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.name != "__init__.py")


def station(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The stations that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import hides where it goes"
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("avcer.")}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_one_way(path: Path) -> None:
    own = station(path)
    assert own in ORDER, f"{own} is no station yet: give it its place in STATIONS"
    against = {name for name in imported(path) if name != own and ORDER[name] >= ORDER[own]}
    assert not {name for name in against if (own, name) not in DOORS}


def test_there_is_one_core_of_openvino() -> None:
    """A second one can end the process: see ``models.core``."""
    made = [path for path in modules() if "openvino.Core()" in path.read_text(encoding="utf-8").partition("def ")[2]]
    assert [path.relative_to(SOURCE).as_posix() for path in made] == ["models/core.py"]


def test_importing_does_nothing() -> None:
    """No heavy library, no folder, no thread: ``import avcer`` and ``avcer --help`` are for scripts, too."""
    code = "import sys, threading, avcer, avcer.cli; print(threading.active_count(), *sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert shown[0] == "1"
    assert not set(HEAVY) & set(shown[1:])


@pytest.mark.parametrize("words", [["--help"], ["analyze", "--help"], ["serve", "--help"], ["live", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = f"import sys, avcer.cli\ntry: avcer.cli.main({words})\nexcept SystemExit: print(); print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "usage: avcer" in shown
    assert not set(HEAVY) & set(shown.splitlines()[-1].split())


def test_the_service_listens_before_anything_heavy_is_imported() -> None:
    """A page that is usable within two seconds: what analyses is imported by the first job."""
    pytest.importorskip("starlette", reason="the extra serve is not installed")
    code = (
        "import sys, avcer.serve.run as run\n"
        "run.uvicorn.Server.run = lambda self, sockets: print(*sys.modules)\n"
        "run.serve(run.Settings(port=0, folder=run.Path(sys.argv[1])))"
    )
    with TemporaryDirectory() as folder:
        words = [sys.executable, "-c", code, folder]
        shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "token=" in shown[0]
    assert "avcer.serve.app" in shown[1].split()
    assert not {*HEAVY, "pyarrow", "polars", "pandas", "PIL", "fastapi", "pydantic"} & set(shown[1].split())


def test_analysing_needs_no_pytorch() -> None:
    """With PyTorch out of reach, the analyser still loads its models and runs them."""
    code = (
        "import sys\n"
        "for name in ('torch', 'onnx', 'transformers', 'pyarrow', 'safetensors'): sys.modules[name] = None\n"
        "from avcer import Analyzer\n"
        "print(Analyzer().options.models)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "mini"

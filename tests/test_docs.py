"""The documents cannot drift: commands, options, names, Python blocks and links in them are tried."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import avcer
from avcer import Analysis, Clip, cli
from avcer.annotations.labels import COLUMNS
from avcer.annotations.words import SYNONYMS
from avcer.decision.align import nothing
from avcer.evaluation.annotated.scores import Difference
from avcer.labels import C_EXPR_DB
from avcer.models.card import FAMILIES
from avcer.options import SETTINGS
from avcer.output.tables import tables
from avcer.output.writers import FORMATS
from avcer.words import RULES

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
RUNNABLE = [ROOT / "README.md", ROOT / "docs" / "python.md"]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands() -> list[list[str]]:
    lines = [line for page in PAGES for block in blocks(page, "") for line in block.splitlines()]
    starts = ("avcer ", ".venv/bin/avcer ")
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith(starts) and "..." not in line]


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_commands_parse(arguments: list[str]) -> None:
    if "COMMAND" not in arguments:
        cli.parser().parse_args(arguments)


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.name)
def test_python_blocks_run(page: Path, short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("clip.mp4", "interview.mp4"):
        shutil.copy(short_clip, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), names)
    assert list((tmp_path / "results").iterdir())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def anchors(page: Path) -> set[str]:
    """What links may name of a page: its headings as GitHub writes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    found = [
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    ]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_headings(page: Path) -> None:
    for target, heading in re.findall(r"\]\(([^)#\s]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert heading in anchors(page.parent / target if target else page), f"{target}#{heading}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_of_the_repository_are_there(page: Path) -> None:
    """Wherever code is quoted: `tests/x.py`, `python benchmarks/x.py`, a folder. A pattern matches something."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for code in re.findall(r"`([^`]+)`", text):
        for path in re.findall(r"(?<!\S)(?:tests|benchmarks|src)/[\w./*-]+", code):
            assert list(ROOT.glob(path)), path


def test_the_checklists_name_modules_that_are_there() -> None:
    """Of the package (`output/x.py`), or of the repository (`tests/x.py`)."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.(?:py|js|html|json)|\w+/)`", text)
    assert len(named) > 40
    assert not [name for name in named if not ((ROOT / name).exists() or (ROOT / "src" / "avcer" / name).exists())]


def test_every_rule_is_described() -> None:
    text = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("decision.md", "rules.md"))
    assert not [rule for rule in RULES if f"`{rule}`" not in text]


PAGED = ["analyze", "export", "import-annotations", "train", "evaluate", "compare", "ablate", "fit-fusion", "bench"]


@pytest.mark.parametrize("command", PAGED)
def test_the_command_line_page_names_every_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    shown = set(re.findall(r"(?<!\S)\[?(--[a-z-]+)", capsys.readouterr().out))
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    section = text.partition(f"## avcer {command}\n")[2].partition("\n## ")[0]
    assert shown - {"--help", "--debug"} <= set(re.findall(r"--[a-z-]+", section))
    assert set(re.findall(r"^\| `(--[a-z-]+)`", section, re.MULTILINE)) <= shown


def test_the_command_line_page_names_every_choice() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    for word in (*FORMATS, *SETTINGS, *FAMILIES):
        assert f"`{word}`" in text


def test_the_annotations_page_names_every_word() -> None:
    text = (ROOT / "docs" / "annotations.md").read_text(encoding="utf-8")
    for label, words in SYNONYMS.items():
        assert f"| {label} | {', '.join(words)} |" in text
    for column in (*COLUMNS, *(field.name for field in fields(Difference))):
        assert f"`{column}`" in text


def test_the_numbers_of_the_settings_are_those_of_the_page() -> None:
    rows = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8").splitlines()
    numbers = {
        "--detect-every": [setting.sampling.detect_every for setting in SETTINGS.values()],
        "--steady-within": [setting.sampling.classify.steady_within for setting in SETTINGS.values()],
        "--audio-step": [setting.audio_step_s for setting in SETTINGS.values()],
    }
    for option, values in numbers.items():
        (row,) = (row for row in rows if row.startswith(f"| `{option}` "))
        assert row.endswith(f" the setting's: {', '.join(f'{value:g}' for value in values)} |")


def test_every_page_is_listed_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [page.name for page in (ROOT / "docs").glob("*.md") if f"docs/{page.name}" not in readme]


def test_public_names_are_listed_and_described() -> None:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    for name in set(avcer.__all__) - {"__version__", "Face"}:
        assert getattr(avcer, name).__doc__
        assert name in text
    assert set(dir(avcer)) == set(avcer.__all__)


def test_every_column_is_described_on_the_page() -> None:
    """With the very words that Parquet files carry."""
    page = (ROOT / "docs" / "output.md").read_text(encoding="utf-8")
    silent = nothing(np.zeros(0), "audio")
    clip = Clip(Path("x.mp4"), 1.0, 0, 25.0, 8, 8, 0, has_video=True, has_audio=True)
    empty = Analysis(clip, np.zeros(0), {"audio": silent}, (), None, np.zeros(0, int), C_EXPR_DB, {}, ())
    for table in tables(empty).values():
        for column in table.columns:
            name = "one column per label" if column.name in empty.labels else f"`{column.name}`"
            assert re.search(rf"^\| .*{name}.* \| {re.escape(column.description)} \|$", page, re.MULTILINE), column.name


def test_the_page_names_every_fact_of_a_clip() -> None:
    """Those that ``analysis.json`` holds."""
    lines = (ROOT / "docs" / "output.md").read_text(encoding="utf-8").splitlines()
    (row,) = (line for line in lines if line.startswith("| `clip` "))
    assert not [field.name for field in fields(Clip) if f"`{field.name}`" not in row]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_prose_keeps_to_120_columns(page: Path) -> None:
    """Tables, code and what a command writes are as wide as they are."""
    text = re.sub(
        r"^```.*?^```|^<!-- measured.*?^<!-- end", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    prose = [line for line in text.splitlines() if not line.startswith(("|", "!["))]
    assert not [line for line in prose if len(line) > 120]

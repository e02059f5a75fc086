"""The command, from a folder of made-up corpora to its tables."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from avcer import cli
from avcer.demo import photograph
from avcer.evaluation.peers import registry
from avcer.evaluation.peers.record import Peer
from avcer.evaluation.strangers import score
from avcer.evaluation.strangers.report import BEGIN, END
from avcer.evaluation.strangers.sets import LabelledSet
from avcer.labels import BASIC
from made_up import utterance
from miniatures import one_person, write_clip

CALM = np.eye(7)[BASIC.index("Neutral")]


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus that was learned from, one that was not, faces in class folders, a labelled clip, a stray."""
    root = tmp_path_factory.mktemp("corpora")
    for number, place in enumerate(("emodb/15a01Wa.wav", "emodb/16a01Na.wav", "EMOVO/f1/neu-f1-b1.wav", "x/a.wav")):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / place, utterance("angry", number)[:16_000], 16_000)
    face = cv2.resize(photograph()[20:180, 150:310], (48, 48))
    for word in ("neutral", "happy"):
        (root / "own" / word).mkdir(parents=True)
        cv2.imwrite(str(root / "own" / word / "1.png"), face)
    (root / "clips").mkdir()
    write_clip(root / "clips" / "a.mp4", one_person())
    (root / "clips" / "labels.csv").write_text("path,label,speaker\na.mp4,Neutral,7\n", encoding="utf-8")
    return root


def peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that knows calm faces only, and one that fails."""

    def fail(item: object) -> None:
        raise RuntimeError("no\nidea")

    made = {
        "fer": Peer("fer", "faces", "no-such-package", lambda: lambda face: CALM),
        "speechbrain": Peer("speechbrain", "voices", "no-such-package", lambda: fail),
    }
    monkeypatch.setattr(registry, "PEERS", made)


def test_the_command(
    corpora: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    peers(monkeypatch)
    page = tmp_path / "page.md"
    page.write_text(f"# Mine\n\n{BEGIN}\nold\n{END}\n\nkept\n", encoding="utf-8")
    words = ["evaluate", "strangers", str(corpora), "--peers", "fer,speechbrain", "--json", "--write", str(page)]
    assert cli.main(words) == 0
    found = json.loads(capsys.readouterr().out)
    rows = {(row["corpus"], row["kind"], row["model"]): row for row in found["rows"]}
    assert set(rows) == {
        ("emodb", "voices", "mini"), ("emovo", "voices", "mini"), ("own", "faces", "mini"), ("clips", "clips", "mini"),
        ("own", "faces", "fer"),
    }  # fmt: skip
    assert [rows[name, "voices", "mini"]["seen"] for name in ("emodb", "emovo")] == [True, False]
    emodb, fer = rows["emodb", "voices", "mini"], rows["own", "faces", "fer"]
    assert (emodb["n"], emodb["speakers"], emodb["classes"]) == (2, 2, 2)
    assert emodb["cost"] > 0
    assert fer["curves"]["VS"]["uar"] == 0.5
    assert fer["curves"]["VS"]["recalls"] == {"Neutral": 1.0, "Happiness": 0.0}
    assert fer["seen"] is None
    assert set(rows["clips", "clips", "mini"]["curves"]) == {"AV", "VS", "VD", "A"}
    assert any(note.endswith("x: holds no corpus that is known; left out") for note in found["notes"])
    assert "peer speechbrain: failed on emodb (no idea)" in found["notes"]
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# Mine\n\n{BEGIN}\nMeasured on ")
    assert text.endswith(f"{END}\n\nkept\n")
    assert "| EMOVO | mini |  | 1 |" in text
    assert "| mean of 1 unseen | mini |" in text


def test_tables_for_people(corpora: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", "strangers", str(corpora / "EMOVO"), "--peers", "none"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("Voices")
    assert "real-time factor" in shown.out
    assert "mini: emovo (voices, 1)" in shown.err


def test_wrong_usage(corpora: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strangers = ["evaluate", "strangers", str(corpora)]
    assert cli.main([*strangers, "--peers", "nobody"]) == 2
    assert cli.main([*strangers, "--families", "huge"]) == 2
    assert cli.main([*strangers, "--fusion", "mean"]) == 2
    assert cli.main([*strangers, str(corpora)]) == 2
    assert cli.main(["evaluate", "emodb", str(corpora), "--peers", "fer", "--out", str(tmp_path)]) == 2
    assert cli.main(["evaluate", "strangers", str(tmp_path / "none")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert all(line.startswith("avcer: error: ") for line in lines)


def test_what_cannot_be_read_does_not_count() -> None:
    """Nor what a model says nothing of."""
    pictures = [np.full((4, 4, 3), shade, np.uint8) for shade in (1, 2, 3)]
    items = LabelledSet("own", "faces", np.array([0, 0, 4]), np.array(["a", "b", "c"]), lambda place: pictures[place])
    notes: list[str] = []
    row = score.rated(items, lambda face: None if face[0, 0, 0] == 3 else CALM, "mini", False, notes.append)
    assert row is not None
    assert (row.n, row.classes, row.curves["VS"]["uar"]) == (2, 1, 1.0)
    assert notes == ["own: mini says nothing of 1 of 3 items; they do not count"]
    assert score.rated(items, lambda face: None, "mini", False, notes.append) is None

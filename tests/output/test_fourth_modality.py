"""A modality that nobody has written yet is found in every table, document, picture and fusion file."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from avcer.analysis import Analysis
from avcer.decision.fuse import FusionWeights, read_fusion, write_fusion
from avcer.decision.policy import Policy
from avcer.decision.segments import frame_ends
from avcer.decision.timelines import decide_all
from avcer.errors import UsageError
from avcer.labels import BASIC, C_EXPR_DB
from avcer.modalities import MODALITIES, Modality
from avcer.output.document import load_json
from avcer.output.story import tell
from avcer.types import Clip, EmotionProbabilities, FaceTrack

FRAMES = 40
TIMES_S = np.arange(FRAMES) / 25


def emotions(seed: int, name: str, valid: slice = slice(None)) -> EmotionProbabilities:
    there = np.zeros(FRAMES, bool)
    there[valid] = True
    values = np.random.default_rng(seed).dirichlet(np.ones(7), FRAMES) * there[:, None]
    return EmotionProbabilities(TIMES_S, values, there, name)


@pytest.fixture(params=["clip", "face"])
def modality(request: pytest.FixtureRequest) -> Modality:
    return Modality("text", "T", request.param, "what is said", "#CC79A7")


@pytest.fixture
def weights(modality: Modality) -> FusionWeights:
    return FusionWeights("four", np.full((4, 7), 0.25), modalities=(*MODALITIES, modality))


@pytest.fixture
def analysis(modality: Modality, weights: FusionWeights) -> Analysis:
    """One face on frames 5-29, text on frames 0-19."""
    frames = np.arange(5, 30)
    track = FaceTrack(1, frames, np.ones((25, 4), np.float32), np.ones((25, 5, 2), np.float32), np.ones(25, np.float32))
    of_face = {"static": emotions(1, "static").values[frames], "dynamic": emotions(2, "dynamic").values[frames]}
    of_clip = {"audio": emotions(3, "audio")}
    if modality.speaks_for == "face":
        of_face["text"] = emotions(4, "text").values[frames]
    else:
        of_clip["text"] = emotions(4, "text", slice(0, 20))
    clip = Clip(Path("clip.mp4"), FRAMES / 25, FRAMES, 25.0, 320, 180, 0, True, True)
    leads = np.where((np.arange(FRAMES) >= 5) & (np.arange(FRAMES) < 30), 1, -1)
    policy = Policy(weights, C_EXPR_DB, "1")
    faces = decide_all(policy, [track], {1: of_face}, of_clip, leads, TIMES_S, frame_ends(TIMES_S, clip))
    provenance = {"fusion": weights.as_dict(), "options": {"rule": "1"}}
    return Analysis(clip, TIMES_S, of_clip, faces, 1, leads, C_EXPR_DB, provenance, (), weights.modalities)  # type: ignore[arg-type]


def test_it_counts_in_the_decision(analysis: Analysis, weights: FusionWeights) -> None:
    face = analysis[1]
    np.testing.assert_allclose(face.fused.values.sum(axis=1), 1)
    decided = face.expression.classes >= 0
    assert (face.expression.shares[decided][:10, 3] > 0).all()
    quiet = replace(weights, values=np.array([[1 / 3] * 7] * 3 + [[0.0] * 7]))
    assert not np.allclose(Policy(quiet, rule="1").decide(face.said).fused.values, face.fused.values)
    assert face.curve("T").valid.any()


def test_every_table_has_it(analysis: Analysis, tmp_path: Path) -> None:
    analysis.save(tmp_path, ["csv", "jsonl", "parquet"])
    assert (tmp_path / "text.csv").read_text().splitlines()[0] == f"frame,time_s,face,{','.join(BASIC)}"
    assert (tmp_path / "compound.csv").read_text().startswith("frame,time_s,face,x1,y1,x2,y2,AV,VS,VD,A,T,kind,")
    row = json.loads((tmp_path / "compound.jsonl").read_text().splitlines()[10])
    assert row["T"]
    assert json.loads((tmp_path / "text.jsonl").read_text().splitlines()[0])["Anger"] > 0
    table = parquet.read_table(tmp_path / "analysis.parquet")
    assert {"T", "text_Neutral", "text_Surprise"} <= set(table.column_names)
    assert json.loads(table.schema.metadata[b"avcer"])["modalities"][3]["name"] == "text"


def test_the_document_has_it(analysis: Analysis, modality: Modality, tmp_path: Path) -> None:
    (path, _) = analysis.save(tmp_path, ["json"])
    again = load_json(path)
    assert again.modalities == (*MODALITIES, modality)
    for one, other in zip(analysis.faces, again.faces, strict=True):
        np.testing.assert_allclose(one.said["text"].values, other.said["text"].values, atol=1e-6)
        np.testing.assert_array_equal(one.said["text"].valid, other.said["text"].valid)
        np.testing.assert_array_equal(one.curve("T").classes, other.curve("T").classes)
        np.testing.assert_allclose(one.fused.values, other.fused.values, atol=2e-6)
        np.testing.assert_allclose(one.expression.shares, other.expression.shares, atol=5.1e-4)


def test_the_picture_has_it(analysis: Analysis, tmp_path: Path) -> None:
    (path,) = analysis.save(tmp_path, ["png"])
    assert path.stat().st_size > 10_000
    assert len(tell(analysis).panels[0].runs["T"].classes)
    figure = analysis.plot(faces=False)
    assert "T  what is said" in [text.get_text() for text in figure.legends[0].get_texts()]
    (own,) = (axes for axes in figure.axes if axes.get_label() == "modalities Face 1")
    assert [label.get_text() for label in own.get_yticklabels()] == ["VS", "VD", "A", "T"]
    assert any(path.vertices[0, 1] < 1 for part in own.collections for path in part.get_paths())


def test_a_fusion_file_has_it(weights: FusionWeights, modality: Modality, tmp_path: Path) -> None:
    write_fusion(weights, tmp_path / "four.json")
    again = read_fusion(tmp_path / "four.json", known=(*MODALITIES, modality))
    assert again.names == ("static", "dynamic", "audio", "text")
    np.testing.assert_array_equal(again.values, weights.values)
    with pytest.raises(UsageError, match="'text'"):
        read_fusion(tmp_path / "four.json")


def test_the_pipeline_stands_with_a_fourth_row() -> None:
    """Weights that are shipped stay those of the three; the plain mean is of all."""
    code = (
        "import avcer.modalities as m\n"
        "m.MODALITIES += (m.Modality('text', 'T', 'clip', 'what is said', '#CC79A7'),)\n"
        "m.NAMES, m.CURVES = (*m.NAMES, 'text'), (*m.CURVES, 'T')\n"
        "import avcer.pipeline, avcer.cli\n"
        "from avcer.decision.fuse import CHOICES, read_fusion\n"
        "assert avcer.pipeline.Analyzer().options.models == 'mini'\n"
        "print(*(len(read_fusion(choice).modalities) for choice in CHOICES))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout.strip() == "3 4 3", shown.stderr

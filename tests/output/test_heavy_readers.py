"""Exports read by what is large or not always at hand; each test says what it lacks where it does not run.

The W3C's schemas of EmotionML belong to the W3C: ``AVCER_EMOTIONML_XSD`` names where ``emotionml.xsd`` is.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from avcer.analysis import Analysis
from avcer.batch.dataset import gather_dataset
from avcer.batch.entries import Entry
from avcer.batch.record import ClipRecord
from avcer.output.writers import save

SCHEMA = os.environ.get("AVCER_EMOTIONML_XSD", "")
VALIDATOR = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))


@pytest.fixture
def analyses(scene: Callable[..., Analysis]) -> dict[str, Analysis]:
    """One face, two faces with a gap, nobody, by the ids of their clips."""
    two = ((0, 99, ()), (20, 80, (range(40, 50),)))
    odd = scene(faces=((0, 99, ()),))
    odd = replace(odd, clip=replace(odd.clip, path=Path("/data/Gespräch <2> & 'mehr'.mp4")))
    return {"one": scene(), "two": scene(faces=two), "nobody": scene(faces=()), "odd": odd}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of datasets and what it imports
def test_hugging_face_reads_the_dataset_of_a_batch(
    analyses: dict[str, Analysis], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="needs datasets")
    for name, analysis in analyses.items():
        save(analysis, tmp_path / name, ["parquet"])
    clips = [ClipRecord(Entry(name, Path("clip.mp4")), "done") for name in analyses]
    frames = gather_dataset(clips, tmp_path)
    read = datasets.load_dataset("parquet", data_dir=str(frames), split="train", cache_dir=str(tmp_path / "cache"))
    wanted = sorted(
        (int(frame), -1 if face.id is None else face.id, float(analysis.times_s[frame]), label)
        for analysis in analyses.values()
        for face in analysis.faces
        for frame, label in zip(face.frames, map(face.expression.label, face.expression.classes), strict=True)
    )
    found = [(row["frame"], -1 if row["face"] is None else row["face"], row["time_s"], row["AV"]) for row in read]
    assert sorted(found) == wanted


@pytest.mark.slow
@pytest.mark.skipif(VALIDATOR is None, reason="needs bids-validator-deno")
def test_bids_validator_finds_no_error(analyses: dict[str, Analysis], tmp_path: Path) -> None:
    root = tmp_path / "set"
    for subject, analysis in zip(("01", "02", "03", "04"), analyses.values(), strict=True):
        folder = root / f"sub-{subject}" / "beh"
        clip = replace(analysis.clip, path=Path(f"sub-{subject}_task-talk.mp4"))
        written = save(replace(analysis, clip=clip), tmp_path / subject, ["bids"])
        folder.mkdir(parents=True)
        for path in written:
            shutil.copyfile(path, folder / path.name)
    about = {"Name": "made up", "BIDSVersion": "1.10.0", "DatasetType": "raw", "License": "CC0"}
    (root / "dataset_description.json").write_text(json.dumps(about))
    (root / "README.md").write_text(
        "A made-up data set, to see whether the events of avcer are accepted as they are.\n"
    )
    command = [str(VALIDATOR), str(root), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    issues = json.loads(ended.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert ended.returncode == 0


@pytest.mark.skipif(not SCHEMA, reason="needs the W3C's emotionml.xsd, see AVCER_EMOTIONML_XSD")
def test_emotionml_is_valid_by_the_schema(analyses: dict[str, Analysis], tmp_path: Path) -> None:
    xmlschema = pytest.importorskip("xmlschema", reason="needs xmlschema")
    schema = xmlschema.XMLSchema(SCHEMA)
    for name, analysis in analyses.items():
        save(analysis, tmp_path / name, ["emotionml"])
        schema.validate(str(tmp_path / name / "segments.emotionml"))


@pytest.mark.filterwarnings("ignore")  # of the SDK and what it imports
def test_label_studio_takes_the_set_up_and_the_predictions(analyses: dict[str, Analysis], tmp_path: Path) -> None:
    interface = pytest.importorskip("label_studio_sdk.label_interface", reason="needs label-studio-sdk")
    for name, analysis in analyses.items():
        save(analysis, tmp_path / name, ["labelstudio"])
        set_up = interface.LabelInterface((tmp_path / name / "labelstudio.xml").read_text(encoding="utf-8"))
        set_up.validate()
        for task in json.loads((tmp_path / name / "labelstudio.json").read_text(encoding="utf-8")):
            for prediction in task["predictions"]:
                assert set_up.validate_prediction(prediction, return_errors=True) == []

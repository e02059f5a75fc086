"""What the studio's page asks the service for, without a browser."""

from __future__ import annotations

import io
import json
import re
import struct
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("starlette", reason="the extra serve is not installed")
from starlette.testclient import TestClient

import coded
from avcer import serve
from avcer.annotations.read import read_annotation
from avcer.media import Pictures
from avcer.options import Options
from avcer.serve.app import PAGE, make_app
from avcer.serve.jobs import Jobs
from avcer.serve.runner import Runner
from avcer.serve.service import Service

FRAMES = 60


class House:
    """A service with one job that is done."""

    def __init__(self, folder: Path, clip: Path) -> None:
        self.jobs = Jobs(folder / "jobs")
        self.runner = Runner(self.jobs, workers=0)
        self.client = TestClient(
            make_app(Service(self.jobs, self.runner, None, 10**8, 1), "secret"),
            base_url="http://127.0.0.1:8765", headers={"Authorization": "Bearer secret"},
        )  # fmt: skip
        self.results = self.jobs.place("ab") / "results"
        coded.analysis(clip).save(self.results, ["csv", "json"])
        self.jobs.add("ab", "talk.mp4", clip, Options().to_dict())
        self.jobs.end("ab", "done")

    def put(self, document: Any, **headers: str) -> Any:
        return self.client.put("/api/jobs/ab/corrections", json=document, headers=headers)

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/jobs/ab/{path}")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coded.clip(tmp_path_factory.mktemp("studio") / "talk.mp4", FRAMES, varying=True)


@pytest.fixture
def house(tmp_path: Path, clip: Path) -> Iterator[House]:
    made = House(tmp_path, clip)
    yield made
    made.runner.close()
    made.jobs.close()


def corrections(**parts: Any) -> dict[str, Any]:
    return {"format": "avcer-corrections", "version": 1, **parts}


def unpacked(content: bytes) -> tuple[dict[str, Any], Any]:
    """The header, and what reads a column of it."""
    (length,) = struct.unpack_from("<I", content)
    head = json.loads(content[4 : 4 + length])
    base = -(-(4 + length) // 8) * 8
    return head, lambda told: np.frombuffer(content, told["type"], told["length"], base + told["at"])


def test_the_columns_are_the_analysis(house: House, clip: Path) -> None:
    answer = house.get("studio")
    assert answer.status_code == 200, answer.text
    head, column = unpacked(answer.content)
    assert head["name"] == "talk.mp4"
    assert head["labels"] == list(coded.LABELS)
    analysis = coded.analysis(clip)
    np.testing.assert_allclose(column(head["times"]), analysis.times_s, atol=1e-6)
    assert head["first_s"] == pytest.approx(analysis.times_s[0])
    for face, told in zip(analysis.faces, head["faces"], strict=True):
        assert told["id"] == face.id
        assert column(told["classes"]).tolist() == face.expression.classes.tolist()
        assert (column(told["boxes"]).reshape(-1, 4) / 4).tolist() == [
            coded.box(face.id or 0, at) for at in range(FRAMES)
        ]
        curves = column(told["curves"]["static"]).reshape(7, -1).T / 250
        np.testing.assert_allclose(curves, face.static.values, atol=0.003)


def test_corrections_travel_and_the_result_stays(house: House) -> None:
    before = (house.results / "segments.csv").read_bytes()
    told = house.get("corrections")
    face_2 = next(row for row in told.json()["segments"] if row[0] == 2)
    assert house.get("results/eaf").status_code == 200
    assert "Bo" not in house.get("results/segments.eaf").text
    segment = {"face": 2, "start_s": face_2[1], "end_s": face_2[2], "label": "Sadly Angry"}
    answer = house.put(
        corrections(names={"2": "Bo"}, segments=[segment], markers=[{"time_s": 0.5, "text": "laughs"}]),
        **{"If-Match": told.headers["ETag"]},
    )
    assert answer.status_code == 200, answer.text
    assert [2, face_2[1], face_2[2], "Sadly Angry", "compound", 1.0, True] in answer.json()["segments"]
    assert house.get("results/eaf").status_code == 200
    for text in ("Bo", "Sadly Angry", "laughs"):
        assert text in house.get("results/segments.eaf").text
    house.get("results/corrected")
    table = house.get("results/corrected.csv").text
    assert f"2,Bo,{face_2[1]},{face_2[2]},Sadly Angry,compound,1.0,person" in table
    document = house.get("results/corrected.json").json()
    assert {"Bo", "Face 1"} == {row["name"] for row in document["segments"]}
    assert (house.results / "segments.csv").read_bytes() == before


def test_elan_files_are_for_another_machine(house: House, tmp_path: Path) -> None:
    """They look for the clip, by the name that it was sent with, and for the curves beside themselves."""
    with zipfile.ZipFile(io.BytesIO(house.get("results/eaf").content)) as whole:
        whole.extractall(tmp_path / "here")
    sent = [path.read_text() for path in (tmp_path / "here").iterdir()]
    assert len(sent) == 3
    assert not any("file:" in text or str(tmp_path) in text or "/jobs/" in text for text in sent)
    header = ElementTree.parse(tmp_path / "here" / "segments.eaf").getroot().find("HEADER")
    assert header is not None
    (media,) = header.iter("MEDIA_DESCRIPTOR")
    assert (media.get("MEDIA_URL"), media.get("RELATIVE_MEDIA_URL")) == ("./talk.mp4", "./talk.mp4")
    links = [(one.get("LINK_URL"), one.get("RELATIVE_LINK_URL")) for one in header.iter("LINKED_FILE_DESCRIPTOR")]
    assert links == [(f"./{name}",) * 2 for name in ("segments_tsconf.xml", "elan_curves.csv")]
    source = ElementTree.parse(tmp_path / "here" / "segments_tsconf.xml").getroot().find("tracksource")
    assert source is not None
    assert source.get("source-url") == "./elan_curves.csv"
    (tmp_path / "here" / "talk.mp4").write_bytes(b"")
    assert read_annotation(tmp_path / "here" / "segments.eaf").clip == tmp_path / "here" / "talk.mp4"


def test_splitting_and_merging(house: House) -> None:
    middle_s = 1.03
    answer = house.put(corrections(splits=[{"face": 2, "time_s": middle_s, "into": 3}])).json()["segments"]
    assert all(row[2] <= middle_s for row in answer if row[0] == 2)
    assert min(row[1] for row in answer if row[0] == 3) == middle_s
    joined = house.put(corrections(splits=[{"face": 2, "time_s": middle_s, "into": 3}], merged={"3": 2})).json()
    assert {row[0] for row in joined["segments"]} == {1, 2}
    assert len(joined["segments"]) == len(house.put(corrections()).json()["segments"])


def test_two_windows_do_not_overwrite_each_other(house: House) -> None:
    first = house.get("corrections").headers["ETag"]
    assert house.put(corrections(names={"1": "Al"}), **{"If-Match": first}).status_code == 200
    late = house.put(corrections(names={"1": "Ann"}), **{"If-Match": first})
    assert late.status_code == 412
    assert "elsewhere" in late.json()["error"]
    assert house.get("corrections").json()["corrections"]["names"] == {"1": "Al"}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"format": "x"}', json.dumps(corrections(segments=[{"face": 1}])).encode(),
             json.dumps(corrections(splits=[{"face": 1, "time_s": 1e999, "into": 4}])).encode(),
             json.dumps(corrections(splits=[{"face": 1, "time_s": 1, "into": 1e999}])).encode(),
             json.dumps(corrections(merged={"1": 10**30})).encode(),
             json.dumps(corrections(markers=[{"time_s": 1e999, "text": "smiles"}])).encode(),
             json.dumps(corrections(segments=[{"face": -1, "start_s": 1, "end_s": 2, "label": "Fear"}])).encode(),
             json.dumps(corrections(segments=[{"face": 1, "start_s": 2, "end_s": 2, "label": "Fear"}])).encode()],
)  # fmt: skip
def test_what_is_no_corrections_is_refused(house: House, body: bytes) -> None:
    answer = house.client.put("/api/jobs/ab/corrections", content=body)
    assert answer.status_code == 422
    assert set(answer.json()) == {"error"}
    assert not (house.results / "corrections.json").exists()


def segment(face: int | None = 2, start_s: float = 1.0, end_s: float = 2.0, **more: Any) -> dict[str, Any]:
    return {"face": face, "start_s": start_s, "end_s": end_s, "label": "Fear", **more}


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"segments": [segment(end_s=99)]}, "99 s is outside what was analysed, 0 to 3."),
        ({"segments": [segment(start_s=100, end_s=101)]}, "100 s is outside"),
        ({"segments": [segment(start_s=-1)]}, "-1 s is outside"),
        ({"markers": [{"time_s": 1000, "text": "laughs"}]}, "1000 s is outside"),
        ({"splits": [{"face": 1, "time_s": 50, "into": 3}]}, "50 s is outside"),
        ({"segments": [segment(face=77)]}, "no face 77"), ({"names": {"77": "Al"}}, "no face 77"),
        ({"merged": {"77": 1}}, "no face 77"), ({"merged": {"1": 77}}, "no face 77"),
        ({"splits": [{"face": 77, "time_s": 1, "into": 3}]}, "no face 77"),
        ({"merged": {"1": 2, "2": 1}}, "merged into itself"), ({"merged": {"1": 1}}, "merged into itself"),
        ({"splits": [{"face": 1, "time_s": 1, "into": 1}]}, "split into itself"),
    ],
)  # fmt: skip
def test_corrections_of_another_clip_are_refused(house: House, parts: dict[str, Any], reason: str) -> None:
    answer = house.put(corrections(**parts))
    assert answer.status_code == 422
    assert set(answer.json()) == {"error"}
    assert reason in answer.json()["error"]
    assert not (house.results / "corrections.json").exists()


def test_an_end_that_is_rounded_is_that_of_the_clip(house: House) -> None:
    head, column = unpacked(house.get("studio").content)
    end_s = float(column(head["ends"])[-1])
    told = house.put(corrections(segments=[segment(start_s=-0.001, end_s=end_s + 0.005)], names={"3": "Cleo"},
                                 splits=[{"face": 1, "time_s": 1.0, "into": 3}])).json()  # fmt: skip
    (kept,) = told["corrections"]["segments"]
    assert kept["start_s"] == 0
    assert end_s <= kept["end_s"] < end_s + 0.005
    beyond = house.put(corrections(segments=[segment(start_s=end_s + 0.005, end_s=end_s + 0.006)]))
    assert beyond.status_code == 422, beyond.text


def test_corrections_that_were_written_before_are_kept(house: House) -> None:
    """Nothing was checked then: they are read, and may be changed beside what is wrong."""
    old = corrections(segments=[segment(face=77, end_s=99)], merged={"1": 2, "2": 1})
    (house.results / "corrections.json").write_text(json.dumps(old))
    told = house.get("corrections")
    assert told.status_code == 200
    document = {**told.json()["corrections"], "markers": [{"time_s": 1, "text": "laughs"}]}
    assert house.put(document).status_code == 200
    assert house.put({**document, "names": {"78": "Al"}}).status_code == 422
    assert house.put(corrections()).status_code == 200
    assert house.put(old).status_code == 422


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"format": "avcer-corrections", "version": 1, "nmaes": {}}, "it has 'nmaes', which says nothing"),
        (corrections(segments=[segment(lable="Fear")]), "an entry of segments has 'lable'"),
        (corrections(markers=[{"time_s": 1, "text": "laughs", "txt": ""}]), "an entry of markers has 'txt'"),
        ([], "must be an object with format and version"), ({}, "must be an object with format and version"),
        ({"version": 1}, "must be an object with format and version"),
        (corrections(names=[]), "names must be an object with faces as its keys"),
        (corrections(names={"Al": "Al"}), "'Al' is no number of a face"),
        (corrections(names={"9" * 5000: "Al"}), "is no number of a face"),
        (corrections(segments={}), "segments must be a list of objects with face, start_s, end_s, label"),
        (corrections(segments=["x"]), "segments must be a list of objects"),
        (corrections(markers=[{"time_s": 1}]), "markers must be a list of objects with time_s, text"),
        (corrections(splits=None), "splits must be a list of objects with face, time_s, into"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_corrections_is_said_in_words(house: House, document: Any, reason: str) -> None:
    """And what was said before stays."""
    assert house.put(corrections(names={"1": "Al"})).status_code == 200
    answer = house.put(document)
    assert answer.status_code == 422, answer.text
    assert reason in answer.json()["error"]
    assert len(answer.json()["error"]) < 250
    assert house.get("corrections").json()["corrections"]["names"] == {"1": "Al"}


def test_agreement(house: House) -> None:
    assert house.get("agreement").json()["kappa"] is None
    rows = [row for row in house.get("corrections").json()["segments"] if row[0] == 2]
    said = [{"face": 2, "start_s": row[1], "end_s": row[2], "label": row[3]} for row in rows]
    told = house.put(corrections(segments=said)) and house.get("agreement").json()
    assert told["agreement"] == pytest.approx(1)
    assert told["kappa"] == pytest.approx(1)
    said[0]["label"] = rows[1][3]
    told = house.put(corrections(segments=said)) and house.get("agreement").json()
    lengths = [row[2] - row[1] for row in rows]
    same = 1 - lengths[0] / sum(lengths)
    machine = np.array(lengths) / sum(lengths)
    person = np.array([0, machine[0] + machine[1], *machine[2:]])
    chance = float(machine @ person)
    assert told["agreement"] == pytest.approx(same)
    assert told["kappa"] == pytest.approx((same - chance) / (1 - chance))


def test_the_studio_is_behind_the_door(house: House) -> None:
    for path in ("studio", "corrections", "agreement", "copy", "copy/video"):
        assert house.client.get(f"/api/jobs/ab/{path}", headers={"Authorization": ""}).status_code == 401
        assert house.client.get(f"/api/jobs/cd/{path}").status_code == 404
    assert house.client.put("/api/jobs/ab/corrections", headers={"Origin": "http://evil.example"}).status_code == 403


def test_a_copy_keeps_the_time_stamps(house: House, tmp_path: Path) -> None:
    """Of a clip that no browser plays, of a varying rate, whose clock begins late."""
    clip = coded.clip(tmp_path / "odd.mkv", FRAMES, "mpeg4", varying=True, begin_ms=1400)
    house.jobs.add("cd", "odd.mkv", clip, Options().to_dict())
    house.jobs.end("cd", "done")
    house.jobs.place("cd").mkdir()
    get = house.client.get
    assert get("/api/jobs/cd/copy").status_code == 404
    assert get("/api/jobs/cd/copy/video").status_code == 409
    assert house.client.post("/api/jobs/cd/copy").status_code == 202
    for _ in range(300):
        told = get("/api/jobs/cd/copy").json()
        if told["state"] != "making":
            break
        time.sleep(0.1)
    assert told["state"] == "done", told
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(get("/api/jobs/cd/copy/video").content)
    of_clip, of_copy = ([frame.time_s for frame in Pictures(path)] for path in (clip, copy))
    np.testing.assert_allclose(np.diff(of_copy), np.diff(of_clip), atol=2e-5)


def test_the_page_names_what_it_ships() -> None:
    """The page's bytes, and the licence of what is not ours beside it."""
    assert sum(path.stat().st_size for path in PAGE.rglob("*") if path.is_file()) < 250_000
    assert "MIT" in (PAGE / "vendor" / "uplot-LICENSE.txt").read_text(encoding="utf-8")


def test_modules_of_the_page_export_what_others_import() -> None:
    """A name that is missing stops a whole page, which no test of the server sees."""
    folder = Path(serve.__file__).with_name("page")
    for module in folder.glob("*.js"):
        for names, other in re.findall(r"import \{([^}]*)\} from \"\./([\w.]+)\"", module.read_text("utf-8")):
            lines = (folder / other).read_text("utf-8").splitlines()
            exported = set(re.findall(r"[\w$]+", " ".join(line for line in lines if line.startswith("export "))))
            wanted = {name.split(" as ")[0].strip() for name in names.split(",") if name.strip()}
            assert wanted <= exported, f"{module.name}: {wanted - exported} of {other}"

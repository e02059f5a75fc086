from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from avcer.errors import InputError
from avcer.evaluation.tables.faces import read_faces, score_blends, score_faces
from avcer.labels import BASIC, C_EXPR_DB

OTHERS = ("contempt", "unknown", "NF")


def png(seed: int, size: int = 48, channels: int = 1) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, channels), dtype=np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


def votes(**counts: int) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in (*(emotion.lower() for emotion in BASIC), *OTHERS)}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


def voted(tmp_path: Path, *rows: dict[str, int]) -> Path:
    listed = [{"image": png(index), "split": "valid", **row} for index, row in enumerate(rows)]
    return write(tmp_path / "ferplus-00.parquet", listed)


def test_votes_and_what_is_clear(tmp_path: Path) -> None:
    table = read_faces(
        voted(
            tmp_path,
            votes(anger=6, sadness=4),
            votes(anger=5, sadness=5),
            votes(fear=4, unknown=6),
            votes(disgust=5, NF=4),
        )
    )
    assert table.name == "ferplus"
    assert table.pictures.shape == (4, 48, 48, 1)
    assert table.clear.tolist() == [True, False, False, True]
    assert [BASIC[label] for label in table.labels[table.clear]] == ["Anger", "Disgust"]


def test_blends_need_three_votes_each_and_seven_together(tmp_path: Path) -> None:
    table = read_faces(
        voted(
            tmp_path,
            votes(fear=4, surprise=3, neutral=3),
            votes(fear=3, surprise=3, neutral=4),
            votes(sadness=8, anger=2),
            votes(anger=5, sadness=5),
            votes(happiness=5, sadness=5),
        )
    )
    names = [C_EXPR_DB.names[index] if index >= 0 else None for index in table.blends]
    assert names == ["Fearfully Surprised", None, None, "Sadly Angry", None]


def test_a_validation_picture_does_not_occur_in_training(tmp_path: Path) -> None:
    rows = [
        {"image": png(seed), "split": split, **votes(anger=10)}
        for seed, split in ((0, "train"), (1, "train"), (1, "valid"))
    ]
    table = read_faces(write(tmp_path / "faces.parquet", rows))
    assert len(table) == 2
    assert table.validation.tolist() == [False, True]


def test_labels_split_by_content_and_decode_in_colour(tmp_path: Path) -> None:
    rows = [{"image": png(seed, 20, 3), "label": BASIC[seed % 7].lower()} for seed in range(200)]
    table = read_faces(write(tmp_path / "own.parquet", rows))
    assert table.pictures.shape == (200, 20, 20, 3)
    assert table.clear.all()
    assert table.labels.tolist() == [seed % 7 for seed in range(200)]
    assert 5 <= table.validation.sum() <= 40
    assert np.all(table.blends == -1)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"image": b"no picture", "label": "anger"}], "cannot be decoded"),
        ([{"image": png(0), "label": "boredom"}], "boredom"),
        ([{"image": png(0), "label": "anger"}, {"image": png(1, 20), "label": "anger"}], "differ in size"),
        ([{"text": "anger"}], "needs the columns"),
    ],
)
def test_what_is_no_table_of_faces(tmp_path: Path, rows: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_faces(write(tmp_path / "table.parquet", rows))


def test_what_is_no_table_at_all(tmp_path: Path) -> None:
    (tmp_path / "table.parquet").write_text("no")
    with pytest.raises(InputError, match="Parquet"):
        read_faces(tmp_path / "table.parquet")


def test_scores_of_clear_rows(tmp_path: Path) -> None:
    table = read_faces(voted(tmp_path, votes(anger=9), votes(anger=9), votes(fear=9), votes(fear=5, anger=5)))
    probabilities = np.eye(7)[[BASIC.index("Anger")] * 4]
    scores = score_faces(probabilities, table)
    assert scores["n"] == 3
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["uar"] == pytest.approx(1 / 2)
    assert scores["macro_f1"] == pytest.approx(0.8 / 2)
    assert scores["ece"] == pytest.approx(1 / 3)
    assert scores["per_class"] == {"Anger": 1, "Fear": 0}
    assert "blends" not in scores


def test_blends_are_decided_by_pair_sums_over_all_seven() -> None:
    fearfully, sadly_angry = 0, 6
    blends = np.array([fearfully] * 10 + [sadly_angry] * 9 + [-1])
    probabilities = np.zeros((20, 7))
    probabilities[:10, [BASIC.index("Fear"), BASIC.index("Surprise")]] = 0.5
    probabilities[10:, [BASIC.index("Anger"), BASIC.index("Surprise")]] = 0.6, 0.4
    scores = score_blends(probabilities, blends)
    assert scores["n"] == 19
    assert scores["macro_f1"] == 1  # Sadly Angry has fewer than ten rows
    assert scores["rank2"] == 1  # Anger and Surprise come first, Anger and Sadness second

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from avcer.emotion.static import StaticModel
from avcer.errors import InputError
from avcer.evaluation.tables.faces import read_faces
from avcer.models.card import ModelCard
from avcer.models.runtime import load_engine
from avcer.models.store import InstalledModel, verify
from avcer.training import static
from avcer.training.faces import CANVAS, Augmentation, canvases
from avcer.training.loop import Plan


class KilledError(Exception):
    pass


def kill_after_the_first_epoch(line: str) -> None:
    if line.startswith("epoch 1/"):
        raise KilledError


def quietly(line: str) -> None:
    pass


def losses(out: Path) -> list[float]:
    with (out / "run" / "log.csv").open(newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def trained(voted_faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained for two epochs without interruption."""
    out = tmp_path_factory.mktemp("static")
    static.train([voted_faces], out, epochs=2, report=quietly)
    return out


def test_training_writes_a_model_that_runs(trained: Path, voted_faces: Path) -> None:
    model = InstalledModel(ModelCard.read(trained / "model"), trained / "model")
    verify(model)
    assert (model.card.family, model.card.role) == ("mini", "static")
    scores = model.card.scores["voted"]
    assert scores["n"] == 70
    assert 0 <= scores["ece"] <= 1
    assert {"accuracy", "uar", "macro_f1", "ece_before", "per_class", "confusion", "intervals"} <= set(scores)
    assert model.card.speed["threads"] == 1
    assert "2024/1689" in model.card.not_for

    table = read_faces(voted_faces)
    runs = StaticModel(model.card, load_engine(model, "cpu", "float32"))
    output = runs.predict(static.model_inputs(table)[table.validation])
    assert np.allclose(output.probabilities.sum(axis=1), 1)
    hits = output.probabilities.argmax(axis=1) == table.labels[table.validation]
    assert hits.mean() == pytest.approx(scores["accuracy"], abs=0.03)  # half precision may turn a close call
    assert runs.heatmaps(static.model_inputs(table)[:2]).shape == (2, 6, 6)


def test_a_killed_run_goes_on_as_if_nothing_had_happened(trained: Path, voted_faces: Path, tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        static.train([voted_faces], tmp_path, epochs=2, report=kill_after_the_first_epoch)
    assert len(losses(tmp_path)) == 1
    static.train([voted_faces], tmp_path, epochs=2, report=quietly)
    assert losses(tmp_path) == pytest.approx(losses(trained), rel=0.02)


def test_the_network_learns_a_handful_by_heart(voted_faces: Path) -> None:
    table = read_faces(voted_faces)
    inputs, labels = torch.from_numpy(static.model_inputs(table)[:14]), torch.from_numpy(table.labels[:14])
    torch.manual_seed(0)
    network = static.MiniStatic()
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    for _ in range(25):
        loss = torch.nn.functional.cross_entropy(network.classify(inputs)[0], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.1


def test_a_table_without_validation_faces_is_refused(voted_faces: Path, tmp_path: Path) -> None:
    from pyarrow import compute, parquet

    table = parquet.read_table(voted_faces)
    parquet.write_table(table.filter(compute.equal(table["split"], "train")), tmp_path / "train.parquet")
    with pytest.raises(InputError, match="validation"):
        static.train([tmp_path / "train.parquet"], tmp_path / "out")


def test_an_augmented_epoch_can_be_repeated(voted_faces: Path) -> None:
    options = Plan.read(static.RECIPE).options["augmentation"]
    table = read_faces(voted_faces)
    faces = canvases(table, 0.0, np.ones(len(table)))
    first, again, other = (
        Augmentation(48, options, seed)(faces.pictures[:32], faces.visible[:32]) for seed in (1, 1, 2)
    )
    assert first.shape == (32, 1, 48, 48)
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_black_around_a_cut_out_face_is_not_seen() -> None:
    options = Plan.read(static.RECIPE).options["augmentation"] | {"black": 0.0, "low_light": 0.0}
    pictures = np.zeros((64, CANVAS, CANVAS), np.uint8)
    pictures[:, 20:44, 20:44] = 128
    visible = np.where(pictures > 0, 255, 0).astype(np.uint8)
    corners = Augmentation(48, options, 0)(pictures, visible)[:, 0, 0, 0]
    assert float(corners.std()) > 0.1
    kept = Augmentation(48, options | {"black": 1.0}, 0)(pictures, visible)[:, 0, 0, 0]
    assert float(kept.mean()) < float(corners.mean()) / 2

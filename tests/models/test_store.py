from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from avcer.errors import ModelError, OutputError
from avcer.models import store
from avcer.models.card import ModelCard
from avcer.models.store import InstalledModel


@pytest.fixture
def new(written: InstalledModel, tmp_path: Path) -> Path:
    """A copy of the written model that a test may move or spoil."""
    return Path(shutil.copytree(written.folder, tmp_path / "new"))


def test_home_follows_the_variable_and_is_not_made(home: Path) -> None:
    assert store.home() == home
    assert not home.exists()


def test_home_on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVCER_HOME", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert store.home() == Path("/data/avcer")
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert store.home() == Path.home() / ".local/share/avcer"


def test_a_missing_published_model_says_how_to_get_it(home: Path) -> None:
    with pytest.raises(ModelError, match="published static model is not installed; run: avcer models import published"):
        store.find("published", "static")


def test_install_then_find(home: Path, new: Path) -> None:
    model = store.install(new, "published", "dynamic")

    assert model == store.find("published", "dynamic")
    assert model.folder == home / "models" / "published" / "dynamic"
    assert model.graph.is_file()
    assert model.weights.is_file()
    assert [path.name for path in model.folder.parent.iterdir()] == ["dynamic"]
    assert model in store.installed()
    store.verify(model)


def test_installing_again_replaces(home: Path, new: Path, written: InstalledModel) -> None:
    store.install(new, "published", "dynamic")
    again = Path(shutil.copytree(written.folder, new))
    card = ModelCard.read(again)
    (again / "card.json").write_text(card.to_json().replace("made by the tests", "second"), encoding="utf-8")

    assert store.install(again, "published", "dynamic").card.source == "second"


@pytest.mark.parametrize("spoil", ["weights.safetensors", "model.onnx", "card.json"])
def test_a_damaged_new_model_leaves_the_earlier_one(home: Path, written: InstalledModel, new: Path, spoil: str) -> None:
    earlier = store.install(Path(shutil.copytree(written.folder, new.with_name("first"))), "published", "dynamic")
    path = new / spoil
    path.write_bytes(path.read_bytes()[:-10])

    with pytest.raises(ModelError, match=spoil):
        store.install(new, "published", "dynamic")

    store.verify(earlier)


def test_a_failing_rename_leaves_the_earlier_one(
    home: Path, written: InstalledModel, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = store.install(Path(shutil.copytree(written.folder, new.with_name("first"))), "published", "dynamic")
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError("no space")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        with pytest.raises(OutputError, match="no space"):
            store.install(new, "published", "dynamic")

    store.verify(store.find("published", "dynamic"))
    assert earlier.folder.is_dir()


def test_a_kill_between_the_renames_is_mended(tmp_path: Path) -> None:
    for name in (".role.earlier", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name, encoding="utf-8")

    store.replace_folder(tmp_path / "new", tmp_path / "role")

    assert (tmp_path / "role" / "file").read_text(encoding="utf-8") == "new"
    assert not (tmp_path / ".role.earlier").exists()


def test_the_wrong_role_is_refused(home: Path, new: Path) -> None:
    with pytest.raises(ModelError, match="holds a published dynamic model, not a published static one"):
        store.install(new, "published", "static")


def test_find_sees_a_truncated_file(home: Path, new: Path) -> None:
    model = store.install(new, "published", "dynamic")
    model.graph.write_bytes(model.graph.read_bytes()[:100])
    with pytest.raises(ModelError, match=r"model\.onnx: has 100 bytes instead of"):
        store.find("published", "dynamic")


def test_a_name_that_no_file_can_have_is_a_missing_file(home: Path, new: Path) -> None:
    card = new / "card.json"
    card.write_text(card.read_text().replace("model.onnx", 300 * "y"))
    with pytest.raises(ModelError, match=r"y: is missing; "):
        store.install(new, "published", "dynamic")


def test_verify_sees_a_changed_byte(home: Path, new: Path) -> None:
    model = store.install(new, "published", "dynamic")
    content = bytearray(model.weights.read_bytes())
    content[-1] ^= 1
    model.weights.write_bytes(content)

    store.find("published", "dynamic")
    with pytest.raises(
        ModelError, match=r"weights\.safetensors: is damaged .* avcer models import published --dynamic"
    ):
        store.verify(model)

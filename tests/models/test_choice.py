from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from avcer import Analyzer
from avcer.errors import ModelError, UsageError
from avcer.models.card import ROLES, Role
from avcer.models.choice import choose, choose_all, expect_roles
from avcer.models.store import MINI, find


def copy_of(role: Role, folder: Path) -> Path:
    return Path(shutil.copytree(MINI / role, folder))


def another_static(folder: Path) -> Path:
    """A static model with another graph file than the shipped one's."""
    copy_of("static", folder)
    graph = folder / "model.onnx"
    graph.write_bytes(graph.read_bytes() + b"\0")
    card = json.loads((folder / "card.json").read_text())
    card["graph"] |= {"bytes": graph.stat().st_size, "sha256": hashlib.sha256(graph.read_bytes()).hexdigest()}
    (folder / "card.json").write_text(json.dumps(card))
    return folder


def test_without_own_models_it_is_the_family() -> None:
    assert choose_all("mini") == {role: find("mini", role) for role in ROLES}


def test_an_own_model_takes_the_place_of_its_role(tmp_path: Path) -> None:
    own = copy_of("audio", tmp_path / "mine")
    assert choose("mini", "audio", [own]).folder == own
    assert choose("mini", "static", [own]) == find("mini", "static")


def test_an_own_model_that_would_be_passed_over_is_refused(tmp_path: Path) -> None:
    own = [copy_of("audio", tmp_path / "voice"), copy_of("static", tmp_path / "face")]
    expect_roles(own, ("static", "audio"), "this")
    with pytest.raises(UsageError, match=r"voice: is a model of the role audio; evaluate ferplus uses static: leave"):
        expect_roles(own, ("static",), "evaluate ferplus")


def test_two_models_of_a_role_are_refused(tmp_path: Path) -> None:
    folders = [copy_of("audio", tmp_path / name) for name in "ab"]
    with pytest.raises(ModelError, match="a second audio model"):
        choose("mini", "audio", folders)


def test_a_model_of_another_family_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="--models mini"):
        choose("published", "audio", [copy_of("audio", tmp_path / "mine")])


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nothing"):
        choose("mini", "audio", [tmp_path / "nothing"])


def test_a_damaged_one_is_refused(tmp_path: Path) -> None:
    own = copy_of("audio", tmp_path / "mine")
    with (own / "model.onnx").open("r+b") as file:
        file.write(b"damage")
    with pytest.raises(ModelError, match=r"damaged .* train it again"):
        choose("mini", "audio", [own])


def test_a_dynamic_model_needs_the_static_model_it_was_trained_on(tmp_path: Path) -> None:
    own = another_static(tmp_path / "mine")
    with pytest.raises(ModelError, match="train dynamic DATA"):
        choose_all("mini", [own])
    dynamic = copy_of("dynamic", tmp_path / "dynamic")
    card = json.loads((dynamic / "card.json").read_text())
    card["preprocessing"]["static_sha256"] = choose("mini", "static", [own]).card.graph.sha256
    (dynamic / "card.json").write_text(json.dumps(card))
    assert choose_all("mini", [own, dynamic])["dynamic"].folder == dynamic


def test_an_analysis_says_which_models_it_used(tmp_path: Path) -> None:
    own = copy_of("audio", tmp_path / "mine")
    assert Analyzer(own_models=(own,)).options.in_force()["own_models"] == [str(own)]

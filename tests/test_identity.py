"""What can change a result changes the identity; nothing else does."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import avcer
from avcer import pipeline
from avcer.decision.express import read_open
from avcer.decision.person import Person
from avcer.evaluation.ablation.variations import about
from avcer.evaluation.corpus_run import key
from avcer.identity import LATER, SAID_BETTER, WITHOUT_EFFECT, Identity, ModelIdentity
from avcer.models.card import ROLES, Role
from avcer.models.engine import Engine, Items
from avcer.models.store import InstalledModel
from avcer.options import Options
from avcer.pipeline import Analyzer
from avcer.provenance import Provenance
from avcer.types import Float


def idle(batch: Items) -> tuple[Float, ...]:
    """An engine that is never called, and need not be loaded."""
    raise AssertionError


IDLE: dict[Role, Engine] = dict.fromkeys(ROLES, idle)
MODEL = ModelIdentity("mini-static", "mini-static", "ab", "cd")
IDENTITY = Identity.of(
    version="1.0", device="cpu", precision="float32", models={"static": MODEL}, options={"rule": "1", "fps": None},
    fusion={"name": "mean", "weights": [[1.0]]}, vocabulary={"name": "du", "compounds": [["a", "b", "c"]]},
)  # fmt: skip


def identity(**changes: Any) -> Identity:
    return Analyzer(engines=IDLE, **changes).identity()


@pytest.fixture(scope="module")
def usual() -> Identity:
    return identity()


@pytest.mark.parametrize(
    "change",
    [
        {"version": "1.1"},
        {"device": "cuda"},
        {"precision": "bfloat16"},
        {"models": (("audio", MODEL),)},
        {"models": (("static", replace(MODEL, name="other")),)},
        {"models": (("static", replace(MODEL, architecture="other")),)},
        {"models": (("static", replace(MODEL, sha256="ac")),)},
        {"models": (("static", replace(MODEL, interface="ce")),)},
        {"models": (("static", replace(MODEL, int8_sha256="ab")),)},
        {"models": (("static", replace(MODEL, engine="tests.fakes.Blind")),)},
        {"options": (("fps", 5.0), ("rule", "1"))},
        {"options": (("fps", None), ("rule", "1"), ("new", 1))},
        {"fusion": "{}"},
        {"vocabulary": "{}"},
    ],
    ids=str,
)
def test_every_field_counts(change: dict[str, Any]) -> None:
    changed = replace(IDENTITY, **change)
    assert changed != IDENTITY
    assert changed.digest != IDENTITY.digest
    assert changed.to_dict() != IDENTITY.to_dict()
    assert len({changed, IDENTITY, replace(IDENTITY)}) == 2


def test_it_is_json_and_survives_a_pickle(usual: Identity) -> None:
    for one in (IDENTITY, usual, usual.of_models()):
        assert json.loads(json.dumps(one.to_dict())) == one.to_dict()
        assert pickle.loads(pickle.dumps(one)) == one


def test_equal_analyzers_are_equal(usual: Identity) -> None:
    assert identity() == usual
    assert hash(identity()) == hash(usual)
    assert usual.version == avcer.__version__


CHANGES: list[dict[str, Any]] = [
    {"setting": "fast"}, {"setting": "exact"}, {"rule": "2"}, {"compounds": "avcer-12"}, {"fusion": "mean"},
    {"longest_side": 320}, {"min_face": 30.0}, {"sound_for": "all"}, {"detect_every": 3}, {"steady_within": 0.3},
    {"fps": 5.0}, {"audio_window_s": 3.0}, {"audio_step_s": 1.0}, {"fill_gaps": True},
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_every_choice_counts(change: dict[str, Any], usual: Identity) -> None:
    assert identity(**change) != usual


def test_every_option_is_in_it_or_left_out_on_purpose(usual: Identity) -> None:
    """A new option must be in force, and so in the identity; what is left out is a file's name, or has no effect."""
    in_force = set(Options().in_force())
    assert {one.name for one in fields(Options)} <= in_force
    assert {name for name, _ in usual.options} == in_force - {*SAID_BETTER, *WITHOUT_EFFECT, *LATER}


def test_threads_do_not_count(usual: Identity) -> None:
    assert identity(threads=1) == usual
    pipeline.limit_process(0)


def test_what_a_file_says_counts_and_not_its_name(tmp_path: Path) -> None:
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    text = '[compounds]\n"Mixed" = ["Fear", "Anger"]\n'
    one.write_text(text)
    two.write_text(text.replace("Anger", "Sadness"))
    first = identity(compounds=str(one))
    assert identity(compounds=str(two)) != first
    two.write_text(text)
    assert replace(identity(compounds=str(two)), vocabulary="") == replace(first, vocabulary="")


def test_what_is_usual_of_a_person_counts_and_not_the_name_of_the_file(tmp_path: Path, usual: Identity) -> None:
    def known(name: str, anger: float) -> Identity:
        means = {"static": np.array([0, anger, 0, 0, 0, 0, 0], np.float64)}
        return identity(person=Person(means, 3, {}).write(tmp_path / name))

    assert known("one.json", 1.0) == known("two.json", 1.0)
    assert known("three.json", 2.0) != known("one.json", 1.0) != usual


def of(analyzer: Analyzer, change: Callable[[Analyzer], None]) -> Identity:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analyzer, "cards", dict(analyzer.cards))
        patch.setattr(analyzer, "_int8", dict(analyzer._int8))
        change(analyzer)
        return analyzer.identity()


@pytest.mark.parametrize("role", ROLES)
def test_every_model_counts_by_its_hash_its_card_and_what_runs_in_its_place(role: Role, usual: Identity) -> None:
    analyzer = Analyzer(engines=IDLE)
    card = analyzer.cards[role]
    others = [
        replace(card, graph=replace(card.graph, sha256="0" * 64)),
        replace(card, labels=card.labels[::-1] or ("Face",)),
        replace(card, preprocessing={**card.preprocessing, "more": 1}),
    ]
    for other in others:
        assert of(analyzer, lambda one, other=other: one.cards.update({role: other})) != usual  # type: ignore[misc]
    made = InstalledModel(card, Path("int8"))
    assert of(analyzer, lambda one: one._int8.update({role: made})) != usual
    own = {name: engine for name, engine in IDLE.items() if name != role}
    assert Analyzer(engines=own).identity() != usual


def test_the_device_and_what_it_computes_in_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avcer.models.runtime._has_bfloat16", lambda device: True)
    assert (identity().device, identity().precision) == ("cpu", "bfloat16")
    assert identity(setting="exact").precision == "float32"
    before = identity()
    monkeypatch.setattr("avcer.models.runtime._has_bfloat16", lambda device: False)
    assert identity() != before
    monkeypatch.setattr(pipeline, "choose_device", lambda device: "cuda")
    assert identity().device == "cuda"


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_resumed_run_on_a_corpus_is_one_of_the_same_models_run_alike(change: dict[str, Any]) -> None:
    """Rule, vocabulary and fusion weights may differ: they decide from what the models said."""
    same = key(Analyzer(engines=IDLE)) == key(Analyzer(engines=IDLE, **change))
    assert same == (set(change) <= {"rule", "compounds", "fusion"})


def test_runs_of_other_models_or_versions_are_not_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    analyzer = Analyzer(engines=IDLE)
    before = key(analyzer)
    card = analyzer.cards["static"]
    monkeypatch.setitem(analyzer.cards, "static", replace(card, graph=replace(card.graph, sha256="0" * 64)))
    assert key(analyzer) != before
    monkeypatch.setitem(analyzer.cards, "static", card)
    assert key(analyzer) == before
    monkeypatch.setattr(pipeline, "__version__", "0.0.0")
    assert key(analyzer) != before


def test_an_ablation_says_what_its_reference_was() -> None:
    analyzer = Analyzer(engines=IDLE)
    assert about(analyzer, corpus="x") == {"corpus": "x", **analyzer.identity().to_dict()}


def test_the_provenance_says_whether_face_and_voice_were_weighed_by_the_rule_or_by_the_weights() -> None:
    weighing, usual = read_open().weighing, Analyzer(engines=IDLE)._provenance({})
    assert weighing is not None
    assert usual["weighing"] == {"name": "the rule's own weighing of face and voice", **weighing.as_dict()}
    assert Provenance.of_dict(usual.to_dict()).weighing == usual.weighing
    for change in ({"fusion": "mini"}, {"rule": "1"}):
        assert "weighing" not in Analyzer(engines=IDLE, **change)._provenance({})
    assert "weighing" not in Analyzer(engines=IDLE).identity().to_dict()


def test_the_provenance_is_of_the_identity() -> None:
    analyzer = Analyzer(engines=IDLE)
    provenance, stated = analyzer._provenance({}), analyzer.identity().to_dict()
    assert provenance["identity"] == stated["digest"]
    assert {name: provenance[name] for name in ("version", "models", "fusion", "device", "precision")} == {
        name: stated[name] for name in ("version", "models", "fusion", "device", "precision")
    }
    assert np.array(provenance["fusion"]["weights"]).shape == (3, 7)

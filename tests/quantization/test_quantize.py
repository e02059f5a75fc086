"""From clips to models in int8, with the mini family."""

from __future__ import annotations

from pathlib import Path

import pytest

from avcer import Analyzer, cli
from avcer.errors import MissingExtraError
from avcer.models.quantized import find_int8
from avcer.models.store import find
from avcer.quantization import ROLES, quantize, run
from avcer.quantization.check import Limits

ANYTHING = Limits(same=0.0, difference=1.0, time=1000.0)
NOTHING = Limits(same=1.1)


@pytest.mark.slow
def test_what_holds_the_limits_is_kept_and_runs(own_home: Path, clip: Path) -> None:
    outcomes = list(quantize("mini", [clip], ANYTHING))
    assert [outcome.name for outcome in outcomes] == [f"mini-{role}" for role in ROLES]
    assert all(outcome.kept for outcome in outcomes)
    assert "runs in int8 from now on" in outcomes[0].told()
    for role in ROLES:
        assert "int8" in find_int8(find("mini", role)).card.scores
    by_setting = {name: Analyzer(setting=name).analyze(clip) for name in ("balanced", "exact")}
    identities = {name: analysis.provenance["models"] for name, analysis in by_setting.items()}
    assert [role for role, identity in identities["balanced"].items() if "int8_sha256" in identity] == list(ROLES)
    assert not [role for role, identity in identities["exact"].items() if "int8_sha256" in identity]


def test_what_does_not_hold_them_is_not_kept(
    own_home: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor is what an earlier call kept."""
    monkeypatch.setattr(run, "ROLES", ("static",))
    [outcome] = quantize("mini", [clip], ANYTHING)
    assert outcome.kept
    assert cli.main(["models", "list"]) == 0
    assert capsys.readouterr().out.count("also in int8") == 1
    [outcome] = quantize("mini", [clip], NOTHING)
    assert not outcome.kept
    assert "left as it is: in int8" in outcome.told()
    assert find_int8(find("mini", "static")) is None
    assert not list((own_home / "int8").iterdir())


def test_too_few_inputs(own_home: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "LEAST_ITEMS", 1000)
    outcomes = list(quantize("mini", [clip]))
    assert len(outcomes) == len(ROLES)
    assert not any(outcome.kept for outcome in outcomes)
    assert "inputs are too few" in outcomes[2].told()


def test_without_nncf(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avcer.quantization.make.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"avcer\[int8\]"):
        next(quantize("mini", [clip]))


def test_the_command_wants_clips_or_remove(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "quantize", "mini"]) == 2
    assert "--remove" in capsys.readouterr().err


def test_the_command_names_a_clip_that_is_not_there(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "quantize", "mini", "missing.mp4"]) == 1
    assert "missing.mp4" in capsys.readouterr().err


def test_the_command_removes(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = own_home / "int8" / "mini-static-0123"
    folder.mkdir(parents=True)
    assert cli.main(["models", "quantize", "mini", "--remove"]) == 0
    assert capsys.readouterr().out == "removed: mini-static\n"
    assert not folder.exists()
    assert cli.main(["models", "quantize", "mini", "--remove"]) == 0
    assert "none was there" in capsys.readouterr().out

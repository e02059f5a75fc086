"""One training loop for every recipe: AdamW with a one-cycle rate, averaged weights, checkpoints, early stopping.

A run is a folder: ``log.csv`` (a row an epoch, ready to plot), ``last.pt`` (to resume after a kill), ``best.pt`` (the
averaged weights with the best validation score). Running the same command again resumes where it stopped.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from avcer.files import atomic, atomic_text, make_folder, remove_abandoned
from avcer.parsing import toml_of

Batches = Callable[[int], Iterable[Any]]
"""Epoch number -> the batches of that epoch; the same number gives the same batches."""
Loss = Callable[[nn.Module, Any], Tensor]
"""Network and batch -> scalar loss."""
Evaluate = Callable[[nn.Module], dict[str, float]]
"""Network in evaluation mode -> named validation scores; ``Plan.monitor`` names the one to maximise."""
Report = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """The hyper-parameters that every recipe shares; ``options`` holds the recipe's own (a table of its TOML file)."""

    epochs: int
    batch_size: int
    learning_rate: float
    steps_per_epoch: int = 0
    weight_decay: float = 0.01
    schedule: Literal["one-cycle", "cosine-restarts"] = "one-cycle"
    warm_up: float = 0.2
    restart_epochs: int = 10
    average_decay: float = 0.998
    clip_norm: float = 5.0
    patience: int = 1000
    monitor: str = "uar"
    bfloat16: bool = True
    seed: int = 42
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Plan:
        """The plan in a TOML file."""
        return cls(**toml_of(path.read_text(encoding="utf-8")))


def device() -> torch.device:
    """CUDA where present, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast(plan: Plan) -> AbstractContextManager[Any]:
    """Mixed precision in bfloat16, where the plan asks for it and the hardware computes in it."""
    mixed = plan.bfloat16 and _has_bfloat16(device())
    return torch.autocast(device().type, dtype=torch.bfloat16) if mixed else nullcontext()


def _has_bfloat16(device: torch.device) -> bool:
    """PyTorch imitates bfloat16 on hardware without it, tens of times slower than it computes in float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def fit(
    network: nn.Module, batches: Batches, loss: Loss, evaluate: Evaluate, plan: Plan, run: Path, report: Report = print
) -> nn.Module:
    """Trains ``network`` and returns it with the best averaged weights, in evaluation mode."""
    remove_abandoned(make_folder(run))
    torch.manual_seed(plan.seed)
    state = _State(network.to(device()), plan)
    state.resume(run)
    for epoch in range(state.epoch, plan.epochs):
        if epoch - 1 - state.best_epoch >= plan.patience:  # it was stopped early, and killed before the end
            break
        started = time.monotonic()
        mean_loss = _one_epoch(state, batches(epoch), loss, plan)
        scores = evaluate(state.average.module.eval())
        row = {"epoch": epoch + 1, "loss": mean_loss, **scores, "seconds": time.monotonic() - started}
        state.finish_epoch(epoch, scores[plan.monitor], row, run)
        left = (plan.epochs - epoch - 1) * (time.monotonic() - started) / 60
        shown = "  ".join(f"{name} {value:.4f}" for name, value in scores.items())
        report(f"epoch {epoch + 1}/{plan.epochs}  loss {mean_loss:.4f}  {shown}  {left:.1f} min left")
        if epoch - state.best_epoch >= plan.patience:
            report(f"no better {plan.monitor} for {plan.patience} epochs: stopped early")
            break
    network.load_state_dict(torch.load(run / "best.pt", weights_only=True))
    return network.eval()


class _State:
    """All that changes while training, saved and restored as one."""

    def __init__(self, network: nn.Module, plan: Plan) -> None:
        self.network = network
        self.average = AveragedModel(network, multi_avg_fn=_averaging(plan.average_decay), use_buffers=True)
        learned = [weight for weight in network.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(learned, plan.learning_rate, weight_decay=plan.weight_decay)
        self.schedule = _schedule(self.optimizer, plan)
        self.epoch, self.best, self.best_epoch = 0, float("-inf"), 0
        self.log: list[dict[str, float]] = []

    def _parts(self) -> dict[str, Any]:
        return {
            "network": self.network, "average": self.average, "optimizer": self.optimizer, "schedule": self.schedule
        }  # fmt: skip

    def resume(self, run: Path) -> None:
        """Goes on where the run stands. The log is written anew: a kill may have come between ``last.pt`` and it."""
        if not (run / "last.pt").exists():
            return
        saved = torch.load(run / "last.pt", weights_only=True, map_location=device())
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])
        self.epoch, self.best, self.best_epoch = saved["epoch"], saved["best"], saved["best_epoch"]
        torch.set_rng_state(saved["random"].cpu())
        self.log = saved["log"] if "log" in saved else _read_log(run / "log.csv")  # runs of before have it there alone
        _write_log(run / "log.csv", self.log)

    def finish_epoch(self, epoch: int, score: float, row: dict[str, float], run: Path) -> None:
        self.epoch = epoch + 1
        self.log.append({name: round(value, 6) for name, value in row.items()})
        if score > self.best:
            self.best, self.best_epoch = score, epoch
            _save(self.average.module.state_dict(), run / "best.pt")
        numbers = {"epoch": self.epoch, "best": self.best, "best_epoch": self.best_epoch, "log": self.log}
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        _save({**parts, **numbers, "random": torch.get_rng_state()}, run / "last.pt")
        _write_log(run / "log.csv", self.log)


def _schedule(optimizer: torch.optim.Optimizer, plan: Plan) -> torch.optim.lr_scheduler.LRScheduler:
    if plan.schedule == "cosine-restarts":
        steps = max(plan.restart_epochs * plan.steps_per_epoch, 1)
        return torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, steps)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        plan.learning_rate,
        max(plan.epochs * plan.steps_per_epoch + 1, math.ceil(2 / plan.warm_up)),  # a warm-up needs two steps
        pct_start=plan.warm_up,
    )


def _averaging(decay: float) -> Callable[[Any, Any, Any], None]:
    """An exponential moving average that starts fast, so that the random weights at the start are soon forgotten."""

    @torch.no_grad()
    def update(averages: Sequence[Tensor], currents: Sequence[Tensor], count: Tensor | int) -> None:
        kept = min(decay, (1 + int(count)) / (10 + int(count)))
        for average, current in zip(averages, currents, strict=True):
            if average.is_floating_point():
                average.lerp_(current, 1 - kept)
            else:  # how many batches a normalisation has seen
                average.copy_(current)

    return update


def _one_epoch(state: _State, batches: Iterable[Any], loss: Loss, plan: Plan) -> float:
    state.network.train()
    total, count = 0.0, 0
    for batch in batches:
        with autocast(plan):
            value = loss(state.network, batch)
        state.optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(state.network.parameters(), plan.clip_norm)
        state.optimizer.step()
        state.schedule.step()
        state.average.update_parameters(state.network)
        total, count = total + float(value.detach()), count + 1
    return total / max(count, 1)


def _save(values: Any, path: Path) -> None:
    with atomic(path) as part, part.open("wb") as file:
        try:
            torch.save(values, file)
        except RuntimeError as error:  # raised while it closes the file that the system refused to write
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise


def _read_log(path: Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: _number(value) for name, value in row.items()} for row in csv.DictReader(file)]


def _number(word: str) -> float:
    return int(word) if word.isdigit() else float(word)


def _write_log(path: Path, rows: Sequence[dict[str, float]]) -> None:
    with atomic_text(path) as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)

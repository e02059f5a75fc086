"""Where the time goes inside the convolutions of wav2vec 2.0, as its authors' library writes them and as we do.

    python benchmarks/profiles.py [--write docs/speed.md]

OpenVINO says how long each kind of layer takes. What the change should save was read off the first profile: the time
of turning arrays over. Weights are random, which changes no time.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from avcer.models.core import openvino_core
from avcer.models.networks.speech import _backbone, _features
from page import circumstances, put, table

RUNS = 10
TURNING = ("Transpose", "Reorder")
WINDOWS = 4


class Before(nn.Module):
    """Channels first, turned over around each layer norm."""

    def __init__(self, extractor: nn.Module) -> None:
        super().__init__()
        self.extractor = extractor

    def forward(self, windows: Tensor) -> Tensor:
        features: Tensor = self.extractor(windows).transpose(1, 2)
        return features


class Now(Before):
    """Channels last."""

    def forward(self, windows: Tensor) -> Tensor:
        return _features(self.extractor, windows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    chosen = parser.parse_args()
    text = "\n\n".join([circumstances("openvino", "torch", "transformers"), profiles()])
    print(text)
    if chosen.write:
        put(chosen.write, text)


def profiles() -> str:
    """Milliseconds a window by kind of layer, before and now, in both formats; then what was expected and measured."""
    from transformers import Wav2Vec2Model

    extractor = Wav2Vec2Model(_backbone()).feature_extractor.eval()
    columns = [
        profile(network(extractor), hints)
        for hints in ({"INFERENCE_PRECISION_HINT": "f32"}, {})
        for network in (Before, Now)
    ]
    kinds = sorted({kind for one in columns for kind in one}, key=lambda kind: -columns[0].get(kind, 0.0))
    rows = [[kind, *(f"{one.get(kind, 0.0):.1f}" for one in columns)] for kind in kinds]
    totals = [sum(one.values()) for one in columns]
    rows.append(["all", *(f"{total:.1f}" for total in totals)])
    expected = [sum(columns[at].get(kind, 0.0) for kind in TURNING) / totals[at] for at in (0, 2)]
    rows.append(["saving expected: Transpose and Reorder", "", f"{expected[0]:.0%}", "", f"{expected[1]:.0%}"])
    measured = [1 - totals[at + 1] / totals[at] for at in (0, 2)]
    rows.append(["saving measured", "", f"{measured[0]:.0%}", "", f"{measured[1]:.0%}"])
    headings = ["kind of layer", "float32: before", "now", "default precision: before", "now"]
    return table(headings, rows)


def profile(network: nn.Module, hints: dict[str, str]) -> dict[str, float]:
    """Kind of layer -> milliseconds a window, medians of several runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            axes = {"input": {0: "N"}}  # any number of windows, as in our models
            example = torch.zeros(1, 64000)
            torch.onnx.export(
                network, (example,), path, input_names=["input"], dynamic_axes=axes, opset_version=18, dynamo=False
            )
        compiled = openvino_core().compile_model(path, "CPU", {"PERF_COUNT": True, **hints})
    request = compiled.create_infer_request()
    windows = np.random.default_rng(0).standard_normal((WINDOWS, 64000), np.float32)
    runs: dict[str, list[float]] = defaultdict(list)
    for _ in range(RUNS):
        request.infer([windows])
        kinds: dict[str, float] = defaultdict(float)
        for layer in request.profiling_info:
            kinds[layer.node_type] += 1000 * layer.real_time.total_seconds() / WINDOWS
        for kind, milliseconds in kinds.items():
            runs[kind].append(milliseconds)
    return {kind: float(np.median(times)) for kind, times in runs.items() if np.median(times) >= 0.05}


if __name__ == "__main__":
    main()

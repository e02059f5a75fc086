"""How fast each family is, stage by stage, against the machine and against the released way.

    python benchmarks/speed.py [--seconds S] [--repeats N] [--write docs/speed.md]

Analyses a real clip as it is, whose sound is digital silence; the same with a made-up voice; and that enlarged to 720p:
with the mini models and with the published networks (stand-in weights, but for RetinaFace MobileNet-0.25). With
``--write`` the tables go into the page and everything that was measured into ``benchmarks/results/speed``. It takes
three quarters of an hour on a machine that does nothing else; ``--seconds`` cuts the clips with a voice for a trial.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from avcer.bench.measure import Bench
from avcer.bench.report import document
from avcer.demo import voice
from avcer.media import SAMPLE_RATE
from avcer.models.published import import_published
from avcer.models.quantized import remove_int8
from avcer.options import Options
from avcer.quantization import quantize
from avcer.quantization.check import Limits
from page import circumstances, put, table
from reference import CLIPS, import_stand_ins, stand_in_weights

CLIP: Final = "WolfgangLanger_Pexels.mp4"
SIZES: Final = {"640x360": (640, 360), "1280x720": (1280, 720)}
SILENT: Final = "640x360, silent"
RESULTS: Final = Path(__file__).parent / "results" / "speed"
BLIND: Final = (50.0, -50.0)
"""Logits of 'no face' and 'face' that a detector gets as biases so that it sees none."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=None, help="of the clip (default: all)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clips = {name: Path(folder) / f"{name}.mp4" for name in SIZES}
        for name, clip in clips.items():
            scale(CLIPS / CLIP, clip, SIZES[name], chosen.seconds)
        clips = {SILENT: CLIPS / CLIP, **clips}
        results = dict(measure_all(clips, Path(folder), chosen.repeats))
    text = "\n\n".join([circumstances("openvino", "torch", "av"), summary(results), stages(results)])
    print(text)
    if chosen.write:
        put(chosen.write, text)
        keep(results)


def scale(source: Path, target: Path, size: tuple[int, int], seconds: float | None) -> None:
    """Encodes the pictures of a clip anew at that size (width, height), up to ``seconds`` of it, with a made-up voice:
    its own sound may be digital silence, which is never listened to.
    """
    with av.open(str(source)) as first, av.open(str(target), "w") as out:
        stream = first.streams.video[0]
        pictures = out.add_stream("libx264", rate=stream.average_rate, options={"crf": "18"})
        pictures.width, pictures.height = size
        pictures.pix_fmt = "yuv420p"
        sound = out.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        count = 0
        for frame in first.decode(stream):
            if seconds is not None and (frame.time or 0.0) >= seconds:
                break
            scaled = frame.reformat(*size, format="yuv420p", interpolation="BICUBIC")
            scaled.pts, scaled.time_base = count, 1 / stream.average_rate
            out.mux(pictures.encode(scaled))
            count += 1
        out.mux(pictures.encode(None))
        spoken = voice(float(count / stream.average_rate))
        samples = av.AudioFrame.from_ndarray((spoken * 32767).astype(np.int16)[np.newaxis], format="s16", layout="mono")
        samples.sample_rate, samples.pts, samples.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
        out.mux(sound.encode(samples))
        out.mux(sound.encode(None))


def measure_all(clips: dict[str, Path], home: Path, repeats: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Models and clip -> the document of ``avcer bench --baseline``."""
    os.environ["AVCER_HOME"] = str(home)
    small, _ = SIZES
    yield from measure("mini", Options(models="mini", device="cpu"), clips, repeats)
    import_stand_ins(home, _quiet)
    published = Options(models="published", device="cpu")
    measured = dict(measure("published, MobileNet-0.25", published, clips, repeats))
    yield from measured.items()
    for name in (SILENT, small):
        base = measured[f"published, MobileNet-0.25, {name}"]["baseline"]
        exact = again(replace(published, setting="exact"), 1, clips[name], base)
        yield f"published, MobileNet-0.25, `exact`, {name}", exact
    in_int8(clips[small])
    base = measured[f"published, MobileNet-0.25, {small}"]["baseline"]
    yield f"published, MobileNet-0.25, int8, {small}", again(published, repeats, clips[small], base)
    import_blind_resnet50(home)
    remove_int8("published-static")
    remove_int8("published-audio")
    # At 1280x720 the released way takes five seconds a frame, three quarters of an hour for the clip.
    both = {name: clips[name] for name in (SILENT, small)}
    blind = dict(measure("published, ResNet-50 (sees no face)", published, both, repeats))
    yield from blind.items()
    in_int8(clips[small])
    base = blind[f"published, ResNet-50 (sees no face), {small}"]["baseline"]
    yield f"published, ResNet-50 (sees no face), int8, {small}", again(published, repeats, clips[small], base)


def measure(title: str, options: Options, clips: dict[str, Path], repeats: int) -> Iterator[tuple[str, dict[str, Any]]]:
    bench = Bench(options, repeats, baseline=True)
    for name, clip in clips.items():
        print(f"{title}, {name}", file=sys.stderr, flush=True)
        yield f"{title}, {name}", document(bench, [bench.measure(clip)])


def again(options: Options, repeats: int, clip: Path, base: dict[str, Any]) -> dict[str, Any]:
    """The same clip under other options, against a baseline that has been measured."""
    bench = Bench(options, repeats)
    whole = document(bench, [bench.measure(clip)])
    whole["baseline"] = base | {"ratio": base["seconds"] / whole["seconds"]}
    return whole


def in_int8(clip: Path) -> None:
    """Makes the published networks in int8 and keeps what is faster, whatever it says: the weights are stand-ins."""
    for outcome in quantize("published", [clip], Limits(same=0.0, difference=1.0)):
        print(outcome.told(), file=sys.stderr, flush=True)


def import_blind_resnet50(home: Path) -> None:
    """Puts RetinaFace ResNet-50 into the store, with stand-in weights and class heads that never see a face."""
    import torch

    arrays = stand_in_weights("retinaface_resnet50")
    for key, array in arrays.items():
        if "ClassHead" in key:
            arrays[key] = np.resize(np.array(BLIND, array.dtype), array.shape) if "bias" in key else 0 * array
    file = home / "retinaface_resnet50.pth"
    torch.save({key: torch.from_numpy(array) for key, array in arrays.items()}, file)
    import_published(detector=file, report=_quiet)
    file.unlink()


def summary(results: dict[str, dict[str, Any]]) -> str:
    """A row for each run: ours, then the released way's."""
    headings = ["models, clip", "real-time factor", "frames a second", "peak memory, MB", "first frames, s"]
    headings += ["% of the roof", "released way: real-time factor", "its % of the roof", "ratio"]
    rows = []
    for name, one in results.items():
        base = one["baseline"]
        ours = [f"{one['rtf']:.3f}", f"{one['fps']:.0f}", f"{one['peak_memory_mb']:.0f}", f"{one['first_frame_s']:.1f}"]
        theirs = [f"{base['rtf']:.2f}", f"{base['roof_percent']:.0f}", f"{base['ratio']:.1f}"]
        rows.append([name, *ours, f"{one['roof_percent']:.0f}", *theirs])
    return table(headings, rows)


def stages(results: dict[str, dict[str, Any]]) -> str:
    """Milliseconds an item of each stage, ours and in brackets the released way's; and shares of busy seconds."""
    names = list(dict.fromkeys(name for one in results.values() for name in one["baseline"]["stages"]))
    rows = [[run, *(_cell(one, name) for name in names)] for run, one in results.items()]
    note = "Milliseconds an item, and share of busy seconds; in brackets the released way's milliseconds."
    return f"{note}\n\n{table(['models, clip', *names], rows)}"


def _cell(one: dict[str, Any], name: str) -> str:
    ours, theirs = one["stages"].get(name), one["baseline"]["stages"].get(name)
    text = "" if ours is None else f"{ours['ms']:.2f}, {ours['share']:.0%}"
    return text if theirs is None else f"{text} ({theirs['ms']:.2f})".strip()


def keep(results: dict[str, dict[str, Any]]) -> None:
    """Writes everything into a file of today's date."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    today = datetime.datetime.now(tz=datetime.UTC).date()
    for one in results.values():
        for video in one["videos"]:
            video["video"] = Path(video["video"]).name
    whole = {"measured": circumstances("openvino", "torch", "av"), "clip": CLIP, "runs": results}
    (RESULTS / f"{today}.json").write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")


def _quiet(line: str) -> None:
    """Progress of an import is not shown here."""


if __name__ == "__main__":
    main()

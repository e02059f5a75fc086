"""Break the code in one place after the other, and see whether the fast tests notice.

    python benchmarks/mutations.py [LETTER ...] [--whole]

Each mutation puts one text in the place of another in a copy of the repository, in which `../shared` is missing, and
runs the nearest fast tests (with `--whole`, all fast tests where those let it live). The letters A-X are those of an
earlier review of the code; the numbers are in the joints between the parts. The table says which tests failed first.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from page import table

ROOT: Final = Path(__file__).parents[1]
TOO_LONG: Final = "pytest took too long"
COPIED: Final = ("src", "tests", "benchmarks", "docs", "pyproject.toml", "README.md")


@dataclass(frozen=True)
class Mutation:
    """In `file` (below `src/avcer`), `old` becomes `new`; `tests` are the nearest ones."""

    letter: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def _one(letter: str, what: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    return Mutation(letter, what, file, old, new, tuple(f"tests/{test}" for test in tests))


WIRING: Final = "test_wiring.py"
SESSION: Final = "test_session.py"
LOOP: Final = "training/test_loop.py"
MUTATIONS: Final = (
    _one("A", "`sound_for=\"all\"` is ignored", "session.py",
         'counts_for = None if self.plan.sound_for == "all" else leads', "counts_for = leads", WIRING),
    _one("B", "`begin_score` is not handed to the tracker", "sight.py",
         "Tracker(begin_score=models.detector.begin_score)", "Tracker()", WIRING),
    _one("C", "a segment ends by its row, not its frame", "decision/segments.py",
         "self._frame_end(int(rows.frames[stop - 1]))", "self._frame_end(int(stop - 1))", "decision/test_segments.py"),
    _one("D", "`min_face` is ignored", "options.py", "least_side=self.min_face", "least_side=0.0", WIRING),
    _one("E", "`PUBLISHED_7` is never chosen", "options.py",
         'return PUBLISHED if self.models == "mini" or audio.labels == AUDIO_8 else PUBLISHED_7', "return PUBLISHED",
         WIRING),
    _one("F", "a file may lead to other files and to the network", "media/container.py",
         '"protocol_whitelist": "none", ', "", "media/test_probe.py", "media/test_faults.py", "media/test_remedies.py"),
    _one("G", "the sound's warnings are dropped", "feeding.py",
         "session.note(*self.pictures.warnings, *(self.sound.warnings if self.sound is not None else ()))",
         "session.note(*self.pictures.warnings)", WIRING),
    _one("H", "the frame before a cut is not detected", "faces/sparse.py", "for side in (at - 1, at) if side >= 0",
         "for side in (at,) if side >= 0", "faces/test_sparse.py"),
    _one("I", "of two faces on one side the smallest counts", "evaluation/corpus_run.py",
         "sorted(analysis.faces, key=_size)", "sorted(analysis.faces, key=_size, reverse=True)", WIRING),
    _one("J", "a run is resumed with another audio window and step", "identity.py",
         '("rule", "decision", "least_segment")',
         '("rule", "decision", "least_segment", "audio_window_s", "audio_step_s")', "test_identity.py"),
    _one("K", "a resumed training has a new optimizer", "training/loop.py",
         '"average": self.average, "optimizer": self.optimizer, ', '"average": self.average, ', LOOP),
    _one("L", "training never stops early", "training/loop.py", "if epoch - state.best_epoch >= plan.patience:",
         "if False:", LOOP),
    _one("M", "`best.pt` is the last epoch", "training/loop.py", "if score > self.best:", "if True:", LOOP),
    _one("N", "the p-value is one-sided", "evaluation/compare.py", "min(1.0, 2 * other_way)", "other_way", WIRING),
    _one("O", "large engines do not take turns", "models/runtime.py",
         "_TURN if model.card.heavy else nullcontext()", "nullcontext()", "models/test_runtime.py"),
    _one("P", "what was compiled is not compared with what is read back", "models/compiled.py",
         "return all(np.array_equal(ours, theirs) for ours, theirs in pairs)", "return True",
         "models/test_compiled.py"),
    _one("Q", "`fps` sets no stride", "options.py", "every = max(round(rate / self.fps), 1)", "every = 1",
         "test_options.py"),
    _one("R", "a face's lead ends a frame early", "faces/leadership.py",
         "leads[track.first : track.last + 1] = track.id", "leads[track.first : track.last] = track.id",
         "faces/test_track.py"),
    _one("S", "the sound of a frame is the softmax of sums, not of means", "emotion/audio.py",
         " / count[valid, None]", "", "emotion/test_audio.py"),
    _one("T", "int8 runs in `exact`", "models/runtime.py", 'if device == "cpu" and precision == "default" else None',
         'if device == "cpu" else None', "models/test_quantized.py"),
    _one("U", "a run is resumed with other models", "identity.py",
         'return replace(self, options=kept, fusion="", vocabulary="")',
         'return replace(self, models=(), options=kept, fusion="", vocabulary="")', "test_identity.py"),
    _one("V", "the device does not subtract the mean", "models/torch_engine.py",
         ".float() - self._mean) * self._scale", ".float()) * self._scale", "models/test_torch_engine.py"),
    _one("W", "the processor subtracts another mean than the card's", "faces/detect.py",
         'return cls(**{**constants, "mean": tuple(constants["mean"])})',
         'return cls(**{**constants, "mean": (0.0, 0.0, 0.0)})', "faces/test_detect.py", WIRING,
         "models/test_preparation.py"),
    _one("X", "pictures that fail do not stop the sound", "feeding.py",
         "            except BaseException:\n                hook.stopped = True\n                raise\n"
         "        session.measured",
         "            except BaseException:\n                raise\n        session.measured",
         "test_pipeline.py"),
    _one("1", "the leadership that was asked for is ignored", "session.py",
         'if self.plan.leadership == "largest-now":', "if False:", SESSION),
    _one("2", "rows do not wait for the sound that can change them", "session.py",
         "times_s = times_s[: np.searchsorted(times_s, self._ear.settled_s)]", "pass", SESSION),
    _one("3", "the row before a gap is given twice", "settled.py", "skip=1 if rows.continues else 0", "skip=0",
         SESSION),
    _one("4", "batches are not cut by the latency", "sampling.py", " or waited_s >= self._longest_s", "", SESSION),
    _one("5", "`fill_gaps` does not reach the decision", "pipeline.py", "fill_gaps=self.options.fill_gaps",
         "fill_gaps=False", WIRING),
    _one("6", "the audio window and step do not reach the session", "pipeline.py",
         "windows=self.options.windows,", "", WIRING),
    _one("7", "`threads` does not reach the engines", "pipeline.py",
         "load_engine(model, self._device, self.options.precision, threads)",
         "load_engine(model, self._device, self.options.precision, None)", WIRING),
    _one("8", "a heavy detector runs wherever a face is classified", "pipeline.py",
         'chosen.detect_classified and not self.cards["detector"].heavy', "chosen.detect_classified",
         "test_pipeline.py"),
    _one("9", "the pictures' warnings are dropped", "feeding.py", "session.note(*self.pictures.warnings, *(",
         "session.note(*(", WIRING),
    _one("10", "no portraits are kept of a source that cannot be read again", "pipeline.py",
         "portraits=info is None or not info.path.is_file(),", "", WIRING),
    _one("11", "`--threads` does not reach the engines that tables are scored with", "evaluation/protocols.py",
         'load_engine(model, "cpu", self.precision, self.threads)', 'load_engine(model, "cpu", self.precision, None)',
         "test_threads.py"),
    _one("12", "`--threads` does not reach an ablation", "commands/ablation.py",
         '        "threads": chosen.threads,\n', "", "test_threads.py"),
    _one("13", "a face's rest is not taken off its probabilities", "session.py",
         "self._watcher.probabilities(), self.plan.reference", "self._watcher.probabilities(), None", WIRING),
    _one("14", "the sets of labels are in no table", "output/tables.py", 'if options.get("label_sets"):', "if False:",
         WIRING),
    _one("15", "each engine has an OpenVINO core of its own", "models/core.py", "_CORE.append(openvino.Core())",
         "return openvino.Core()", "models/test_runtime.py"),
    _one("16", "tiers are exported without the corrections", "output/tiers.py",
         "corrections = read_corrections(folder)", "corrections = Corrections()", "output/test_exports.py"),
    _one("17", "of several clips, one whose worker died is not tried again", "batch/each.py",
         'if outcome.state != "died":', "if True:", "batch/test_each.py"),
    _one("18", "a damaged graph is run", "models/runtime.py", "        check_file(model, model.card.graph)\n", "",
         "models/test_runtime.py"),
    _one("19", "a face that speaks is believed as one in silence", "decision/weigh.py",
         "told = _share(weighing.speaking.emotions(alone)", "told = _share(alone", "decision/test_weigh.py"),
    _one("20", "whether a mouth moves does not reach the decision", "decision/timelines.py",
         "of_face[name], name, mouth)", "of_face[name], name)", WIRING),
    _one("21", "all sound is speech", "hearing.py",
         "speech = np.array([self._meter(window) for window in windows])", "speech = np.ones(len(windows))", WIRING),
    _one("22", "what is usual of a person is not taken off the voice", "settled.py",
         "values[audio.valid] = self._reference.voice(values[audio.valid])", "pass", WIRING),
    _one("23", "what is usual of a person is not known while a clip goes on", "settled.py",
         "reference if reference is not None and reference.causal else None", "None", WIRING),
    _one("24", "a person known by other models is taken", "pipeline.py", "        self._expect_same_models()\n", "",
         WIRING),
    _one("25", "a known speaker is heard as a stranger", "session.py",
         "return evidence if reference is None or not reference.knows_voice else evidence.as_relative()",
         "return evidence", WIRING),
    _one("26", "what a voice is known by does not reach the result", "session.py",
         "usual={} if usual is None else {AUDIO.name: usual},", "usual={},", WIRING),
    _one("27", "a person is known by the voice's first output", "decision/person.py",
         "{**usual_in(_said(analysis)), **analysis.usual}", "usual_in(_said(analysis))", WIRING),
)  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """`killed`: the first test that failed; empty where all passed."""

    mutation: Mutation
    killed: str
    seconds: float


def copy_repository(folder: Path) -> Path:
    """A copy beside which there is no reference material."""
    root = folder / "repository" / "copy"
    root.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    return root


def mutated(text: str, mutation: Mutation) -> str:
    """The text of a file with one place changed.

    Raises:
        ValueError: the old text is not there exactly once.
    """
    if text.count(mutation.old) != 1:
        raise ValueError(f"{mutation.letter}: {mutation.file} holds {text.count(mutation.old)} times {mutation.old!r}")
    return text.replace(mutation.old, mutation.new)


def first_failure(root: Path, tests: Sequence[str], limit_s: float | None = None) -> str:
    """The name of the first fast test that fails; empty where none does. Tests that take too long count as failed."""
    there = [test for test in tests if (root / test).exists()]
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow", "-p", "no:cacheprovider", *there]
    try:
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return TOO_LONG
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    if failed:
        return failed[0].split()[1]
    return "" if done.returncode == 0 else f"pytest ended with {done.returncode}"


def judge(root: Path, mutations: Sequence[Mutation], whole: bool) -> Iterator[Verdict]:
    """Each mutation alone."""
    for mutation in mutations:
        path = root / "src" / "avcer" / mutation.file
        text = path.read_text(encoding="utf-8")
        started = time.monotonic()
        path.write_text(mutated(text, mutation), encoding="utf-8")
        try:
            killed = first_failure(root, mutation.tests) or (first_failure(root, ["tests"]) if whole else "")
        finally:
            path.write_text(text, encoding="utf-8")
        yield Verdict(mutation, killed, time.monotonic() - started)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; 1 where a mutation lives."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("letters", nargs="*", help="which mutations; all without")
    parser.add_argument("--whole", action="store_true", help="all fast tests for those that the nearest let live")
    chosen = parser.parse_args(arguments)
    wanted = [one for one in MUTATIONS if not chosen.letters or one.letter in chosen.letters]
    with tempfile.TemporaryDirectory() as folder:
        root = copy_repository(Path(folder))
        nearest = tuple(dict.fromkeys(test for one in wanted for test in one.tests))
        before = first_failure(root, nearest)
        if before:
            print(f"the tests fail without any mutation: {before}", file=sys.stderr)
            return 2
        verdicts = []
        for verdict in judge(root, wanted, chosen.whole):
            verdicts.append(verdict)
            print(f"{verdict.mutation.letter}: {verdict.killed or 'LIVES'} ({verdict.seconds:.0f} s)", file=sys.stderr)
    rows = []
    for one in verdicts:
        what = one.mutation
        rows.append([what.letter, what.what, f"`{what.file}`", one.killed or "**lives**", f"{one.seconds:.0f}"])
    print(table(["", "mutation", "where", "killed by", "seconds"], rows))
    lives = sum(not one.killed for one in verdicts)
    print(f"\n{len(verdicts) - lives} of {len(verdicts)} die.")
    return 1 if lives else 0


if __name__ == "__main__":
    sys.exit(main())

"""Small mistakes at random places of the core, and whether the tests of the same station notice.

    python benchmarks/mutants_at_random.py [--mutants 40] [--seed 0] [--only STATION] [--minutes 25] [--show]

A mutant differs from the code in one operator, one number, one condition, or one truth value. Each station has as many
as the next. A mutant is tried in a copy of the repository, without `../shared`, against the tests of its station alone,
those marked slow left out: first those that bear the name of its file, then the rest, up to the first that fails.
Survivors are printed one by one: each is a hole in the tests, or a change that changes nothing that is promised. Tests
that take too long are no verdict: the mutant hangs, or the machine is busy. Prints one JSON object, and writes it to
`benchmarks/results/mutants/`.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from mutations import ROOT, TOO_LONG, copy_repository, first_failure

RESULTS = Path(__file__).parent / "results" / "mutants"
TESTS = {
    "decision": ["tests/decision"], "faces": ["tests/faces"],
    "media": ["tests/media", "tests/output/test_annotated_video.py"],
    "session.py": ["tests/test_session.py"], "batch": ["tests/batch"],
}  # fmt: skip
"""The tests of each station."""
SWAPS: dict[type[ast.AST], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==", ast.Is: "is not",
    ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in", ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*",
    ast.And: "or", ast.Or: "and",
}  # fmt: skip
LIMIT_S = 240
"""Eight times what the longest of them take on two cores."""


@dataclass(frozen=True)
class Mutant:
    """The bytes from ``start`` to ``stop`` of a file, ``source``, become ``new``."""

    file: Path
    source: bytes
    line: int
    start: int
    stop: int
    new: bytes

    def text(self) -> bytes:
        return self.source[: self.start] + self.new + self.source[self.stop :]

    def told(self) -> str:
        lines = self.text().split(b"\n")
        return f"{self.file.relative_to(ROOT / 'src' / 'avcer')}:{self.line}: {lines[self.line - 1].decode().strip()}"


def mutants(path: Path) -> Iterator[Mutant]:
    source = path.read_bytes()
    begins = [0]
    for line in source.splitlines(keepends=True):
        begins.append(begins[-1] + len(line))

    def at(line: int, column: int) -> int:
        return begins[line - 1] + column

    def begin(node: ast.expr) -> int:
        return at(node.lineno, node.col_offset)

    def end(node: ast.expr) -> int:
        return at(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def between(left: ast.expr, right: ast.expr, operator: ast.AST) -> Iterator[Mutant]:
        """Brackets around the two stay."""
        new = SWAPS.get(type(operator))
        text = source[end(left) : begin(right)]
        old = text.strip(b" ()\n\t")
        if new and old and b"#" not in text:
            start = end(left) + text.index(old)
            yield Mutant(path, source, source[:start].count(b"\n") + 1, start, start + len(old), new.encode())

    for node in _in_functions(ast.parse(source)):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            yield from between(node.left, node.comparators[0], node.ops[0])
        elif isinstance(node, ast.BinOp):
            yield from between(node.left, node.right, node.op)
        elif isinstance(node, ast.BoolOp):
            yield from between(node.values[0], node.values[1], node.op)
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
            new = not node.value if isinstance(node.value, bool) else node.value + 1
            yield Mutant(path, source, node.lineno, begin(node), end(node), repr(new).encode())
        elif isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(node.test, ast.Compare | ast.BoolOp):
            old = source[begin(node.test) : end(node.test)]
            yield Mutant(path, source, node.test.lineno, begin(node.test), end(node.test), b"(not (" + old + b"))")


def _in_functions(tree: ast.Module) -> Iterator[ast.AST]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                yield from ast.walk(statement)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=TESTS)
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--show", action="store_true", help="print the mutants, and try none")
    chosen = parser.parse_args()
    sample = sampled(chosen.mutants, chosen.seed, chosen.only)
    if chosen.show:
        print("\n".join(mutant.told() for _, mutant in sample))
        return
    found: dict[str, Counter[str]] = {}
    survivors = []
    begun_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="avcer-mutants-") as place:
        root = copy_repository(Path(place))
        stations = dict.fromkeys(station for station, _ in sample)
        before = first_failure(root, [test for station in stations for test in TESTS[station]])
        if before:
            sys.exit(f"the tests fail without any mutant: {before}")
        for station, mutant in sample:
            if time.monotonic() - begun_s > 60 * chosen.minutes:
                break
            killed = tried(root, mutant, TESTS[station])
            verdict = "lived" if not killed else "too long" if killed == TOO_LONG else "killed"
            found.setdefault(station, Counter())[verdict] += 1
            if not killed:
                survivors.append(mutant.told())
            print(f"{mutant.told()}  [{killed or 'LIVES'}]", file=sys.stderr, flush=True)
    counts = sum(found.values(), Counter())
    judged = counts["killed"] + counts["lived"]
    measured = {
        "seed": chosen.seed,
        "mutants": counts.total(),
        "killed": counts["killed"],
        "rate": round(counts["killed"] / max(judged, 1), 3),
        "by station": {station: dict(one) for station, one in found.items()},
        "minutes": round((time.monotonic() - begun_s) / 60, 1),
        "survivors": survivors,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"seed-{chosen.seed}.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(json.dumps(measured, indent=2))


def sampled(count: int, seed: int, only: str | None) -> list[tuple[str, Mutant]]:
    """So many mutants, one of each station after the other, in an order that does not depend on how many."""
    chance = random.Random(seed)
    stations = []
    for station in TESTS:
        place = ROOT / "src" / "avcer" / station
        paths = sorted(place.rglob("*.py")) if place.is_dir() else [place]
        everything = list(dict.fromkeys(mutant for path in paths for mutant in mutants(path)))
        chance.shuffle(everything)
        if only in (None, station):
            stations.append([(station, mutant) for mutant in everything])
    return [one for turn in zip_longest(*stations) for one in turn if one is not None][:count]


def tried(root: Path, mutant: Mutant, tests: list[str]) -> str:
    """The first test that fails, `TOO_LONG` where they do not end, and nothing where the mutant lives."""
    target = root / mutant.file.relative_to(ROOT)
    nearest = [str(Path(test) / f"test_{mutant.file.stem}.py") for test in tests]
    target.write_bytes(mutant.text())
    try:
        return first_failure(root, [*nearest, *tests], LIMIT_S)
    finally:
        target.write_bytes(mutant.source)


if __name__ == "__main__":
    main()

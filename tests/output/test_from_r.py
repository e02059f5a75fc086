"""The page 'From R': R is not at hand, so the columns that its code names are looked for in files of ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from pyarrow import parquet

from avcer import cli
from avcer.analysis import Analysis
from avcer.batch.entries import Entry
from avcer.batch.facts import facts
from avcer.batch.record import ClipRecord
from avcer.batch.summary import write_summaries
from avcer.output.writers import save

PAGE = Path(__file__).parents[2] / "docs" / "from-r.md"


def test_every_column_that_the_code_names_is_there(scene: Callable[..., Analysis], tmp_path: Path) -> None:
    save(scene(), tmp_path / "results" / "clip", ["csv", "parquet", "eaf", "json"])
    done = ClipRecord(Entry("clip", Path("clip.mp4")), "done", facts=facts(scene()))
    write_summaries([done], tmp_path / "results")
    eaf = tmp_path / "results" / "clip" / "segments.eaf"
    assert cli.main(["import-annotations", str(eaf), "--out", str(tmp_path / "labels"), "--quiet"]) == 0
    code = "\n".join(re.findall(r"^```r\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))
    read = re.findall(r'^(\w+) <- \S*read[._]\w+\("([^"]+)"', code, re.MULTILINE)
    assert len(read) == 7
    for name, file in read:
        path = tmp_path / file
        columns = (
            parquet.read_schema(path).names
            if path.suffix == ".parquet"
            else path.read_text().splitlines()[0].split(",")
        )
        made = set(re.findall(rf"^{name}\$(\w+) <-", code, re.MULTILINE))
        used = set(re.findall(rf"\b{name}\$(\w+)", code)) - made
        assert used
        assert used <= set(columns), name

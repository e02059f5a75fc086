"""A miniature corpus through the real models: two clips, a recording, a face crop."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

import recordings
from avcer import Analyzer, cli
from avcer.decision.express import FILE_FORMAT, read_open
from avcer.decision.weigh import Speaking
from avcer.demo import photograph
from avcer.emotion.probabilities import softmax
from avcer.errors import AvcerError, InputError, UnforeseenError, UsageError
from avcer.evaluation import corpus_run
from avcer.evaluation.compare import compare_runs
from avcer.evaluation.corpora import Corpus, Sample, read_corpus
from avcer.evaluation.corpus_run import answer_corpus, answers, ask, run, said, score_corpus
from avcer.evaluation.tables.frames import FrameTable, read_frames
from avcer.labels import BASIC
from avcer.modalities import AUDIO, MODALITIES
from made_up import utterance


@pytest.fixture(scope="module")
def clip(short_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copy(short_clip, tmp_path_factory.mktemp("clip") / "a.mp4")


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(setting="fast")


@pytest.fixture(scope="module")
def corpus(clip: Path) -> Corpus:
    """A table of one's own: two clips and a recording."""
    root = clip.parent
    shutil.copy(clip, root / "b.mp4")
    soundfile.write(root / "c.wav", utterance("angry", 0), 16000)
    rows = ["path,label,part", "a.mp4,Happiness,validation", "b.mp4,Anger,validation", "c.wav,Anger,train"]
    (root / "table.csv").write_text("\n".join(rows) + "\n")
    return read_corpus("table", root / "table.csv")


@pytest.fixture(scope="module")
def folder(corpus: Corpus, analyzer: Analyzer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    score_corpus(corpus, analyzer, out)
    return out


def test_the_report_is_a_folder(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {
        "clips", "run.json", "frames.csv", "metrics.json", "report.md", "confusion.png", "recalls.png"
    }  # fmt: skip
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["n"] == 3
    assert metrics["modalities"]["VS"]["n"] == 2
    assert metrics["modalities"]["A"]["n"] == 3
    assert metrics["about"]["level"] == "video"
    report = (folder / "report.md").read_text()
    for word in ("all together", "dynamic", "mean_of_four", "Recalls", '"rule": "open"'):
        assert word in report


def test_a_stopped_run_goes_on_without_repeating(corpus: Corpus, analyzer: Analyzer, tmp_path: Path) -> None:
    begun: list[str | AvcerError] = []

    def stop_at_the_second(line: str | AvcerError) -> None:
        begun.append(line)
        if len(begun) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(corpus, analyzer, tmp_path, stop_at_the_second)
    [first] = (tmp_path / "clips").iterdir()
    before = first.stat().st_mtime_ns
    run(corpus, analyzer, tmp_path, begun.append)
    assert [str(line).split()[1] for line in begun[2:]] == [sample.name for sample in corpus.samples[1:]]
    assert first.stat().st_mtime_ns == before


def test_another_run_in_the_same_folder_is_refused(corpus: Corpus, folder: Path) -> None:
    with pytest.raises(UsageError, match="version, models or options"):
        run(corpus, Analyzer(setting="exact"), folder)


def test_a_broken_clip_is_left_out(corpus: Corpus, analyzer: Analyzer, folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"")
    shutil.copytree(folder, tmp_path / "run")
    lines: list[str | AvcerError] = []
    more = Corpus(corpus.name, (*corpus.samples, Sample("broken", broken, label="Fear")))
    assert len(set(run(more, analyzer, tmp_path / "run", lines.append).videos)) == 3
    assert next(str(line) for line in lines if isinstance(line, InputError)).startswith(str(broken))
    assert score_corpus(more, analyzer, tmp_path / "run", report=lines.append)["left_out"] == ["broken"]
    with pytest.raises(InputError, match="no clip"):
        run(Corpus("x", more.samples[-1:]), analyzer, tmp_path / "other", lines.append)


def test_a_fault_of_our_own_costs_one_clip(
    corpus: Corpus, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = corpus.samples[0].path.parent, tmp_path / "run"
    shutil.copytree(folder, out)
    next((out / "clips").glob("b-*.csv")).unlink()

    def faulty(*_: object) -> None:
        raise ZeroDivisionError("no\nway")

    monkeypatch.setattr(Analyzer, "analyze", faulty)
    command = ["evaluate", "table", str(root / "table.csv"), "--out", str(out), "--setting", "fast", "--json"]
    assert cli.main(command) == 1
    printed = capsys.readouterr()
    begun, left_out = printed.err.splitlines()
    assert begun == "2/3 b"
    assert left_out.startswith(f"left out: {root / 'b.mp4'}: unforeseen ZeroDivisionError (no way)")
    assert json.loads(printed.out)["left_out"] == ["b"]
    assert json.loads((out / "metrics.json").read_text())["n"] == 2
    cli.main([*command, "--debug"])
    assert "Traceback" in capsys.readouterr().err
    alone, sheet = Corpus("x", corpus.samples[1:2]), tmp_path / "sample.txt"
    sheet.write_text("image_location\nb/00001.jpg,\n")
    with pytest.raises(UnforeseenError, match="unforeseen ZeroDivisionError"):
        answer_corpus(alone, Analyzer(setting="fast"), sheet, tmp_path / "other")


def test_a_corrected_label_counts(corpus: Corpus, analyzer: Analyzer, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "run")
    sample = replace(corpus.samples[2], label="Sadness")
    table = run(Corpus(corpus.name, (sample,)), analyzer, tmp_path / "run")
    assert set(table.words.tolist()) == {"Sadness"}


def test_only_the_labelled_part_of_a_recording_is_heard(analyzer: Analyzer, tmp_path: Path) -> None:
    path, alone = tmp_path / "long.wav", tmp_path / "alone.wav"
    word = np.tile(utterance("angry", 0), 4)[:48_000]
    soundfile.write(path, np.concatenate([np.zeros(32_000, np.float32), word, utterance("calm", 1)]), 16000, "FLOAT")
    soundfile.write(alone, word, 16000, "FLOAT")
    part = answers(Sample("x", path, label="Anger", start_s=2.0, end_s=5.0), analyzer)
    whole = answers(Sample("x", alone, label="Anger"), analyzer)
    assert len(part) == len(whole) == 1
    np.testing.assert_allclose(part.values, whole.values, atol=1e-6)


def test_a_part_of_a_recording_that_starts_late_is_in_seconds_of_a_player(analyzer: Analyzer, tmp_path: Path) -> None:
    words = np.concatenate([np.zeros(32_000, np.float32), np.tile(utterance("angry", 0), 4)[:48_000], np.zeros(9_000)])
    plain, late = (
        recordings.write(tmp_path / f"{name}.m4a", recordings.AudioTrack(words[np.newaxis], "aac", start_s=start_s))
        for name, start_s in (("plain", 0.0), ("late", 7.0))
    )
    expected, found = (
        answers(Sample("x", one, label="Anger", start_s=2.0, end_s=5.0), analyzer) for one in (plain, late)
    )
    assert len(expected) == len(found) == 1
    np.testing.assert_allclose(found.values, expected.values, atol=0.02)


def test_a_part_of_a_clip_that_starts_late_is_in_seconds_of_a_player(
    clip: Path, analyzer: Analyzer, tmp_path: Path
) -> None:
    late = recordings.remuxed_later(clip, tmp_path / "late.mkv", 5.0)
    assert analyzer.analyze(late).clip.start_s == pytest.approx(5, abs=0.03)
    expected, found = (
        answers(Sample("x", one, label="Fear", start_s=0.0, end_s=1.0), analyzer) for one in (clip, late)
    )
    assert len(found) == len(expected) == 25
    np.testing.assert_array_equal(found.valid, expected.valid)
    np.testing.assert_allclose(found.values[:, 0], expected.values[:, 0], atol=0.05)


def test_the_second_answer_of_the_voice_has_the_rows_of_the_first(
    clip: Path, analyzer: Analyzer, tmp_path: Path
) -> None:
    """Of a clip on the frames that have a label, of a sound by windows, of a picture nowhere."""
    labels = (None, *["Anger"] * 9, "Neutral")
    told, place = ask(Sample("x", clip, frames=labels), analyzer), MODALITIES.index(AUDIO)
    plain, relative = told.table(), told.relative_table()
    np.testing.assert_array_equal(relative.values[:, :place], plain.values[:, :place])
    heard = analyzer.listen(clip).as_relative().on_frames(analyzer.analyze(clip).times_s)
    np.testing.assert_allclose(relative.values[:, place], heard.values[1:11])
    assert plain.valid[:, place].all()
    assert not np.allclose(relative.values[:, place], plain.values[:, place])
    np.testing.assert_array_equal(relative.valid, plain.valid)
    path = tmp_path / "x.wav"
    soundfile.write(path, utterance("angry", 0), 16000, "FLOAT")
    sound = ask(Sample("x", path, label="Anger"), analyzer)
    expected = softmax(analyzer.listen(path).relative[:1].astype(np.float64))
    np.testing.assert_allclose(sound.relative_table().values[0, place], expected[0])
    cv2.imwrite(str(tmp_path / "x.png"), photograph()[0:180, 160:300])
    picture = ask(Sample("x", tmp_path / "x.png", label="Happiness"), analyzer)
    np.testing.assert_array_equal(picture.relative_table().values, picture.table().values)


def test_frames_have_their_own_labels(clip: Path, analyzer: Analyzer) -> None:
    labels = (None, *["Anger"] * 9, "Neutral")
    table = answers(Sample("x", clip, frames=labels), analyzer)
    assert table.words.tolist() == ["Anger"] * 9 + ["Neutral"]
    part = answers(Sample("x", clip, label="Fear", start_s=1.0, end_s=2.0), analyzer)
    assert len(part) == 25


def test_the_person_on_one_side_is_meant(clip: Path, analyzer: Analyzer) -> None:
    analysis = analyzer.analyze(clip)
    left, right = (said(analysis, side)[1][:, 0].any() for side in ("left", "right"))
    assert left != right


def test_a_crop_is_looked_at_as_it_is(analyzer: Analyzer, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "x.png"), photograph()[0:180, 160:300])
    table = answers(Sample("x", tmp_path / "x.png", label="Happiness"), analyzer)
    assert table.valid.tolist() == [[True, False, False]]
    assert BASIC[table.values[0, 0].argmax()] in ("Neutral", "Sadness")


def test_a_submission_answers_every_place(clip: Path, analyzer: Analyzer, tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    root.mkdir()
    shutil.copy(clip, root / "a.mp4")
    sheet = root / "sample.txt"
    sheet.write_text("image_location\n" + "".join(f"a/{n:05d}.jpg,\n" for n in (3, 1, 900)))
    corpus = read_corpus("c-expr-db", root)
    path = answer_corpus(corpus, analyzer, sheet, tmp_path / "out")
    lines = path.read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["a/00003.jpg", "a/00001.jpg", "a/00900.jpg"]
    assert all(0 <= int(line.split(",")[1]) <= 6 for line in lines[1:])


@pytest.mark.parametrize("option", [("--part", "test"), ("--level", "frame")])
def test_a_submission_knows_no_parts_and_levels(
    option: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", "c-expr-db", str(tmp_path), "--out", str(tmp_path / "out"), *option]) == 2
    assert "leave --part and --level out" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def made_up_answers(sample: Sample, _: Analyzer) -> FrameTable:
    """A row in which face and voice disagree as chance has it."""
    values = np.random.default_rng(int(re.sub(r"\D", "", sample.name))).dirichlet(np.full(7, 0.3), (1, 3))
    known = np.ones((1, 3), bool)
    return FrameTable(values, known, np.array([sample.label]), np.array([sample.name]), np.full((1, 3), np.nan))


class TestStretchesOfOneClip:
    """They are no independent videos."""

    @pytest.fixture
    def stretches(self, tmp_path: Path) -> Path:
        for clip in ("1.mp4", "2.mp4"):
            (tmp_path / clip).touch()
        rows = [f"{1 + n // 20}.mp4,{BASIC[n % 7]},{n},{n + 1}" for n in range(40)]
        (tmp_path / "labels.csv").write_text("\n".join(["path,label,start,end", *rows]) + "\n")
        return tmp_path / "labels.csv"

    def test_are_drawn_together(
        self, stretches: Path, analyzer: Analyzer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(corpus_run, "answers", made_up_answers)
        out, old = tmp_path / "out", tmp_path / "old"
        scores = score_corpus(read_corpus("table", stretches), analyzer, out)
        assert (scores["n"], scores["groups"]) == (40, 2)
        assert "draws over 2 recordings" in (out / "report.md").read_text()
        other = Analyzer(setting="fast", fusion="mean")
        score_corpus(read_corpus("table", stretches), other, old)
        found = compare_runs([out, old])[1]
        lines = [line.split(",") for line in (old / "frames.csv").read_text().splitlines()]
        place = lines[0].index("recording")
        (old / "frames.csv").write_text("".join(",".join(row[:place] + row[place + 1 :]) + "\n" for row in lines))
        assert compare_runs([out, old])[1] == found  # a run of before beside one of today

    def test_of_a_single_clip_have_no_interval(
        self,
        stretches: Path,
        analyzer: Analyzer,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(corpus_run, "answers", made_up_answers)
        stretches.write_text("\n".join(stretches.read_text().splitlines()[:8]) + "\n")
        folders = [tmp_path / "own", tmp_path / "mean"]
        for one, out in zip((analyzer, Analyzer(setting="fast", fusion="mean")), folders, strict=True):
            scores = score_corpus(read_corpus("table", stretches), one, out)
            assert (scores["n"], scores["groups"]) == (7, 1)
            assert json.loads((out / "metrics.json").read_text())["intervals"]["uar"] == [None, None]
            assert "everything is of one recording" in (out / "report.md").read_text()
        [_, found] = compare_runs(folders)
        assert np.isnan([found.p, *found.interval]).all()
        assert cli.main(["compare", *map(str, folders)]) == 0
        assert capsys.readouterr().out.count("unknown, of one recording") == 2


class TestCompare:
    def test_a_run_is_as_good_as_itself(self, folder: Path) -> None:
        first, again = compare_runs([folder, folder])
        assert first.macro_f1 == again.macro_f1
        assert again.difference == 0
        assert again.p == 1

    def test_another_fusion_of_the_same_answers(self, folder: Path, corpus: Corpus, tmp_path: Path) -> None:
        other = tmp_path / "mean"
        shutil.copytree(folder, other)
        score_corpus(corpus, Analyzer(setting="fast", fusion="mean"), other)
        assert json.loads((other / "metrics.json").read_text())["about"]["fusion"]["name"] == "mean"
        assert [one.name for one in compare_runs([folder, other])] == [folder.name, "mean"]

    @pytest.mark.parametrize("before", [False, True])
    def test_each_run_scores_what_its_report_says(
        self, analyzer: Analyzer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
    ) -> None:
        monkeypatch.setattr(corpus_run, "answers", made_up_answers)
        made = Corpus("made", tuple(Sample(f"{n}", tmp_path / "x.mp4", label=BASIC[n % 7]) for n in range(60)))
        folders = [tmp_path / name for name in ("own", "mean", "mini", "sum")]
        others = [Analyzer(setting="fast", fusion=name) for name in ("mean", "mini")]
        for one, out in zip([analyzer, *others, Analyzer(setting="fast", rule="sum")], folders, strict=True):
            score_corpus(made, one, out)
        told = [json.loads((out / "metrics.json").read_text()) for out in folders]
        if before:  # runs of before do not state how face and voice were weighed
            for out, one in zip(folders, told, strict=True):
                del one["about"]["weighing"]
                (out / "metrics.json").write_text(json.dumps(one))
        found = [(one.uar, one.macro_f1) for one in compare_runs(folders)]
        assert found == [pytest.approx((one["uar"], one["macro_f1"])) for one in told]
        assert len({uar for uar, _ in found[:3]}) == 3

    def test_a_run_with_numbers_of_its_own_is_read_with_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(corpus_run, "answers", made_up_answers)
        shipped = read_open()
        assert shipped.weighing is not None
        weighing = replace(shipped.weighing, speaking=Speaking(0.05, 0.05, 0.05, 0.85))
        document = {"format": FILE_FORMAT} | replace(shipped, weighing=weighing).as_dict()
        (tmp_path / "own.json").write_text(json.dumps(document))
        made = Corpus("made", tuple(Sample(f"{n}", tmp_path / "x.mp4", label=BASIC[n % 7]) for n in range(60)))
        score_corpus(made, Analyzer(setting="fast", decision=tmp_path / "own.json"), tmp_path / "run")
        told = json.loads((tmp_path / "run" / "metrics.json").read_text())
        [found] = compare_runs([tmp_path / "run"])
        assert (found.uar, found.macro_f1) == pytest.approx((told["uar"], told["macro_f1"]))

    def test_what_is_no_run_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="holds no run"):
            compare_runs([tmp_path])

    def test_runs_on_other_clips_are_refused(self, folder: Path, tmp_path: Path) -> None:
        other = tmp_path / "less"
        shutil.copytree(folder, other)
        lines = (other / "frames.csv").read_text().splitlines()
        (other / "frames.csv").write_text("\n".join(lines[:-1]) + "\n")
        with pytest.raises(InputError, match="same rows"):
            compare_runs([folder, other])


def test_the_commands(corpus: Corpus, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, out = str(corpus.samples[0].path.parent / "table.csv"), tmp_path / "run"
    shutil.copytree(folder, out)
    arguments = ["evaluate", "table", table, "--out", str(out), "--setting", "fast", "--part", "validation", "--json"]
    assert cli.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 2
    assert cli.main(["compare", str(folder), str(folder)]) == 0
    assert "macro F1" in capsys.readouterr().out
    assert cli.main(["evaluate", "frames", str(folder / "frames.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 3
    assert cli.main(["evaluate", "table", table]) == 2
    assert cli.main(["evaluate", "frames", table, "--out", str(out)]) == 2


def test_a_table_of_frames_is_scored_by_frame_or_video(folder: Path) -> None:
    assert len(read_frames([folder / "frames.csv"])) == 3

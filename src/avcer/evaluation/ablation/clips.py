"""Ablations on clips without labels: every variation against the reference analysis, frame by frame."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from avcer.decision.policy import Policy
from avcer.decision.segments import find_segments, frame_ends
from avcer.decision.smoothing import Smoothing
from avcer.errors import InputError, UnforeseenError, one_of_many
from avcer.evaluation.ablation.variations import GROUPS, Ablation, Row, about, variations, way_to_run
from avcer.evaluation.corpus_run import Report, said
from avcer.evaluation.statistics import intervals
from avcer.evaluation.statistics.agreement import Agreement, of_decisions, together
from avcer.modalities import NAMES
from avcer.options import Options
from avcer.pipeline import Analyzer
from avcer.types import Boolean, Clip, Double, EmotionProbabilities, ExpressionTimeline


@dataclass(frozen=True)
class Story:
    """What the models say of whoever leads in a clip of T frames: ``values (T, M, 7)``, where ``valid (T, M)``; the
    seconds of work that it took; and the ``activity (T, M)``, None where it is not known.
    """

    clip: Clip
    times_s: Double
    values: Double
    valid: Boolean
    seconds: float
    activity: Double | None = None


@dataclass(frozen=True)
class Decision:
    """A story decided: the undivided fused sums ``(T, 7)``, the classes, and how many segments they make."""

    fused: EmotionProbabilities
    expression: ExpressionTimeline
    segments: int


def decide_story(
    story: Story, policy: Policy, kept: Sequence[str] = NAMES, smoothing: Smoothing | None = None
) -> Decision:
    """Fuses and decides a story from the models ``kept`` alone, and makes the labels steady as an analysis does."""
    present = story.valid & np.isin(NAMES, kept)
    found = policy.decide(policy.named(story.values, present, story.times_s, story.activity))
    expression = found.expression if smoothing is None else smoothing.whole()(found.expression)
    frames = np.arange(len(story.times_s))
    segments = find_segments(expression, frames, frame_ends(story.times_s, story.clip), None)
    return Decision(found.fused, expression, len(segments))


def ablate_clips(paths: Sequence[Path], options: Options, groups: Sequence[str], report: Report = print) -> Ablation:
    """Tries the variations of ``groups``. Clips that cannot be analysed are reported and left out.

    Numbers of a row: ``same``, the share of frames with the same AV class; ``difference``, the mean absolute difference
    of the fused probabilities; ``none``, of the decided frames; ``segments_a_minute``; ``real_time_factor``, where the
    models ran anew. The interval of ``same`` is over clips, and missing where there is one.

    Raises:
        InputError: no clip could be analysed.
    """
    analyzer, left_out = Analyzer(options), set[str]()
    own = way_to_run(options)
    told = {own: dict(_stories(analyzer, list(dict.fromkeys(paths)), left_out, report))}
    if not told[own]:
        raise InputError(f"{paths[0]}: nothing could be analysed; give clips with pictures")
    policy = analyzer.policy
    reference = {path: decide_story(story, policy, smoothing=options.smoothing()) for path, story in told[own].items()}
    rows = []
    for word, variation in variations(options, groups):
        changed, is_reference = variation.applied(options), variation.is_reference(options)
        way = way_to_run(changed)
        if way not in told:
            report(f"{GROUPS[word].title}: {variation.name}")
            told[way] = dict(_stories(Analyzer(changed), list(reference), left_out, report))
        other = replace(policy, rule=changed.decision_rule, vocabulary=changed.vocabulary())
        steady = changed.smoothing()
        decided = {path: decide_story(story, other, variation.kept, steady) for path, story in told[way].items()}
        parts = _agreements(reference, decided)
        numbers = _numbers(parts, decided.values(), told[way].values())
        if way == own and not is_reference:
            numbers["real_time_factor"] = None
        rows.append(Row(word, variation.name, is_reference, numbers, {} if is_reference else _over_clips(parts)))
    made = about(analyzer, clips=[path.name for path in reference])
    return Ablation(
        "Ablations: each variation against the reference analysis", tuple(rows), tuple(sorted(left_out)), made
    )


def _stories(
    analyzer: Analyzer, paths: Sequence[Path], left_out: set[str], report: Report
) -> Iterator[tuple[Path, Story]]:
    for number, path in enumerate(paths, start=1):
        report(f"{number}/{len(paths)} {path.name}")
        try:
            with one_of_many(path):
                analysis = analyzer.analyze(path)
                seconds = analysis.provenance.timings["seconds"]
                values, valid, activity = said(analysis)
                story = Story(analysis.clip, analysis.times_s, values, valid, seconds, activity)
            yield path, story
        except (InputError, UnforeseenError) as error:
            left_out.add(path.name)
            report(error)


def _agreements(reference: Mapping[Path, Decision], decided: Mapping[Path, Decision]) -> list[Agreement]:
    """Clip by clip; none where the compounds are others, whose classes mean something else."""
    pairs = [(reference[path], one) for path, one in decided.items()]
    return [
        of_decisions(first.fused, first.expression, second.fused, second.expression)
        for first, second in pairs
        if first.expression.vocabulary == second.expression.vocabulary
    ]


def _numbers(parts: list[Agreement], decided: Collection[Decision], told: Collection[Story]) -> dict[str, float | None]:
    """The numbers of all clips together; None where there is nothing to count."""
    known = sum(int(one.expression.valid.sum()) for one in decided)
    silent = sum(int((one.expression.valid & (one.expression.classes < 0)).sum()) for one in decided)
    clip_s = sum(story.clip.duration_s for story in told)
    whole = together(parts)
    return {
        "same": whole.share if parts else None,
        "difference": whole.difference if parts else None,
        "none": silent / known if known else None,
        "segments_a_minute": 60 * sum(one.segments for one in decided) / clip_s if clip_s else None,
        "real_time_factor": sum(story.seconds for story in told) / clip_s if clip_s else None,
    }


def _over_clips(parts: Sequence[Agreement]) -> dict[str, tuple[float, float]]:
    """The 95 % interval of the share of frames, clips drawn again."""
    if len(parts) < 2:
        return {}
    sums = intervals.draw_groups(np.array([[part.same, part.frames] for part in parts]))
    return {"same": intervals.interval(sums[:, 0] / sums[:, 1])}

"""``avcer analyze`` and ``avcer demo``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from avcer.commands.shared import DONE, FAILED, OWN_MODEL, THREADS, Commands, add, complain, positive, words_of
from avcer.errors import AvcerError, one_of_many
from avcer.words import DEVICES, FAMILIES, RULES, SETTINGS, SOUND_FOR, VOCABULARIES

if TYPE_CHECKING:
    from avcer.batch.child import Worker
    from avcer.options import Options
    from avcer.pipeline import Analyzer


def add_analyze(commands: Commands) -> None:
    """The parser of ``avcer analyze``."""
    analyze = add(
        commands, "analyze", "analyse clips: tables, a picture and a document for each", _analyze, analyses=True
    )
    analyze.add_argument(
        "videos", nargs="+", type=Path, metavar="VIDEO", help="a recording; each gets a folder of results"
    )
    analyze.add_argument("--out", type=Path, required=True, metavar="DIR", help="results go to DIR/<name of the clip>/")
    add_choices(analyze)


def add_demo(commands: Commands) -> None:
    """The parser of ``avcer demo``."""
    demo = add(commands, "demo", "the whole job on a clip that avcer makes itself", _demo, analyses=True)
    demo.add_argument("--out", type=Path, default=Path("avcer-demo"), metavar="DIR", help="default: %(default)s")
    add_choices(demo)


_CHOICES: Final[dict[str, dict[str, Any]]] = {
    "--models": {"choices": FAMILIES, "help": "the family of models (default: mini)"},
    "--own-model": OWN_MODEL,
    "--rule": {
        "choices": RULES,
        "help": "how labels are decided (default: the family's own)",
    },
    "--least-segment": {
        "type": float,
        "metavar": "SECONDS",
        "help": "how long a label must last (default: 0.25)",
    },
    "--label-sets": {"action": "store_true", "help": "also write the 90 %% set of labels of each frame"},
    "--raw-labels": {"action": "store_true", "help": "also write the label that each frame has by itself"},
    "--baseline": {
        "metavar": "none|first:N|START-END|own",
        "help": "when the face is neutral, to correct for its resting appearance (default: none)",
    },
    "--person": {
        "metavar": "FILE.json",
        "help": "what the models usually say of this person, from avcer person; it is subtracted (default: nobody)",
    },
    "--decision": {"metavar": "FILE.json", "help": "numbers of the rule open (default: the shipped ones)"},
    "--compounds": {
        "metavar": "|".join([*VOCABULARIES, "FILE.toml"]),
        "help": "the vocabulary of compounds (default: c-expr-db)",
    },
    "--setting": {"choices": SETTINGS, "help": "precision or speed (default: balanced)"},
    "--fusion": {"metavar": "published|mean|mini|FILE", "help": "fusion weights (default: the family's own)"},
    "--device": {"choices": DEVICES, "help": "where the models run (default: auto)"},
    "--longest-side": {
        "type": int,
        "metavar": "PIXELS",
        "help": "scale frames down to this longest side for the detector; 0: no scaling (default: the setting's)",
    },
    "--min-face": {"type": float, "metavar": "PIXELS", "help": "leave out faces smaller than this (default: 24)"},
    "--sound-for": {"choices": SOUND_FOR, "help": "the faces that the sound counts for (default: primary)"},
    "--detect-every": {
        "type": int,
        "metavar": "N",
        "help": "run the detector on every N-th frame (default: the setting's)",
    },
    "--steady-within": {
        "type": float,
        "metavar": "P",
        "help": "classify more often where a probability changes by more (default: the setting's)",
    },
    "--fps": {"type": float, "metavar": "RATE", "help": "analyse this many frames a second, and fill in the others"},
    "--audio-window": {
        "type": float,
        "dest": "audio_window_s",
        "metavar": "SECONDS",
        "help": "how much sound the model hears at once (default: 4)",
    },
    "--audio-step": {
        "type": float,
        "dest": "audio_step_s",
        "metavar": "SECONDS",
        "help": "from one window of sound to the next (default: the setting's)",
    },
    "--threads": THREADS,
    "--start": {"type": float, "metavar": "SECONDS", "help": "leave out what comes before, as a player counts"},
    "--end": {"type": float, "metavar": "SECONDS", "help": "leave out what comes from here on"},
    "--audio-track": {
        "type": positive,
        "metavar": "N",
        "help": "the audio track, counted from 1 (default: the usual choice)",
    },
    "--video-track": {
        "type": positive,
        "metavar": "N",
        "help": "the video track, counted from 1 (default: the usual choice)",
    },
    "--times": {"choices": ("file", "start"), "help": "what times count from (default: each format's own)"},
    "--fill-gaps": {"action": "store_true", "help": "keep the last probabilities of a face through gaps"},
}
"""Options of an analysis; those left out keep the defaults of ``avcer.options.Options``."""


def add_choices(command: argparse.ArgumentParser) -> None:
    """The options of an analysis, the formats, and ``--quiet``."""
    for flag, settings in _CHOICES.items():
        command.add_argument(flag, default=argparse.SUPPRESS, **settings)
    command.add_argument("--formats", metavar="csv,json,png,...", help="what to write (default: csv,json,png,txt)")
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")


def options_of(chosen: argparse.Namespace) -> Options:
    """The options that were given; the others keep their defaults."""
    from avcer.options import Options

    names = [settings.get("dest", flag.removeprefix("--").replace("-", "_")) for flag, settings in _CHOICES.items()]
    given = {name: getattr(chosen, name) for name in names if hasattr(chosen, name)}
    if "own_models" in given:
        given["own_models"] = tuple(given["own_models"])
    return Options(**given)


def _analyzer(chosen: argparse.Namespace) -> Analyzer:
    from avcer.pipeline import Analyzer

    return Analyzer(options_of(chosen))


def formats_of(chosen: argparse.Namespace) -> tuple[str, ...]:
    """The words of ``--formats``; the usual ones where it was not given."""
    from avcer.output.writers import DEFAULT_FORMATS, check_formats

    if chosen.formats is None:
        return DEFAULT_FORMATS
    words = words_of(chosen.formats)
    check_formats(words)
    return words


def _analyze(chosen: argparse.Namespace) -> int:
    from avcer.files import check_writable

    with _way_to_analyze(chosen) as analyze:
        check_writable(chosen.out)
        status = DONE
        for video, folder in zip(chosen.videos, _folders(chosen.videos, chosen.out), strict=True):
            try:
                with one_of_many(video):
                    check_writable(folder)
                    analyze(video, folder)
            except AvcerError as error:
                complain(error, chosen.debug)
                status = FAILED
        return status


@contextmanager
def _way_to_analyze(chosen: argparse.Namespace) -> Iterator[Callable[[Path, Path], None]]:
    """One clip is analysed here, several in a worker of the batch: a file that crashes the decoder costs itself alone.

    Options that cannot be used are an error at once, before any clip.
    """
    formats = formats_of(chosen)
    if len(chosen.videos) == 1:
        analyzer = _analyzer(chosen)
        yield lambda video, folder: _analyze_one(analyzer, video, folder, formats, chosen.quiet)
        return
    from avcer.batch.child import Setup, Worker

    with Worker(Setup(options_of(chosen).to_dict(), formats)) as worker:
        worker.start(Event())
        yield lambda video, folder: _analyze_in(worker, video, folder, chosen.quiet)


def _analyze_in(worker: Worker, video: Path, folder: Path, quiet: bool) -> None:
    from avcer.batch.each import analyze_in
    from avcer.console import progress_shown

    with progress_shown(video.name, quiet) as progress:
        outcome = analyze_in(worker, video, folder, progress)
    if not quiet:
        _summarise(video, outcome.facts, folder, len(outcome.files))


def _analyze_one(analyzer: Analyzer, video: Path, folder: Path, formats: Sequence[str], quiet: bool) -> None:
    from avcer.batch.facts import facts
    from avcer.console import progress_shown

    with progress_shown(video.name, quiet) as progress:
        analysis = analyzer.analyze(video, progress)
    files = analysis.save(folder, formats)
    if not quiet:
        _summarise(video, facts(analysis), folder, len(files))


def _summarise(video: Path, found: Mapping[str, Any], folder: Path, files: int) -> None:
    from avcer.console import print_summary

    print_summary(video.name, found, folder, files)
    if folder.name != _name(video):
        print(f"  note: {folder.with_name(_name(video))} is another clip's, or the clip itself")


def _name(video: Path) -> str:
    """What the folder of a clip is called. The stem of "...mp4" is "..", which would lead out of ``--out``."""
    return video.stem if video.stem.strip(".") else video.name


def _folders(videos: Sequence[Path], out: Path) -> list[Path]:
    """A folder for each clip, named after it. Where clips of one name meet, in this call or with an earlier one, the
    later ones are numbered, so that none overwrites another. A clip that was analysed before keeps its folder.
    """
    from avcer.output.record import Source, holds_others

    clips = {video.absolute().resolve() for video in videos}
    taken: set[str] = set()
    folders = []
    for video in videos:
        wanted, source = _name(video), Source.of(video)
        names = (wanted if number == 1 else f"{wanted}-{number}" for number in count(1))
        name = next(
            name
            for name in names
            # Some file systems do not tell A from a.
            if name.casefold() not in taken
            and (out / name).absolute().resolve() not in clips  # a clip without a suffix, its results beside it
            and not holds_others(out / name, source)
        )
        taken.add(name.casefold())
        folders.append(out / name)
    return folders


def _demo(chosen: argparse.Namespace) -> int:
    from avcer.demo import make_clip

    formats = formats_of(chosen)
    analyzer = _analyzer(chosen)
    clip = make_clip(chosen.out / "portrait.mp4")
    _analyze_one(analyzer, clip, chosen.out / clip.stem, formats, chosen.quiet)
    if "png" in formats and not chosen.quiet:
        print(f"Look at {chosen.out / clip.stem / 'timeline.png'}")
    return DONE

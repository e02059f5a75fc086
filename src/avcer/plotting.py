"""The one door to Matplotlib, which is imported here so that it leaves the user's home and machine alone.

On its first import Matplotlib makes folders in the home, keeps a list of fonts there, and runs ``fc-list`` (on a Mac,
``system_profiler``) to find fonts. Here the list of fonts is kept in ``AVCER_HOME``, and only the usual folders of
fonts are read. A ``matplotlibrc`` of the user's counts as ever. Where the program that uses avcer has imported
Matplotlib already, or ``MPLCONFIGDIR`` is set, nothing is changed.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from avcer.home import home, writable

FONT_TOOLS: Final = ("fc-list", "system_profiler")


@contextmanager
def _at_home() -> Iterator[None]:
    """While Matplotlib is imported, its folder is ours. It keeps the folder's name for the life of the process."""
    if "matplotlib" in sys.modules or os.environ.get("MPLCONFIGDIR"):
        yield
        return
    settings = {"MPLCONFIGDIR": str(_writable_folder())}
    if "MATPLOTLIBRC" not in os.environ and (own := _own_settings()):
        settings["MATPLOTLIBRC"] = str(own)
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    subprocess.check_output = _without_font_tools  # type: ignore[assignment]
    try:
        yield
    finally:
        subprocess.check_output = _check_output
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _writable_folder() -> Path:
    """A folder in ``AVCER_HOME``; where that cannot be written, a temporary one that goes when the process ends."""
    if writable():
        return home() / "matplotlib"
    folder = Path(tempfile.mkdtemp(prefix="avcer-matplotlib-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _own_settings() -> Path | None:
    """The user's ``matplotlibrc``, where Matplotlib would look for it."""
    folders = [Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config") / "matplotlib", Path("~/.matplotlib")]
    files = [Path(os.path.expanduser(folder)) / "matplotlibrc" for folder in folders]  # noqa: PTH111 - never raises
    return next((file for file in files if file.is_file()), None)


_check_output: Final = subprocess.check_output


def _without_font_tools(words: Any, *more: Any, **named: Any) -> Any:
    """``subprocess.check_output`` for all but the tools that list fonts, which count as not installed."""
    if not isinstance(words, str) and words[0] in FONT_TOOLS:
        raise FileNotFoundError(words[0])
    return _check_output(words, *more, **named)


with _at_home():
    from matplotlib.axes import Axes as Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvasAgg
    from matplotlib.backends.backend_agg import RendererAgg as RendererAgg
    from matplotlib.cbook import get_sample_data as get_sample_data
    from matplotlib.collections import PolyCollection as PolyCollection
    from matplotlib.figure import Figure as Figure
    from matplotlib.font_manager import FontProperties as FontProperties
    from matplotlib.font_manager import findfont as findfont
    from matplotlib.font_manager import fontManager as fontManager
    from matplotlib.font_manager import get_font as get_font
    from matplotlib.lines import Line2D as Line2D
    from matplotlib.patches import Rectangle as Rectangle

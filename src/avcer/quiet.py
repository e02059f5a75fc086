"""What libraries would do besides their work is switched off: usage data, downloads, files in the user's home.

``import avcer`` calls ``quieten``, so it happens before any module of this package imports another library, in every
process that uses the package. See docs/privacy.md for what was found in each library.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final, TextIO, cast

from avcer.home import home, writable

TELEMETRY: Final = "openvino_telemetry"
"""OpenVINO and NNCF send usage data through this package. Without it, both fall back on stand-ins that do nothing."""
SWITCHES: Final = {"HF_HUB_DISABLE_TELEMETRY": "1", "RAY_USAGE_STATS_ENABLED": "0"}
"""Variables that switch off the usage data of huggingface_hub (which transformers imports) and of Ray."""


def quieten() -> None:
    """Switches off usage data in this process and in those that it starts. What the user has set stays."""
    # An import of a name that stands for None fails with ImportError: the package counts as not installed.
    cast(dict[str, Any], sys.modules)[TELEMETRY] = None
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)


def own_stdout() -> TextIO:
    """Standard output for the answers alone: what a library prints goes to standard error from now on."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="surrogateescape")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return answers


def own_process() -> None:
    """Forbids downloads by libraries, and keeps their caches in ``AVCER_HOME``: for avcer's own commands.

    A program that embeds avcer may want to download models of its own, so importing the package does not do this.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if writable():
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(home() / "torchinductor"))

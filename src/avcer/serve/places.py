"""How many live analyses run at once, and the models that they share."""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from avcer.pipeline import Analyzer

MOST_AT_ONCE: Final = 2


class Places:
    """The places, and the models of the options that were asked for last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = 0
        self._analyzers: dict[str, Analyzer] = {}

    def take(self) -> bool:
        """A place, if there is one."""
        with self._lock:
            free = self._taken < MOST_AT_ONCE
            self._taken += free
        return free

    def full(self) -> str:
        """The line for a client for whom there is none."""
        return f"{MOST_AT_ONCE} live analyses run already; try again later"

    def leave(self) -> None:
        """Gives a place back."""
        with self._lock:
            self._taken -= 1

    def analyzer(self, options: dict[str, Any]) -> Analyzer:
        """The analyzer of these options; that of the last ones is kept."""
        from avcer.options import Options
        from avcer.pipeline import Analyzer

        key = json.dumps(options, sort_keys=True)
        with self._lock:
            if key not in self._analyzers:
                self._analyzers = {key: Analyzer(Options.from_dict(options))}
            return self._analyzers[key]

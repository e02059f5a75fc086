"""``python -m avcer`` is the command ``avcer``."""

from __future__ import annotations

import sys

from avcer.cli import main

if __name__ == "__main__":
    sys.exit(main())

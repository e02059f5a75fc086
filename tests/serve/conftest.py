"""What the tests of the service in a real browser share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's browser, one for all tests of a module; whoever asks for it has skipped where there is none."""
    import browsing  # needs the extras serve and dev

    with browsing.browser() as found:
        yield found

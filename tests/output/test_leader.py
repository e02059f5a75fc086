"""The leading story: the primary face, after a cut whoever is there, and sound where nobody is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from avcer.analysis import Analysis


@pytest.mark.parametrize("name", ["AV", "VS", "VD"])
def test_the_curve_follows_the_lead(scene: Callable[..., Analysis], name: str) -> None:
    analysis = scene(faces=((0, 59, ()), (40, 89, ())))
    first, second, _ = analysis.faces
    curve = analysis.leader(name)
    expected = [face.compound if name == "AV" else face.curves[name] for face in (first, second)]
    np.testing.assert_array_equal(curve.classes[:60], expected[0].classes)
    np.testing.assert_array_equal(curve.classes[60:90], expected[1].classes[20:])
    assert curve.valid[90:].all() == (name == "AV")  # sound alone

"""Int8 models of installed ones, made on the user's own clips."""

from __future__ import annotations

from avcer.quantization.run import LIMITS, ROLES, Outcome, quantize

__all__ = ["LIMITS", "ROLES", "Outcome", "quantize"]

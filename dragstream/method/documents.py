"""Deserialisation of methods: `method_from_json`, the inverse of every method's `to_json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dragstream.drags.checks import check_choice
from dragstream.method.base import DragMethod
from dragstream.method.baselines import SGI2V, CutAndPaste, DragVideo, TimeToMove
from dragstream.method.settings import DragSettings
from dragstream.method.settings_fields import read_fields

_BASELINES = {kind.__name__: kind for kind in (SGI2V, DragVideo, CutAndPaste, TimeToMove)}


def method_from_json(data: object, parts: Sequence[Any] = ()) -> DragMethod:
    """Read a method from its document: `DragSettings`, unless its "method" names another."""
    if not isinstance(data, dict) or "method" not in data:
        return DragSettings.from_json(data, parts)
    name = check_choice(data["method"], _BASELINES, "method")
    kind = _BASELINES[name]
    fields = {key: value for key, value in data.items() if key != "method"}
    return kind(**read_fields(kind, fields, f"the constants of {name}"))

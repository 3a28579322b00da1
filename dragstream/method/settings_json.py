"""Serialisation of settings: `DragSettings.to_json` and `from_json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from dragstream.drags import serialization
from dragstream.drags.checks import short_repr
from dragstream.method.frequency import LowPass
from dragstream.method.loss import Loss
from dragstream.method.settings_checks import PARTS
from dragstream.models.base import PAPER_CUTOFFS

_OWN = ("rectification", "loss")
"""The fields that accept a custom part, besides the views."""

VERSION = 2
"""Version of the format. In version 1, which has no number, null switched a part off."""

_FORMER = {"constraint": ("spare_handles",)}
"""Removed fields that old archives may contain; handles never overlap the region to keep."""


def to_plain(settings: Any) -> dict[str, Any]:
    """Convert the fields of settings to plain values."""
    data = {item.name: getattr(settings, item.name) for item in dataclasses.fields(settings)}
    for name, value in data.items():
        if isinstance(value, Loss):
            data[name] = value.value
        elif name == "views":
            data[name] = value and [serialization.to_plain(view, name) for view in value]
        elif name == "loss" or (name in PARTS and not isinstance(value, PARTS[name][0])):
            data[name] = value if value is False else serialization.to_plain(value, name)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            data[name] = dataclasses.asdict(value)
        elif isinstance(value, tuple):
            data[name] = list(value)
    return {"version": VERSION, **data}


def from_plain(kind: type[Any], data: object, parts: Sequence[Any]) -> dict[str, Any]:
    """Read the fields of a settings class `kind` from the result of `to_plain`."""
    values = read_fields(kind, _current(data), "settings")
    for name in _OWN:
        if isinstance(values.get(name), dict) and "class" in values[name]:
            values[name] = serialization.from_plain(values[name], parts, name)
    if isinstance(values.get("views"), list):
        allowed = (LowPass, *parts)
        values["views"] = [
            serialization.from_plain(view, allowed, "views") for view in values["views"]
        ]
    for name, (part, _) in PARTS.items():
        if isinstance(values.get(name), dict):
            former = _FORMER.get(name, ())
            known = {key: value for key, value in values[name].items() if key not in former}
            values[name] = part(**read_fields(part, known, name))
    return values


def _current(data: object) -> object:
    """Convert plain values of any version to the current format, without the version."""
    if not isinstance(data, dict):
        return data
    values = {name: value for name, value in data.items() if name != "version"}
    version = data.get("version", 1)
    if version == VERSION:
        return values
    if version != 1 or isinstance(version, bool):
        raise ValueError(f"version of settings must be 1 or {VERSION}, got {short_repr(version)}")
    for name in (*PARTS, "cutoffs"):
        if name in values and values[name] is None:
            values[name] = False
    if values.get("cutoffs") == "suited":
        values["cutoffs"] = None
    former: dict[str, Any] = {"cutoffs": list(PAPER_CUTOFFS), "upsampling": 1}
    return former | {"prediction_weight": 0.0} | values


def read_fields(kind: type[Any], data: object, name: str) -> dict[str, Any]:
    """Read the fields of a dataclass `kind` from a document."""
    known = [item.name for item in dataclasses.fields(kind)]
    if not isinstance(data, dict):
        raise TypeError(f"{name} must be a dictionary of fields, got {short_repr(data)}")
    unknown = sorted(str(key) for key in data if key not in known)
    if unknown:
        raise ValueError(f"unknown fields {short_repr(unknown)} in {name}; known are {known}")
    return dict(data)

"""The fields of `DragSettings`: their checks, and their plain values for archives."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any, Literal

from dragstream.drags import reading
from dragstream.drags.checks import (
    at_least,
    check_at_most,
    check_bool,
    check_fraction,
    check_int,
    check_not_negative,
    check_positive,
    check_sequence,
    optional,
    short_repr,
)
from dragstream.method.focus import Focus
from dragstream.method.frequency import LowPass
from dragstream.method.loss import Constraint, Loss
from dragstream.method.parts import FrequencyView, RectificationMethod, check_part
from dragstream.method.rectification import Rectification
from dragstream.models.base import PAPER_CUTOFFS

Off = Literal[False]
"""Type of the value that switches a part of the method off: False."""


PARTS: dict[str, tuple[type[Any], str]] = {
    "rectification": (Rectification, "neighbours"),
    "focus": (Focus, "alpha"),
    "constraint": (Constraint, "weight"),
}
"""The fields that are dataclasses, each with the constant that a plain number sets."""


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Check the fields of settings and convert them to their canonical types."""
    for name in ("layers", "cutoffs", "views"):
        check_at_most(given[name], _MOST_ITEMS, name)
    found: dict[str, Any] = {name: _part(name, given[name]) for name in PARTS}
    for name, (check, most) in _NUMBERS.items():
        found[name] = check(check_at_most(given[name], most, name), name)
    found["layers"] = optional(_layers)(given["layers"], "layers")
    found["cutoffs"] = _cutoffs(given["cutoffs"])
    found["views"] = optional(_views)(given["views"], "views")
    found["loss"] = Loss.of(given["loss"])
    if found["warm_start"] and (found["segment_pixels"] or found["segment_degrees"]):
        raise ValueError(
            "warm_start moves objects all the way at once: it needs segment_pixels=None and "
            f"segment_degrees=None, got {found['segment_pixels']} and {found['segment_degrees']}"
        )
    return found


_Check = Callable[[Any, str], Any]
_NUMBERS: dict[str, tuple[_Check, float]] = {
    "iterations": (at_least(0), 10_000),
    "filter_order": (at_least(1), 100),
    "prediction_blocks": (at_least(0), 10_000),
    "weight_decay": (check_not_negative, 1e6),
    "epsilon": (check_positive, 1e6),
    "fresh_optimizer": (check_bool, 1),
    "nearest_masks": (check_bool, 1),
    "nearest_features": (check_bool, 1),
    "warm_start": (optional(check_bool), 1),
    "learning_rate": (optional(check_positive), 1e38),  # the range of float32
    "segment_pixels": (optional(check_positive), 1e6),
    "segment_degrees": (optional(check_positive), 1e6),
    "gradient_clip": (optional(check_positive), math.inf),
    "denoising_step": (optional(at_least(0)), 10_000),
    "upsampling": (optional(at_least(1)), 16),
    "window": (optional(at_least(1)), 1_000_000),
    "prediction_weight": (optional(check_not_negative), 1e6),
}
"""Checks and upper bounds of the fields that are numbers."""

_MOST_ITEMS = 1000
"""Longest list of layers, cutoffs or views."""


def _part(name: str, value: object) -> Any:
    """Convert a field to a part: from a part, from its main constant, or the default for None."""
    kind, constant = PARTS[name]
    if value is None:
        return kind()
    if value is False or isinstance(value, kind):
        return value
    if name == "rectification" and hasattr(value, "prepare"):
        rectification = check_part(value, RectificationMethod, name)
        check_int(rectification.neighbours, "rectification.neighbours", least=0)
        return rectification
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(
            f"{name} must be a {kind.__name__}, a number (its {constant}), None for the default or "
            f"False for off, got {short_repr(value)}"
        )
    return kind(**{constant: value})


def _layers(value: object, name: str) -> tuple[int, ...]:
    layers = tuple(check_int(each, name, least=0) for each in check_sequence(value, name, "layers"))
    if len(set(layers)) != len(layers):
        raise ValueError(f"layers must differ from one another, got {short_repr(layers)}")
    return layers


def _cutoffs(value: object) -> tuple[float, ...] | Off | None:
    if value is None or value is False:
        return value
    cutoffs = check_sequence(value, "cutoffs", "numbers in (0, 1]")
    return tuple(check_fraction(cutoff, "cutoffs") for cutoff in cutoffs)


def _views(value: object, name: str) -> tuple[FrequencyView, ...]:
    views = tuple(
        check_part(view, FrequencyView, f"{name}[{place}]")
        for place, view in enumerate(check_sequence(value, name, "FrequencyView objects"))
    )
    for place, view in enumerate(views):
        check_fraction(view.cutoff, f"views[{place}].cutoff")
        check_bool(view.is_identity, f"views[{place}].is_identity")
    return views


_CUSTOM = ("rectification", "loss")
"""The fields that accept a custom part, besides the views."""

VERSION = 3
"""Version of the format. In version 1, which has no number, null switched a part off; in version 2
a drag without `warm_start` began without one."""

_FORMER = {"constraint": ("spare_handles",)}
"""Removed fields that old archives may contain; handles never overlap the region to keep."""


def to_plain(settings: Any) -> dict[str, Any]:
    """Convert the fields of settings to plain values."""
    names = [item.name for item in dataclasses.fields(settings)]
    return {"version": VERSION} | {name: _plain(name, getattr(settings, name)) for name in names}


def _plain(name: str, value: Any) -> Any:
    if value is None or value is False:
        return value
    if isinstance(value, Loss):
        return value.value
    if name == "views":
        return [reading.to_plain(view, name) for view in value]
    if name in PARTS and isinstance(value, PARTS[name][0]):
        return dataclasses.asdict(value)
    if name in _CUSTOM:
        return reading.to_plain(value, name)
    return list(value) if isinstance(value, tuple) else value


def from_plain(kind: type[Any], data: object, parts: Sequence[Any]) -> dict[str, Any]:
    """Read the fields of a settings class `kind` from the result of `to_plain`."""
    values = read_fields(kind, _current(data), "settings")
    for name in _CUSTOM:
        if isinstance(values.get(name), dict) and "class" in values[name]:
            values[name] = reading.from_plain(values[name], parts, name)
    if isinstance(values.get("views"), list):
        allowed = (LowPass, *parts)
        values["views"] = [reading.from_plain(view, allowed, "views") for view in values["views"]]
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
    if isinstance(version, bool) or version not in range(1, VERSION + 1):
        raise ValueError(f"version of settings must be 1 to {VERSION}, got {short_repr(version)}")
    if version < VERSION:
        values = {"warm_start": False} | values
    if version > 1:
        return values
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

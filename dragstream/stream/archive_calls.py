"""`CallReader`: reads the recorded calls of an archive's blocks within one budget for the file."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from dragstream.drags.budget import Budget
from dragstream.drags.checks import check_int, check_keys, short_repr
from dragstream.drags.documents import DocumentReader
from dragstream.drags.motions import Drag, validate
from dragstream.drags.shapes import Shape
from dragstream.drags.work import painting_steps
from dragstream.method.documents import method_from_json
from dragstream.models.base import ModelSpec
from dragstream.stream.records import Call, Mode

CALL = ("mode", "part", "drags", "settings")
"""The fields of a call."""

LIMITS = {
    "calls": 2**14,
    "drags": 2**14,
    "regions": 2**16,
    "points": 2**20,
    "pixels": 2**28,
    "iterations": 2**16,
    "steps_of_painting": 2**26,
    "bytes_of_JSON": 2**27,
    "milliseconds_of_calls": 60_000,
}
"""Limits for all blocks of an archive together; equal documents and masks count once.

The time is that for calls alone: the latents and frames of a long stream may take longer.
"""


class CallReader:
    """Reads the calls of an archive; documents that are equal are read and checked once."""

    def __init__(self, spec: ModelSpec, parts: Sequence[Any], budget: Budget) -> None:
        self._spec = spec
        self._parts = parts
        self._budget = budget
        self._reader = DocumentReader(parts, budget)
        self._known: dict[str, tuple[tuple[Drag, ...], Shape | None]] = {}

    def read(self, record: Any, name: str, index: int) -> Call:
        """Read a call that made block `index`; `name` names the record in error messages."""
        self._budget.spend("calls", 1, name)
        begin = time.perf_counter()
        call = self._call(record, name, index)
        taken = round(1000 * (time.perf_counter() - begin))
        self._budget.spend("milliseconds_of_calls", taken, name)
        return call

    def _call(self, record: Any, name: str, index: int) -> Call:
        check_keys(record, CALL, "a call")
        mode = Mode(record["mode"])
        if (mode in {Mode.EDIT, Mode.ANIMATE}) != (record["drags"] is not None):
            raise ValueError(f"{name}: drags do not fit the mode {mode.value!r}")
        part = _part(record["part"])
        if record["drags"] is None:
            if record["settings"] is not None or part != (0, 1):
                raise ValueError(f"{name}: settings or a part without drags")
            return Call(mode)
        drags, keep = self._drags(record["drags"], name)
        if any(drag.source is not None and drag.source.block > index for drag in drags):
            raise ValueError(f"{name}: the memory of a drag is of a later block")
        settings = method_from_json(record["settings"], self._parts).resolve(self._spec)
        return Call(mode, drags, keep, settings, part)

    def _drags(self, document: Any, name: str) -> tuple[tuple[Drag, ...], Shape | None]:
        key = json.dumps(document)
        if key not in self._known:
            drags, keep = self._reader.read(document)
            height, width = self._spec.grid.height, self._spec.grid.width
            painted = [drag.region for drag in drags]
            painted += [drag.source.region for drag in drags if drag.source is not None]
            for region in [*painted, *([] if keep is None else [keep])]:
                steps = painting_steps(region, height, width)
                self._budget.spend("steps_of_painting", steps, name)
            validate(drags, keep, height, width)
            self._known[key] = tuple(drags), keep
        return self._known[key]

    def earlier(self, records: Any, call: Call, name: str, index: int) -> tuple[Call, ...]:
        """Read the calls before the last one: one that generated the block, then its edits."""
        calls = tuple(self.read(item, name, index) for item in listed(records))
        again = {Mode.EDIT} if self._spec.most_blocks is None else {Mode.EDIT, Mode.ANIMATE}
        if calls and not {item.mode for item in (*calls[1:], call)} <= again:
            raise ValueError(f"{name}: only edits come after the call that made a block")
        if (*calls, call)[0].mode is Mode.EDIT:
            raise ValueError(f"{name}: an edit comes after the call that made a block")
        return calls


def listed(value: object) -> list[Any]:
    """`value`, which must be a list."""
    if not isinstance(value, list):
        raise TypeError(f"must be a list, got {short_repr(value)}")
    return value


def text(value: object) -> str:
    """`value`, which must be a string: a prompt."""
    if not isinstance(value, str):
        raise TypeError(f"a prompt must be a string, got {short_repr(value)}")
    return value


def _part(data: Any) -> tuple[int, int]:
    numbers = [check_int(number, "part", least=0) for number in listed(data)[:3]]
    if len(numbers) != 2 or numbers[0] >= numbers[1]:
        raise ValueError(f"part must be an index and a larger count, got {short_repr(data)}")
    return numbers[0], numbers[1]

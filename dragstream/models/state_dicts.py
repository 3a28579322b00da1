"""Finds the state dicts of Wan transformers in a tree of weights: `find_states`, `choose_state`.

Files differ in where a state dict is (bare, or under a key such as `model` or `generator_ema`), in
the prefixes that training adds to names (`module.`, `_orig_mod.`), and in the naming itself: that
of the original Wan, or diffusers'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

State = dict[str, Tensor]

_WRAPPERS = re.compile(
    r"(?:^|(?<=\.))(?:_fsdp_wrapped_module|_checkpoint_wrapped_module|_orig_mod)\."
)
"""Name components that sharded, checkpointed and compiled training leaves anywhere in names."""

_ROOTS = (
    "patch_embedding",
    "blocks",
    "head",
    "time_embedding",
    "time_projection",
    "text_embedding",
    "condition_embedder",
    "proj_out",
    "scale_shift_table",
)
"""First name components of a Wan transformer's weights, in both namings."""

_ROOT = re.compile(rf"(?:^|(?<=\.))(?:{'|'.join(_ROOTS)})(?=\.|$)")

_LAYER = re.compile(r"blocks\.(\d+)\.(?:self_attn|attn1)\.")

_LOW_RANK = re.compile(r"[._]lora[._]|\.alpha$|\.dora_scale$|\.diff(?:_b)?$")
"""Entries of adapters."""

_AVERAGED = re.compile(r"(?:^|[._])ema(?:$|[._])")
"""A key that names exponentially averaged weights: `ema`, `generator_ema`, `model_ema`."""

_SCALES = (".scale_weight", ".weight_scale")
"""Endings of the scales of float8 weights; the stored weight times its scale is the weight."""

_UNUSED = ("scaled_fp8",)
_UNUSED_ENDINGS = (".scale_input", ".input_scale", "_extra_state")
"""Entries of quantised files that are no weights."""

_DEEPEST = 4
"""Most nested mappings above a state dict."""


@dataclass(frozen=True, eq=False)
class FoundState:
    """A transformer's state dict in a tree."""

    key: str  # where it is: keys of mappings and the prefix of its names, joined by dots
    weights: State = field(repr=False)  # tensors by name without prefix, in the naming of the file
    origins: dict[str, str] = field(repr=False)  # the name of each in the file
    rest: tuple[str, ...] = ()  # names in the same mapping that belong to no state dict

    @property
    def averaged(self) -> bool:
        """True for exponentially averaged weights (EMA), by the key."""
        return _AVERAGED.search(self.key) is not None

    @property
    def layout(self) -> str:
        """The naming: "diffusers" or "original"."""
        return "diffusers" if any(".attn1." in name for name in self.weights) else "original"

    @property
    def layers(self) -> int:
        """Number of transformer blocks."""
        numbers = (_LAYER.match(name) for name in self.weights)
        return max((int(found[1]) + 1 for found in numbers if found is not None), default=0)


def find_states(tree: Mapping[str, Any]) -> list[FoundState]:
    """Find all state dicts of transformers in a tree, in the order of the file."""
    return [state for path, mapping in mappings(tree) for state in _in_mapping(path, mapping)]


def choose_state(
    states: list[FoundState], *, ema: bool | None = None, key: str | None = None
) -> FoundState:
    """Choose a state dict of a file: by key, by `ema` where it has both, or the only one."""
    keys = ", ".join(repr(state.key) for state in states)
    if key is not None:
        chosen = [state for state in states if key in {state.key, state.key.partition(".")[0]}]
        if len(chosen) != 1:
            raise ValueError(f"key must be one of {keys}, got {key!r}")
        return chosen[0]
    # Critics and other networks of the training are saved beside the generator.
    named = [state for state in states if state.key.startswith("generator")]
    possible = named or states
    if ema is not None and len({state.averaged for state in possible}) == 2:
        possible = [state for state in possible if state.averaged is ema]
    if len(possible) == 1:
        return possible[0]
    averages = len({state.averaged for state in possible}) == 2
    advice = "ema=True or ema=False" if averages else f"key={possible[0].key!r} or another"
    raise ValueError(
        f"it holds {len(possible)} state dicts: "
        f"{', '.join(repr(state.key) for state in possible)}; choose with {advice}"
    )


def root_name(name: str) -> str:
    """Return a weight's name without prefixes of training and of other programs."""
    name = _WRAPPERS.sub("", name)
    found = _ROOT.search(name)
    return name if found is None else name[found.start() :]


def mappings(
    tree: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield each mapping of a tree that holds tensors, with its keys."""
    if any(isinstance(value, Tensor) for value in tree.values()):
        yield path, tree
    if len(path) < _DEEPEST:
        for name, value in tree.items():
            if isinstance(value, Mapping):
                yield from mappings(value, (*path, str(name)))


def _in_mapping(path: tuple[str, ...], mapping: Mapping[str, Any]) -> list[FoundState]:
    """Split a mapping by the prefixes of its names; each with transformer blocks is a state."""
    groups: dict[str, tuple[State, dict[str, str]]] = {}
    rest = []
    for original, value in mapping.items():
        name = _WRAPPERS.sub("", str(original))
        if name in _UNUSED or name.endswith(_UNUSED_ENDINGS):
            continue
        found = _ROOT.search(name)
        if found is None or not isinstance(value, Tensor) or _LOW_RANK.search(name):
            if isinstance(value, Tensor) or "." in name:
                rest.append(str(original))
            continue
        weights, origins = groups.setdefault(name[: found.start()], ({}, {}))
        place = name[found.start() :]
        if place in weights:
            rest.append(str(original))  # a second one of the same name
            continue
        weights[place], origins[place] = value.detach(), str(original)
    whole = {
        prefix: group
        for prefix, group in groups.items()
        if any(_LAYER.match(name) for name in group[0])
    }
    rest += [
        name
        for prefix, (_, names) in groups.items()
        if prefix not in whole
        for name in names.values()
    ]
    several = len(whole) > 1
    return [
        FoundState(
            ".".join((*path, *([prefix.rstrip(".")] if several and prefix else []))),
            weights,
            origins,
            tuple(rest),
        )
        for prefix, (weights, origins) in whole.items()
    ]


def dequantised(weights: State) -> State:
    """Return the weights with stored scales of float8 weights multiplied in, in bfloat16.

    Weights without a scale are unchanged.
    """
    result = dict(weights)
    for name in weights:
        ending = next((ending for ending in _SCALES if name.endswith(ending)), None)
        if ending is None:
            continue
        scaled = f"{name.removesuffix(ending)}.weight"
        if scaled not in weights:
            continue
        scale, weight = result.pop(name).float(), weights[scaled].float()
        if scale.ndim == 1 and scale.numel() == len(weight):  # one for each row
            scale = scale.view(-1, *[1] * (weight.ndim - 1))
        result[scaled] = (weight * scale).to(torch.bfloat16)
    return result

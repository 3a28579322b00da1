"""Estimate of a Wan's device memory before anything is loaded: `plan` and `Plan`.

Sizes come from configs, and working memory from a dry run of the passes on torch's meta device; so
a plan needs neither a GPU nor a download.
"""

from __future__ import annotations

import dataclasses
import functools
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.causal_offload import OffloadConfig
from dragstream.models.causal_quantised import check_kind
from dragstream.models.inspection import find_release
from dragstream.models.plan_parts import BLOCKS, Part, When, memory_parts, spatial_factor
from dragstream.models.wan.device_map import DeviceMap
from dragstream.models.wan.release import Release
from dragstream.models.wan.releases import RELEASES
from dragstream.models.wan.room import free_memory, gigabytes
from dragstream.models.wan.sizes import SIZES, Sizes


@dataclass(frozen=True)
class Plan:
    """The memory plan of a model, and the options to load it accordingly.

    Attributes:
        release: The model, with its frame size and window.
        sizes: Configs of its parts.
        device_map: Device of each part, and the transformer's memory saving options.
        source: The argument of `plan`: a name, a folder or a release.
        original: The release before any change; None for the same.
        saving: The change that makes it smaller than the plan before it; empty for the first one.
    """

    release: Release
    sizes: Sizes
    device_map: DeviceMap
    source: Any = None
    original: Release | None = None
    saving: str = ""

    @property
    def device(self) -> str:
        """The device of the transformer."""
        return str(self.device_map.device)

    @property
    def undo(self) -> int:
        """The default number of blocks that streams can undo."""
        return self.device_map.undo

    @property
    def config(self) -> CausalWanConfig:
        """The transformer's config."""
        return self.sizes.causal(self.release.causal)

    @functools.cached_property
    def parts(self) -> tuple[Part, ...]:
        """All significant parts of the memory."""
        return memory_parts(self.release, self.sizes, self.device_map)

    def peak(self, *, dragged: bool, device: str | None = None) -> int:
        """Return the peak bytes of a block on a device, by default the transformer's.

        Args:
            dragged: True for a dragged block, False for a plain block in a stream without drags.
            device: Another device.
        """
        moments = BLOCKS if dragged else BLOCKS - {When.DRAG}
        return max(self._needed(moment, dragged, device or self.device) for moment in moments)

    def peak_of_text(self, device: str | None = None) -> int:
        """Return the peak bytes of encoding a prompt on a device, by default the text's."""
        return self._needed(When.TEXT, False, device or str(self.device_map.text_device))  # noqa: FBT003

    def _needed(self, moment: When, dragged: bool, device: str) -> int:  # noqa: FBT001
        return sum(
            part.size
            for part in self.parts
            if part.device == device and moment in part.when and (dragged or not part.dragged)
        )

    @functools.cached_property
    def smaller(self) -> tuple[Plan, ...]:
        """Plans in order of decreasing memory, each with all the savings of those before it.

        The first savings cost only little time; the last ones change the generated video.
        """
        plans: list[Plan] = [self]
        for name, saved in _SAVINGS:
            changed = saved(plans[-1])
            if changed != plans[-1]:
                plans.append(dataclasses.replace(changed, saving=name))
        return tuple(plans[1:])

    def fitting(self, free: int, *, dragged: bool = True) -> Plan | None:
        """Return this plan or the first smaller one that fits into `free` bytes, or None."""
        plans = (self, *self.smaller)
        return next((plan for plan in plans if plan.peak(dragged=dragged) <= free), None)

    def check(self, free: Mapping[str, int] | None = None) -> None:
        """Check that the free memory suffices.

        Args:
            free: Free bytes by device; by default the present ones. Devices without a known value
                are assumed to be large enough.

        Raises:
            MemoryError: It does not; the message gives the required size, and a smaller plan that
                fits.
        """
        for device in dict.fromkeys(part.device for part in self.parts):
            known = _free(device) if free is None else free.get(device)
            wanted = max(self.peak(dragged=True, device=device), self.peak_of_text(device))
            if known is not None and wanted > known:
                raise MemoryError(self._refusal(device, wanted, known))

    def _refusal(self, device: str, wanted: int, free: int) -> str:
        text = (
            f"{self.release.name} at {self.release.width}x{self.release.height} takes "
            f"{gigabytes(wanted)} on {device}, where {gigabytes(free)} are free"
        )
        if device != self.device:
            return f"{text}; free some, or put less of it there (see ds.plan)"
        for plan in self.smaller:
            if max(plan.peak(dragged=True), plan.peak_of_text(device)) <= free:
                return f"{text}; this would do: ds.load({plan.code()})"
        return f"{text}, and the smallest plan takes {gigabytes(self.smallest.peak(dragged=True))}"

    @property
    def smallest(self) -> Plan:
        """The last of `smaller`, or this one."""
        return self.smaller[-1] if self.smaller else self

    @property
    def changes(self) -> dict[str, int]:
        """Frame size and window where they differ from the release, as arguments of `ds.load`."""
        released = self.original or self.release
        names = ("height", "width", "window")
        return {
            name: getattr(self.release, name)
            for name in names
            if getattr(self.release, name) != getattr(released, name)
        }

    def code(self) -> str:
        """The call that makes this plan, as Python code."""
        name = repr(self.source) if isinstance(self.source, str) else "release"
        shown = [name, *(f"{key}={value!r}" for key, value in self.changes.items())]
        base = DeviceMap()
        where, offload = self.device_map, self.device_map.offload
        names = ("vae_device", "decoder_states", "keep_text", "undo", "compile", "attention")
        for key in (*names, "weights", "kv_cache"):
            default = self.device_map.device if key == "vae_device" else getattr(base, key)
            if getattr(where, key) != default:
                shown.append(f"{key}={getattr(where, key)!r}")
        shown += [
            f"{item.name}={getattr(offload, item.name)!r}"
            for item in dataclasses.fields(OffloadConfig)
            if getattr(offload, item.name) != item.default
        ]
        return f"ds.plan({', '.join(shown)})"

    @property
    def table(self) -> pd.DataFrame:
        """The parts, one row each: device, size (as text) and time of use."""
        rows = [(part.device, gigabytes(part.size), part.moment) for part in self.parts]
        names = pd.Index([part.name for part in self.parts])
        return pd.DataFrame(rows, names, pd.Index(["where", "memory", "when"], name="part"))

    def __str__(self) -> str:
        return "\n".join([self.title, self.table.to_string(), *self.summary])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        below = "".join(f"<div>{html.escape(line)}</div>" for line in self.summary)
        return f"<div>{html.escape(self.title)}</div>{self.table.to_html(border=0)}{below}"

    @property
    def title(self) -> str:
        """A one-line title of the plan."""
        release, where = self.release, self.device_map
        dtype = str(where.dtype).removeprefix("torch.")
        return (
            f"{release.name} at {release.width}x{release.height}, {dtype} "
            f"on {where.device}, for Stream(..., undo={self.undo})"
        )

    @property
    def summary(self) -> tuple[str, ...]:
        """The totals, and the ways to reduce them."""
        plain, dragged = (gigabytes(self.peak(dragged=on)) for on in (False, True))
        text = gigabytes(self.peak_of_text())
        lines = [
            f"a plain block takes {plain} on {self.device}, a dragged one {dragged}",
            f"encoding a prompt takes {text} on {self.device_map.text_device}, once per prompt",
        ]
        for plan in self.smaller:
            plain, dragged = (gigabytes(plan.peak(dragged=on)) for on in (False, True))
            lines.append(f"smaller: {plain}, dragged {dragged}, {plan.saving}")
        return tuple(lines)


def _placed(plan: Plan, **changes: Any) -> Plan:
    return dataclasses.replace(plan, device_map=dataclasses.replace(plan.device_map, **changes))


def _offloaded(plan: Plan, **changes: Any) -> Plan:
    return _placed(plan, offload=dataclasses.replace(plan.device_map.offload, **changes))


def _swapped(plan: Plan, layers: int) -> Plan:
    more = max(layers, plan.device_map.offload.swapped_layers)
    return plan if plan.device == "cpu" else _offloaded(plan, swapped_layers=more)


def _half_the_window(plan: Plan) -> Plan:
    release = plan.release
    if release.window is None:
        return plan
    block = release.frames_per_block
    window = max(release.sink + block, release.window // 2 // block * block)
    smaller = release.changed({"window": min(window, release.window)})
    return dataclasses.replace(plan, release=smaller)


def _states_at_rest(plan: Plan) -> Plan:
    at_home = str(plan.device_map.vae_device) == "cpu"
    return plan if at_home else _placed(plan, decoder_states=0)


def _vae_on_cpu(plan: Plan) -> Plan:
    if str(plan.device_map.vae_device) == "cpu":
        return plan
    states = DeviceMap().decoder_states
    return _placed(plan, vae_device="cpu", vae_dtype="float32", decoder_states=states)


_SAVINGS: tuple[tuple[str, Callable[[Plan], Plan]], ...] = (
    (
        "low-passed keys and values made for each drag (milliseconds)",
        lambda plan: _offloaded(plan, keep_filtered=False),
    ),
    ("the decoder's memory on the CPU between blocks (milliseconds)", _states_at_rest),
    (
        "gradient checkpointing (iterations a third slower)",
        lambda plan: _offloaded(plan, checkpointing=True),
    ),
    (
        "the layers above the tapped ones on the CPU (plain passes slower)",
        lambda plan: _swapped(plan, plan.config.num_layers - max(plan.release.layers) - 1),
    ),
    (
        "all layers on the CPU (every pass slower)",
        lambda plan: _swapped(plan, plan.config.num_layers),
    ),
    ("half the window (remembers less)", _half_the_window),
    ("the VAE on the CPU (decoding in seconds to minutes)", _vae_on_cpu),
)
"""Ways to save memory, the cheapest first: each returns the same plan if it saves nothing."""


def plan(
    name: str | Path | Release = "self-forcing",
    *,
    device_map: DeviceMap | None = None,
    **changes: Any,
) -> Plan:
    """Plan the memory of a model, without loading or downloading anything.

    Args:
        name: A released model, a folder in the Diffusers layout, or a release of your own.
        device_map: Device of each part; by default CUDA in bfloat16, the text encoder on the CPU.
        changes: Fields of `DeviceMap` (`undo`, `vae_device`, ...), of its `OffloadConfig`
            (`checkpointing`, `swapped_layers`, `keep_filtered`), or of `Release` (`height`,
            `width`, `window`, ...) to replace.

    Raises:
        TypeError: A value of the wrong kind, or an unknown field.
        ValueError: An unknown name, a folder without a model, or contradictory values.
        FileNotFoundError: A folder without configs.
        ImportError: torchao is missing, for `weights` (extra `quant`).
    """
    where, changes = (device_map or DeviceMap()).changed(changes)
    release, folder = find_release(name)
    sizes = _sizes(release) if folder is None else Sizes.of_folder(folder)
    source = name if isinstance(name, Release) else str(name)
    return _checked(
        Plan(release.changed(changes), sizes, where.resolved(here=False), source, release)
    )


def plan_for(
    release: Release, config: CausalWanConfig, vae: Mapping[str, Any], device_map: DeviceMap
) -> Plan:
    """Plan a model from its loaded configs, without its text encoder; for loaders."""
    sizes = Sizes(dataclasses.asdict(config), {k: v for k, v in vae.items() if k[0] != "_"})
    source = release.name if release.name in RELEASES else release
    return Plan(release, sizes, device_map, source=source, original=RELEASES.get(release.name))


def _sizes(release: Release) -> Sizes:
    if release.base not in SIZES:
        raise ValueError(
            f"the sizes of {release.base} are not known; plan with a folder that has its configs, "
            f"or one of {', '.join(SIZES)}"
        )
    return SIZES[release.base]


def _checked(made: Plan) -> Plan:
    """Return the plan after a check that its values are consistent."""
    config, where = made.config, made.device_map
    check_quantised(where, made.release)
    if where.offload.swapped_layers > config.num_layers:
        raise ValueError(
            f"swapped_layers must be at most the {config.num_layers} layers of the model, "
            f"got {where.offload.swapped_layers}"
        )
    if max(made.release.layers) >= config.num_layers:
        raise ValueError(f"layers must be in 0..{config.num_layers - 1}, got {made.release.layers}")
    factor = spatial_factor(made.sizes)
    rows, columns = (factor * size for size in config.patch)
    if made.release.height % rows or made.release.width % columns:
        raise ValueError(
            f"height and width must make whole tokens, multiples of {rows} and {columns}, got "
            f"{made.release.height} and {made.release.width}"
        )
    return made


def check_quantised(where: DeviceMap, release: Release) -> None:
    """Check, before anything else, that weights and cache of these kinds can be made."""
    if where.weights is not None:
        check_kind(where.weights)
    if where.kv_cache is not None and release.guidance is not None:
        raise ValueError(
            f"{release.name} makes a clip in one block, without a cache of earlier ones, "
            f"got kv_cache={where.kv_cache!r}"
        )


def _free(device: str) -> int | None:
    if device.startswith("cuda") and not torch.cuda.is_available():
        return None
    return free_memory(torch.device(device))

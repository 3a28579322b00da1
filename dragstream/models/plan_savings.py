"""Ways to reduce the memory of a planned model, and the cost of each: `SAVINGS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.wan.device_map import DeviceMap
from dragstream.models.wan.release import Release


@dataclass(frozen=True)
class Layout:
    """The fields of a plan that a saving changes."""

    release: Release  # the model, with its frame size and window
    device_map: DeviceMap  # device of each part, without defaults

    def economical(self, **changes: Any) -> Layout:
        """Return the layout with other fields of the `OffloadConfig`."""
        return self.placed(offload=replace(self.device_map.offload, **changes))

    def placed(self, **changes: Any) -> Layout:
        """Return the layout with other fields of the device map."""
        return replace(self, device_map=replace(self.device_map, **changes))


Saving = Callable[[Layout, CausalWanConfig], Layout]
"""A function to a layout with less memory; it returns the same one if nothing can be saved."""


def _states_at_rest(layout: Layout, _: CausalWanConfig) -> Layout:
    at_home = str(layout.device_map.vae_device) == "cpu"
    return layout if at_home else layout.placed(decoder_states=0)


def _upper_swapped(layout: Layout, config: CausalWanConfig) -> Layout:
    return _swapped(layout, config.num_layers - max(layout.release.layers) - 1)


def _all_swapped(layout: Layout, config: CausalWanConfig) -> Layout:
    return _swapped(layout, config.num_layers)


def _swapped(layout: Layout, layers: int) -> Layout:
    at_home = str(layout.device_map.device) == "cpu"
    more = max(layers, layout.device_map.offload.swapped_layers)
    return layout if at_home else layout.economical(swapped_layers=more)


def _half_the_window(layout: Layout, _: CausalWanConfig) -> Layout:
    release = layout.release
    if release.window is None:
        return layout
    block = release.frames_per_block
    window = max(release.sink + block, release.window // 2 // block * block)
    smaller = min(window, release.window)
    return replace(layout, release=release.changed({"window": smaller}))


def _vae_on_cpu(layout: Layout, _: CausalWanConfig) -> Layout:
    if str(layout.device_map.vae_device) == "cpu":
        return layout
    return layout.placed(
        vae_device="cpu", vae_dtype="float32", decoder_states=DeviceMap().decoder_states
    )


SAVINGS: tuple[tuple[str, Saving], ...] = (
    (
        "low-passed keys and values made for each drag (milliseconds)",
        lambda layout, _: layout.economical(keep_filtered=False),
    ),
    ("the decoder's memory on the CPU between blocks (milliseconds)", _states_at_rest),
    (
        "gradient checkpointing (iterations a third slower)",
        lambda layout, _: layout.economical(checkpointing=True),
    ),
    ("the layers above the tapped ones on the CPU (plain passes slower)", _upper_swapped),
    ("all layers on the CPU (every pass slower)", _all_swapped),
    ("half the window (remembers less)", _half_the_window),
    ("the VAE on the CPU (decoding in seconds to minutes)", _vae_on_cpu),
)
"""The possible savings, the cheapest first."""

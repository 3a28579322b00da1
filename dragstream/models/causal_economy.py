"""Saving memory at the price of time, with the same numbers: `Economy`."""
# ruff: noqa: SLF001 - a module like another one has its own dictionaries of weights and parts

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from dragstream.drags.checks import switch, whole

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Economy:
    """How a causal Wan saves memory on its device; what it computes stays the same.

    Args:
        checkpointing: Iterations of a drag compute each layer again on the way back, instead of
            keeping what it computed: about a third more work, a fraction of the memory.
        swapped_layers: So many layers, the topmost ones, stay in the memory of the CPU and visit
            the device when it is their turn. Drags do not run the layers above the tapped ones,
            so those cost them nothing.
        keep_filtered: Keys and values of committed blocks are low-passed once and kept, instead of
            for each block that is dragged.

    Raises:
        TypeError: Not a boolean, or not an integer.
        ValueError: Fewer than 0 layers.
    """

    checkpointing: bool = False
    swapped_layers: int = 0
    keep_filtered: bool = True

    def __post_init__(self) -> None:
        for name in ("checkpointing", "keep_filtered"):
            object.__setattr__(self, name, switch(getattr(self, name), name))
        layers = whole(self.swapped_layers, "swapped_layers", least=0)
        object.__setattr__(self, "swapped_layers", layers)


def visiting(module: Module, device: torch.device) -> Module:
    """A module like this one whose weights are copies on a device.

    The module itself stays as it is, also for other threads; the copies go when nobody, a gradient
    among them, needs them any more.
    """
    guest = copy.copy(module)
    guest._parameters = {
        name: None
        if weight is None
        else nn.Parameter(
            weight.detach().to(device, non_blocking=True, copy=True),
            requires_grad=weight.requires_grad,
        )
        for name, weight in module._parameters.items()
    }
    guest._buffers = {
        name: None if value is None else value.to(device, non_blocking=True)
        for name, value in module._buffers.items()
    }
    guest._modules = {
        name: None if child is None else visiting(child, device)
        for name, child in module._modules.items()
    }
    return guest


def pin(module: nn.Module) -> None:
    """Lock weights in the CPU's memory, from where they reach a CUDA device at full speed."""
    for weight in module.parameters():
        weight.data = weight.data.pin_memory()

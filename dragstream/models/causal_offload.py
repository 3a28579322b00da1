"""Options that trade time for memory, with identical results: `OffloadConfig`."""
# ruff: noqa: SLF001 - a module like another one has its own dictionaries of weights and parts

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from dragstream.drags.checks import check_bool, check_int
from dragstream.models.causal_quantised import mapped

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class OffloadConfig:
    """Memory saving options of a causal Wan on its device; results are identical.

    Args:
        checkpointing: Gradient checkpointing: drag iterations recompute each layer in the backward
            pass instead of storing activations: about a third more work, a fraction of the memory.
        swapped_layers: Number of topmost layers whose weights stay in CPU memory and are copied to
            the device for each use. Drags do not run the layers above the tapped ones, so
            offloading those does not slow drags.
        keep_filtered: Low-passed keys and values of committed blocks are computed once and cached,
            instead of for each dragged block.

    Raises:
        TypeError: Not a boolean, or not an integer.
        ValueError: Fewer than 0 layers.
    """

    checkpointing: bool = False
    swapped_layers: int = 0
    keep_filtered: bool = True

    def __post_init__(self) -> None:
        for name in ("checkpointing", "keep_filtered"):
            object.__setattr__(self, name, check_bool(getattr(self, name), name))
        layers = check_int(self.swapped_layers, "swapped_layers", least=0)
        object.__setattr__(self, "swapped_layers", layers)


def offloaded_copy(module: Module, device: torch.device) -> Module:
    """Return a copy of a module whose weights are copies on a device.

    The module itself is unchanged, also for other threads; the copies are freed with their last
    reference, graphs of autograd included.
    """

    def brought(part: torch.Tensor) -> torch.Tensor:
        return part.to(device, non_blocking=True, copy=True)

    copied = copy.copy(module)
    copied._parameters = {
        name: None
        if weight is None
        else nn.Parameter(mapped(weight.detach(), brought), requires_grad=weight.requires_grad)
        for name, weight in module._parameters.items()
    }
    copied._buffers = {
        name: None if value is None else value.to(device, non_blocking=True)
        for name, value in module._buffers.items()
    }
    copied._modules = {
        name: None if child is None else offloaded_copy(child, device)
        for name, child in module._modules.items()
    }
    return copied


def pin(module: nn.Module) -> None:
    """Pin weights in CPU memory, for copies to a CUDA device at full speed."""
    for part in module.modules():
        for name, weight in part._parameters.items():
            if weight is not None:
                pinned = mapped(weight.detach(), torch.Tensor.pin_memory)
                part._parameters[name] = nn.Parameter(pinned, weight.requires_grad)

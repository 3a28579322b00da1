"""Layers compiled by `torch.compile`, which fuses the operations between the attentions.

Norms, modulations, rotations, projections and feed-forward networks become a handful of graphs
that all layers share. They are compiled for exact shapes, which are those of a block: they do not
depend on the length of the past, so a stream compiles while it makes its first block, once more for
the first drag (for gradients), and never again.

A compiled layer computes the same as an eager one up to rounding, since fused arithmetic rounds at
other places; like the eager one, it is bitwise reproducible within a process. The guarantees of a
stream hold for a compiled model too: rewinding, forking and restoring give the same bits. A model's
fingerprint depends neither on compilation nor on the device: a stream saved with a compiled model
can be restored with an eager one, and the reverse. Its existing blocks are unchanged; new ones
differ in the last bits.

CUDA graphs (`mode="reduce-overhead"`) are not offered. A graph reads and writes fixed addresses,
while contexts are immutable, each with its own keys and values: either every pass would copy all
visible keys and values to the graph's addresses, gigabytes at full size, or contexts would share
memory that the next pass overwrites.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from dragstream.models.causal_wan import CausalWan


def compile_layers(wan: CausalWan) -> None:
    """Set up compilation of a causal Wan's layers, in place, at their first run.

    Offloaded layers (`OffloadConfig.swapped_layers`) stay eager.
    """
    _try_out(wan.transformer.device)
    for block in wan.transformer.blocks:
        # With symbolic sizes, a shape's graph, and so its bits, would depend on the shapes before.
        block.compile(dynamic=False)


def _try_out(device: torch.device) -> None:
    def wave(x: Tensor) -> Tensor:
        return x.sin() + 1

    try:
        torch.compile(wave, dynamic=False)(torch.zeros(8, device=device))
    except (RuntimeError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise RuntimeError(
            f"compile=True needs what torch.compile needs on {device}: a C++ compiler (g++ or "
            f"clang) on a CPU, triton and a C compiler on CUDA. Without, load with compile=False. "
            f"Trying it out ended in {type(error).__name__}: {reason}"
        ) from error

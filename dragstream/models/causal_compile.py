"""Layers compiled by `torch.compile`: what lies between the attentions, fused.

Norms, modulations, rotations, projections and feed-forward networks become a handful of graphs
that all layers share. They are compiled for exact shapes, which are those of a block: they do not
depend on how much a block looks back on, so a stream compiles while it makes its first block, once
more for the first drag (for gradients), and never again.

A compiled layer computes the same as an eager one up to rounding, since fused arithmetic rounds
elsewhere; and like it, the same bits each time, in one process. So all that a stream promises holds
for a compiled model too: rewinding, forking and restoring give the same bits. A model's fingerprint
does not say whether it was compiled, as it does not say on which device it works: a stream that
was saved with the one can be restored with the other, and its blocks are what they were; those to
come differ in the last bits.

CUDA graphs (`mode="reduce-overhead"`) are not offered. A graph reads and writes where it did when
it was recorded, while contexts are values, each with keys and values of its own: either every pass
would copy all that is in sight to the graph's place, gigabytes at full size, or contexts would
share memory that the next pass overwrites.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from dragstream.models.causal_wan import CausalWan


def compile_layers(wan: CausalWan) -> None:
    """Let a causal Wan's layers be compiled, in place, when they first run.

    Layers that visit their device (`Economy.swapped_layers`) run as they are.

    Raises:
        RuntimeError: There is no compiler that works for the weights' device.
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

"""Layers compiled by `torch.compile`, which fuses the operations between the attentions.

All layers share a handful of graphs, for the exact shapes of a block: they do not depend on the
length of the past, so a stream compiles at its first block, for gradients at its first drag, and
never again. Numbers agree with eager layers up to rounding, and repeat bit by bit within a process;
a model's fingerprint does not depend on compilation. See *Memory and speed*, also on CUDA graphs.
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

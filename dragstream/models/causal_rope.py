"""Rotary position embedding (RoPE) of video tokens, for any frame index."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_THETA = 10_000.0
"""Base of the frequencies."""

_CACHED_BLOCKS = 4
"""Blocks whose rotary embeddings are cached: the newest and those that drags refer to."""


class RotaryEmbedding(nn.Module):
    """Rotary position embedding (RoPE) of video tokens, for any frame index.

    About a third of a head's channel pairs encodes the frame, a third the row and a third the
    column, split as in Wan: h = w = 2 * (head_dim // 6), t the rest. Angles are computed in float64
    when needed instead of read from a table, so that the length of a stream has no bound.
    """

    def __init__(self, head_dim: int) -> None:
        super().__init__()
        across = 2 * (head_dim // 6)
        self.split = (head_dim - 2 * across, across, across)
        self._recent: dict[tuple[int, int, int, int, torch.device], Tensor] = {}

    def of_block(
        self, start: int, count: int, rows: int, columns: int, device: torch.device
    ) -> Tensor:
        """Return `forward` for the frames from `start` on, (1, tokens, 1, head_dim / 2), cached.

        All passes over a block use the same rotations: they are computed and copied to the device
        once.
        """
        key = (start, count, rows, columns, device)
        known = self._recent.get(key)
        if known is None:
            with torch.inference_mode(mode=False), torch.no_grad():
                frames = torch.arange(start, start + count, device="cpu")
                known = self(frames[None], rows, columns).to(device)
            # Another thread may do the same: updates of a dictionary are atomic, so no entry is
            # lost.
            self._recent = dict([*self._recent.items(), (key, known)][-_CACHED_BLOCKS:])
        return known

    def forward(self, frames: Tensor, rows: int, columns: int) -> Tensor:
        """Return unit complex numbers (batch, tokens, 1, head_dim / 2) that rotate channel pairs.

        `frames` (batch, frames) are absolute indices; tokens run over frames, rows and columns.
        """
        batch, count = frames.shape
        device = frames.device
        size = (batch, count, rows, columns, -1)
        rotary_emb = (
            self._along_axis(frames, 0)[:, :, None, None].expand(size),
            self._along_axis(torch.arange(rows, device=device), 1)[None, None, :, None].expand(
                size
            ),
            self._along_axis(torch.arange(columns, device=device), 2)[None, None, None].expand(
                size
            ),
        )
        return torch.cat(rotary_emb, dim=-1).flatten(1, 3).unsqueeze(2)

    def _along_axis(self, positions: Tensor, axis: int) -> Tensor:
        width = self.split[axis]
        # MPS has no float64; these few numbers are computed on the CPU.
        pairs = torch.arange(0, width, 2, dtype=torch.float64, device="cpu")
        angles = positions.cpu()[..., None] * _THETA ** (-pairs / max(width, 1))
        rotary_emb = torch.polar(torch.ones_like(angles), angles)
        return rotary_emb.to(torch.complex64).to(positions.device)


def apply_rotary_emb(x: Tensor, rotary_emb: Tensor) -> Tensor:
    """Rotate the channel pairs of `x` (batch, tokens, heads, head_dim), in float32 or wider.

    `rotary_emb` is that of `RotaryEmbedding` as real numbers, (batch, tokens, 1, head_dim / 2, 2).
    """
    pairs = x.float().unflatten(-1, (-1, 2))
    if torch.compiler.is_compiling():  # only real numbers are fused
        (real, imaginary), (cosine, sine) = pairs.unbind(-1), rotary_emb.unbind(-1)
        parts = real * cosine - imaginary * sine, real * sine + imaginary * cosine
        turned = torch.stack(parts, dim=-1)
    else:
        turned = torch.view_as_real(
            torch.view_as_complex(pairs) * torch.view_as_complex(rotary_emb)
        )
    return turned.flatten(-2).type_as(x)

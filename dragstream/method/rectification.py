"""Adaptive distribution self-rectification, ADSR (Section 4.2.1, Eq. 4)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dragstream.drags.checks import at_most, switch, whole

MOST_NEIGHBOURS = 100_000
"""Latent frames: more than any stream has."""

_FRAME, _CHANNEL, _ROW, _COLUMN = _WHOLE = (-4, -3, -2, -1)
"""The axes of latents (..., F, C, h, w)."""


@dataclass(frozen=True)
class Rectification:
    """After each iteration the latents take on the statistics of their neighbours (Eq. 4).

    This is about the latent frames of the block that updates move: the driven ones, z^k' in the
    paper. An edit drives the last frame alone; the others are neither moved nor counted.

    Args:
        neighbours: How many preceding latent frames the mean and deviation come from (the
            paper's L_n). With 0, or where a stream has no past, they come from the moved frames'
            own latents before the first iteration.
        per_channel: Statistics of each channel, rather than of all channels together.
        per_frame: Statistics of each moved frame, rather than of all of them together.
        then_whole: Once more over all moved frames as a whole after that, against their own
            latents.

    Raises:
        TypeError: Not an integer, or not a boolean.
        ValueError: Fewer than 0 neighbours.
    """

    neighbours: int = 9
    per_channel: bool = True
    per_frame: bool = False
    then_whole: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "neighbours", whole(self.neighbours, "neighbours", least=0))
        at_most(self.neighbours, MOST_NEIGHBOURS, "neighbours")
        for name in ("per_channel", "per_frame", "then_whole"):
            object.__setattr__(self, name, switch(getattr(self, name), name))

    def prepare(self, own: Tensor, neighbours: Tensor | None) -> Rectifier:
        """The rectifier of one block, its target statistics computed once.

        Args:
            own: The moved frames' latents before the first iteration, (1, F, C, h, w).
            neighbours: Latents of the preceding frames at the same noise level, (N, C, h, w),
                newest last; the last `neighbours` of them count.
        """
        past = None
        if neighbours is not None and self.neighbours > 0:
            past = neighbours[-self.neighbours :]
        if past is None or len(past) == 0:
            mean, std = _statistics(own, self._over(per_frame=self.per_frame))
        else:  # a past has other frames than the block: its statistics are those of all of them
            mean, std = _statistics(past[None], self._over(per_frame=False))
        whole_block = _statistics(own, _WHOLE) if self.then_whole else None
        return Rectifier(self._over(per_frame=self.per_frame), mean, std, whole_block)

    def _over(self, *, per_frame: bool) -> tuple[int, ...]:
        """The axes that statistics are taken over."""
        frames = () if per_frame else (_FRAME,)
        channels = () if self.per_channel else (_CHANNEL,)
        return (*frames, *channels, _ROW, _COLUMN)


@dataclass(frozen=True, eq=False)
class Rectifier:
    """Latents (1, F, C, h, w) in, the same with the target's mean and deviation out.

    Args:
        over: The axes that statistics are taken over.
        mean: Of the target, broadcastable to the latents.
        std: Of the target, broadcastable to the latents.
        whole: Mean and deviation of the tensor as a whole, to be restored last, or None.
    """

    over: tuple[int, ...]
    mean: Tensor
    std: Tensor
    whole: tuple[Tensor, Tensor] | None = None

    def __call__(self, latents: Tensor) -> Tensor:
        """Eq. 4: `(z - mean(z)) / std(z) * target std + target mean`."""
        rectified = _normalise(latents, self.over, self.mean, self.std)
        return rectified if self.whole is None else _normalise(rectified, _WHOLE, *self.whole)


def rectify(latents: Tensor, neighbours: Tensor) -> Tensor:
    """Latents (1, F, C, h, w) with each channel's mean and deviation as in the neighbours (Eq. 4).

    Same dtype back.

    Args:
        latents: What to rectify, (1, F, C, h, w).
        neighbours: What to take the statistics from, (N, C, h, w).

    Raises:
        ValueError: Neighbours that hold no frame, or differ in channels.
    """
    if neighbours.ndim != 4 or len(neighbours) == 0:
        raise ValueError(
            f"neighbours must hold at least one latent frame as (N, C, h, w), "
            f"got shape {tuple(neighbours.shape)}"
        )
    if neighbours.shape[_CHANNEL] != latents.shape[_CHANNEL]:
        raise ValueError(
            f"neighbours must have the {latents.shape[_CHANNEL]} channels of the latents, "
            f"got {neighbours.shape[_CHANNEL]}"
        )
    rectifier = Rectification(neighbours=len(neighbours)).prepare(latents, neighbours)
    return rectifier(latents).to(latents.dtype)


def normalise_prediction(prediction: Tensor, previous: Tensor) -> Tensor:
    """A clean prediction with the mean and deviation that it has together with earlier blocks.

    The release does so to every block from the third on, at each denoising step: one mean and one
    deviation over frames, channels, rows and columns, of the two blocks before (the first block of
    the stream left out) and the prediction itself. Same dtype back.

    Args:
        prediction: x0 of a block, (1, F, C, h, w).
        previous: Clean latents of the blocks before it, (N, C, h, w).

    Raises:
        ValueError: Earlier blocks that hold no frame, or have another size.
    """
    if previous.shape[1:] != prediction.shape[2:] or len(previous) == 0:
        raise ValueError(
            f"previous must hold at least one latent frame (N, "
            f"{', '.join(map(str, prediction.shape[2:]))}), got shape {tuple(previous.shape)}"
        )
    values = prediction.float()
    target_std, target_mean = torch.std_mean(torch.cat([previous.float(), values[0]]))
    std, mean = torch.std_mean(values)
    normalised = (values - mean) * _scale(mean, std, target_std) + target_mean
    return normalised.to(prediction.dtype)


def _statistics(values: Tensor, over: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Mean and population deviation over axes that stay, of length 1."""
    std, mean = torch.std_mean(values.float(), dim=over, correction=0, keepdim=True)
    return mean, std


def _normalise(latents: Tensor, over: tuple[int, ...], mean: Tensor, std: Tensor) -> Tensor:
    values = latents.float()
    own_mean, own_std = _statistics(values, over)
    return (values - own_mean) * _scale(own_mean, own_std, std) + mean


def _scale(mean: Tensor, std: Tensor, wanted: Tensor) -> Tensor:
    """What brings one deviation to another; 0 for a constant up to rounding, which has no shape."""
    flat = std <= 8 * torch.finfo(torch.float32).eps * mean.abs()
    return torch.where(flat, 0.0, wanted / std)

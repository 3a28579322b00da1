"""Adaptive distribution self-rectification, ADSR (Section 4.2.1, Eq. 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from dragstream.drags.checks import at_least, check_at_most, check_bool, check_fields

MOST_NEIGHBOURS = 100_000
"""Upper bound on neighbours, in latent frames: longer than any stream."""

_FRAME, _CHANNEL, _ROW, _COLUMN = _WHOLE = (-4, -3, -2, -1)
"""The axes of latents (..., F, C, h, w)."""


@dataclass(frozen=True)
class Rectification:
    """Normalisation of the latents to their neighbours' statistics after each iteration (Eq. 4).

    It applies to the latent frames of the block that updates modify: the driven ones, z^k' in the
    paper. An edit drives only the last frame; the other frames are neither modified nor included
    in the statistics.

    Args:
        neighbours: Number of preceding latent frames for the target mean and standard deviation
            (the paper's L_n). With 0, or at the start of a stream, the targets are the statistics
            of the modified frames before the first iteration.
        per_channel: Statistics of each channel, instead of all channels together.
        per_frame: Statistics of each modified frame, instead of all of them together.
        then_whole: Afterwards normalise all modified frames as a whole to the statistics of their
            own latents before the first iteration.

    Raises:
        TypeError: Not an integer, or not a boolean.
        ValueError: Fewer than 0 neighbours.
    """

    neighbours: int = 9
    per_channel: bool = True
    per_frame: bool = False
    then_whole: bool = False

    def __post_init__(self) -> None:
        check_fields(self, neighbours=at_least(0))
        check_at_most(self.neighbours, MOST_NEIGHBOURS, "neighbours")
        check_fields(self, per_channel=check_bool, per_frame=check_bool, then_whole=check_bool)

    def prepare(self, own: Tensor, neighbours: Tensor | None) -> Callable[[Tensor], Tensor]:
        """Return the rectifier of one block, see `RectificationMethod.prepare`.

        Target statistics are computed once, from the last `neighbours` of the preceding frames.
        """
        over = self._over(per_frame=self.per_frame)
        past = None
        if neighbours is not None and self.neighbours > 0:
            past = neighbours[-self.neighbours :]
        if past is None or len(past) == 0:
            mean, std = _statistics(own, over)
        else:  # neighbours and block frames do not correspond: pool all neighbours
            mean, std = _statistics(past[None], self._over(per_frame=False))
        whole = _statistics(own, _WHOLE) if self.then_whole else None

        def rectifier(latents: Tensor) -> Tensor:
            """Eq. 4: `(z - mean(z)) / std(z) * target std + target mean`."""
            rectified = _normalise(latents, over, mean, std)
            return rectified if whole is None else _normalise(rectified, _WHOLE, *whole)

        return rectifier

    def _over(self, *, per_frame: bool) -> tuple[int, ...]:
        """Return the axes that statistics are taken over."""
        frames = () if per_frame else (_FRAME,)
        channels = () if self.per_channel else (_CHANNEL,)
        return (*frames, *channels, _ROW, _COLUMN)


def rectify(latents: Tensor, neighbours: Tensor) -> Tensor:
    """Normalise each channel of latents to the neighbours' mean and standard deviation (Eq. 4).

    The result has the dtype of the latents.

    Args:
        latents: Latents to rectify, (1, F, C, h, w).
        neighbours: Latents with the target statistics, (N, C, h, w).

    Raises:
        ValueError: Neighbours without a frame, or with another number of channels.
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
    rectified = Rectification(neighbours=len(neighbours)).prepare(latents, neighbours)(latents)
    return rectified.to(latents.dtype)


def normalise_prediction(prediction: Tensor, previous: Tensor) -> Tensor:
    """Normalise a clean prediction to the joint statistics of itself and earlier blocks.

    The release applies this to every block from the third on, at each denoising step: one mean and
    one standard deviation over frames, channels, rows and columns, of the two preceding blocks
    (without the first block of the stream) and the prediction itself. The result has the dtype of
    the prediction.

    Args:
        prediction: x0 of a block, (1, F, C, h, w).
        previous: Clean latents of the preceding blocks, (N, C, h, w).

    Raises:
        ValueError: Earlier blocks without a frame, or of another size.
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
    """Compute mean and population standard deviation over axes, which are kept with length 1."""
    std, mean = torch.std_mean(values.float(), dim=over, correction=0, keepdim=True)
    return mean, std


def _normalise(latents: Tensor, over: tuple[int, ...], mean: Tensor, std: Tensor) -> Tensor:
    values = latents.float()
    own_mean, own_std = _statistics(values, over)
    return (values - own_mean) * _scale(own_mean, own_std, std) + mean


def _scale(mean: Tensor, std: Tensor, wanted: Tensor) -> Tensor:
    """Compute the ratio of the target deviation to `std`; 0 if values are constant (rounding)."""
    flat = std <= 8 * torch.finfo(torch.float32).eps * mean.abs()
    return torch.where(flat, 0.0, wanted / std)

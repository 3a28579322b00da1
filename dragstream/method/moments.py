"""Moments of latents (mean, standard deviation, range) and their drift (Section 4.2.2)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from dragstream.drags.checks import check_finite, check_keys, check_sequence

_CHANNEL = -3
"""The channel axis of latents (..., C, h, w), counted from the end."""


@dataclass(frozen=True)
class Moments:
    """Statistics of each channel of latents, over frames, height and width.

    Args:
        means: Mean of each channel, length C.
        stds: Population standard deviation of each channel, length C.
        minima: Smallest value of each channel, length C.
        maxima: Largest value of each channel, length C.

    The properties `mean`, `std`, `minimum` and `maximum` pool the channels.
    """

    means: tuple[float, ...]
    stds: tuple[float, ...]
    minima: tuple[float, ...]
    maxima: tuple[float, ...]

    @classmethod
    def of(cls, latents: Tensor) -> Moments:
        """Compute the moments of latents of shape (..., C, h, w); ValueError if there are none."""
        return cls.from_rows(rows(latents).tolist())

    @classmethod
    def from_rows(cls, values: list[list[float]]) -> Moments:
        """Build moments from the four rows that `rows` computes, fetched from the device."""
        return cls(*map(tuple, values))

    @property
    def mean(self) -> float:
        """Mean over all channels."""
        return sum(self.means) / len(self.means)

    @property
    def std(self) -> float:
        """Standard deviation over all channels: the spread within them and between them."""
        mean = self.mean
        spread = (s * s + (m - mean) ** 2 for m, s in zip(self.means, self.stds, strict=True))
        return math.sqrt(sum(spread) / len(self.means))

    @property
    def minimum(self) -> float:
        """Smallest value of all channels."""
        return min(self.minima)

    @property
    def maximum(self) -> float:
        """Largest value of all channels."""
        return max(self.maxima)

    def to_json(self) -> dict[str, list[float]]:
        """Return the moments as plain lists, for archives."""
        return {name: list(values) for name, values in asdict(self).items()}

    @classmethod
    def from_json(cls, data: object) -> Moments:
        """Read moments from the result of `to_json`; TypeError or ValueError for other values."""
        names = ("means", "stds", "minima", "maxima")
        fields = check_keys(data, names, "moments")
        means, stds, minima, maxima = values = [_numbers(fields[name], name) for name in names]
        if len({len(row) for row in values}) != 1:
            lengths = [len(row) for row in values]
            raise ValueError(f"moments need one value a channel in each list, got {lengths}")
        for low, high, std in zip(minima, maxima, stds, strict=True):
            if low > high or std < 0:
                raise ValueError(
                    f"moments need minima up to the maxima and deviations of at least 0, "
                    f"got {low}, {high} and {std}"
                )
        return cls(means, stds, minima, maxima)


def _numbers(value: object, name: str) -> tuple[float, ...]:
    """Check that a value is a list of at least one finite number, and return it as a tuple."""
    listed = check_sequence(value, name, "numbers")
    return tuple(check_finite(number, f"{name}[{index}]") for index, number in enumerate(listed))


def rows(latents: Tensor) -> Tensor:
    """Compute each channel's mean, deviation, minimum and maximum, (4, C) on the device."""
    if latents.ndim < 3 or latents.numel() == 0:
        raise ValueError(
            f"moments need latents of shape (..., C, h, w), got shape {tuple(latents.shape)}"
        )
    values = latents.detach().float().movedim(_CHANNEL, 0).flatten(1)
    std, mean = torch.std_mean(values, dim=1, correction=0)
    minimum, maximum = torch.aminmax(values, dim=1)
    return torch.stack((mean, std, minimum, maximum))


def drift(moments: Moments, reference: Moments) -> float:
    """Compute the drift: the distance of channel statistics from the reference's, at least 0.

    Each channel is treated as a Gaussian; the 2-Wasserstein distance of two Gaussians is
    `sqrt((mean - mean')**2 + (std - std')**2)`, and the drift is its root mean square over the
    channels, in latent units. Different numbers of channels are a ValueError.
    """
    if len(moments.means) != len(reference.means):
        raise ValueError(
            f"drift compares channels one by one, got {len(moments.means)} "
            f"and {len(reference.means)} channels"
        )
    squares = [
        (moments.means[c] - reference.means[c]) ** 2 + (moments.stds[c] - reference.stds[c]) ** 2
        for c in range(len(moments.means))
    ]
    return math.sqrt(sum(squares) / len(squares))

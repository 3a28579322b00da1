"""Feature maps as numbers to look at: principal colours, similarity, spectra (Figures 13 and 14).

A map has shape (..., rows, columns, channels), one vector for each token. Everything here is pure
numpy; what is drawn from it is decided in `dragstream.plots` and `dragstream.widgets`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import whole

__all__ = ["Principal", "radial_spectrum", "similarity", "spread"]

Maps = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Principal:
    """The first three principal axes of some features, as red, green and blue.

    Fit once, then colour any map of the same channels: equal colours mean similar features.

    Args:
        centre: The mean feature, (channels,).
        axes: The axes, (channels, 3), unit length; the largest entry of each is positive.
        low: What becomes 0, (3,): the 2 % quantile along each axis.
        high: What becomes 1, (3,): the 98 % quantile.
    """

    centre: Maps
    axes: Maps
    low: Maps
    high: Maps

    @classmethod
    def of(cls, maps: Maps) -> Principal:
        """The axes of maps (..., channels) with at least three channels.

        Raises:
            ValueError: Fewer than three channels, or no token.
        """
        if maps.shape[-1] < 3 or maps.size == 0:
            raise ValueError(f"colours need maps (..., channels >= 3), got shape {maps.shape}")
        flat = maps.reshape(-1, maps.shape[-1])
        centre = flat.mean(axis=0)
        axes = np.linalg.svd(flat - centre, full_matrices=False)[2][:3].T
        # A sign is arbitrary: let each axis' largest entry be positive, so that pictures repeat.
        axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
        low, high = np.quantile((flat - centre) @ axes, (0.02, 0.98), axis=0)
        return cls(centre, axes, low, np.maximum(high, low + 1e-6))

    def colours(self, maps: Maps) -> NDArray[np.uint8]:
        """Maps (..., channels) as colours (..., 3)."""
        shares = ((maps - self.centre) @ self.axes - self.low) / (self.high - self.low)
        return (np.clip(shares, 0, 1) * 255).astype(np.uint8)


def similarity(maps: Maps, token: Maps) -> Maps:
    """The cosine between one feature (channels,) and those of maps (..., channels), in [-1, 1]."""
    lengths = np.linalg.norm(maps, axis=-1) * np.linalg.norm(token)
    cosines: Maps = (maps @ token) / np.maximum(lengths, np.finfo(np.float32).tiny)
    return np.clip(cosines, -1, 1)


def spread(values: Maps) -> Maps:
    """Values stretched to [0, 1] between their 2 % and 98 % quantiles."""
    low, high = np.quantile(values, (0.02, 0.98))
    stretched: Maps = np.clip((values - low) / max(high - low, 1e-6), 0, 1)
    return stretched


def radial_spectrum(maps: Maps, bins: int = 8) -> tuple[Maps, Maps]:
    """How strongly a map varies at each radial frequency, whichever the direction.

    Args:
        maps: (rows, columns, channels).
        bins: How many bands the frequencies from 0 to the highest are divided into.

    Returns:
        The middle of each band that holds a frequency, in cycles per token (the unit of cutoffs;
        along an axis at most 0.5), and the root mean square amplitude in it over directions and
        channels, the mean of each channel left out.

    Raises:
        ValueError: Another number of axes, or fewer than one band.
    """
    bins = whole(bins, "bins", least=1)
    if maps.ndim != 3:
        raise ValueError(f"a spectrum needs a map (rows, columns, channels), got {maps.shape}")
    rows, columns = maps.shape[:2]
    # Divided by the number of tokens: the amplitude of a wave does not depend on the map's size.
    power = np.abs(np.fft.fft2(maps, axes=(0, 1)) / (rows * columns)) ** 2
    radius = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns)[None, :])
    edges = np.linspace(0.0, radius.max() + 1e-9, bins + 1)
    place = np.digitize(radius, edges) - 1
    place[0, 0] = -1  # the mean
    middles = (edges[:-1] + edges[1:]) / 2
    held = [band for band in range(bins) if (place == band).any()]
    amplitudes = [np.sqrt(power[place == band].mean()) for band in held]
    return middles[held].astype(np.float32), np.array(amplitudes, np.float32)

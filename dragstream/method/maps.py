"""Analysis of feature maps (..., rows, columns, channels), in numpy (Figures 13 and 14)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import check_int

Maps = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Principal:
    """Projection of features on their first three principal axes, as red, green and blue.

    One fit colours any map with the same channels: equal colours mean similar features.
    """

    centre: Maps  # mean feature, (channels,)
    axes: Maps  # principal axes, (channels, 3), unit length; the largest entry of each is positive
    low: Maps  # projection that maps to 0, (3,): the 2 % quantile along each axis
    high: Maps  # projection that maps to 1, (3,): the 98 % quantile along each axis

    @classmethod
    def of(cls, maps: Maps) -> Principal:
        """Fit the axes to maps (..., channels) with at least three channels."""
        if maps.shape[-1] < 3 or maps.size == 0:
            raise ValueError(f"colours need maps (..., channels >= 3), got shape {maps.shape}")
        flat = maps.reshape(-1, maps.shape[-1])
        centre = flat.mean(axis=0)
        axes = np.linalg.svd(flat - centre, full_matrices=False)[2][:3].T
        # Signs are arbitrary: make each axis' largest entry positive, for reproducible colours.
        axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
        low, high = np.quantile((flat - centre) @ axes, (0.02, 0.98), axis=0)
        return cls(centre, axes, low, np.maximum(high, low + 1e-6))

    def colours(self, maps: Maps) -> NDArray[np.uint8]:
        """Convert maps (..., channels) to colours (..., 3)."""
        shares = ((maps - self.centre) @ self.axes - self.low) / (self.high - self.low)
        return (np.clip(shares, 0, 1) * 255).astype(np.uint8)


def similarity(maps: Maps, token: Maps) -> Maps:
    """Compute the cosine of one feature (channels,) with maps (..., channels), in [-1, 1]."""
    lengths = np.linalg.norm(maps, axis=-1) * np.linalg.norm(token)
    cosines: Maps = (maps @ token) / np.maximum(lengths, np.finfo(np.float32).tiny)
    return np.clip(cosines, -1, 1)


def spread(values: Maps) -> Maps:
    """Rescale values to [0, 1] between their 2 % and 98 % quantiles, with clipping."""
    low, high = np.quantile(values, (0.02, 0.98))
    stretched: Maps = np.clip((values - low) / max(high - low, 1e-6), 0, 1)
    return stretched


def radial_spectrum(maps: Maps, bins: int = 8) -> tuple[Maps, Maps]:
    """Compute the radial amplitude spectrum of a map (rows, columns, channels) in bands.

    Returns the middle of each band that contains a frequency, in cycles per token (the unit of
    cutoffs; along an axis at most 0.5), and the root mean square amplitude of the band over
    directions and channels, without the mean of each channel.
    """
    bins = check_int(bins, "bins", least=1)
    if maps.ndim != 3:
        raise ValueError(f"a spectrum needs a map (rows, columns, channels), got {maps.shape}")
    rows, columns = maps.shape[:2]
    # Divide by the number of tokens, so that a wave's amplitude does not depend on the map's size.
    power = np.abs(np.fft.fft2(maps, axes=(0, 1)) / (rows * columns)) ** 2
    radius = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns)[None, :])
    edges = np.linspace(0.0, radius.max() + 1e-9, bins + 1)
    place = np.digitize(radius, edges) - 1
    place[0, 0] = -1  # the mean
    middles = (edges[:-1] + edges[1:]) / 2
    held = [band for band in range(bins) if (place == band).any()]
    amplitudes = [np.sqrt(power[place == band].mean()) for band in held]
    return middles[held].astype(np.float32), np.array(amplitudes, np.float32)

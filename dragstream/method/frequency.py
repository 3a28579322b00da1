"""Low-pass filtering of feature maps over height and width (Section 4.2.2, Eq. 5-8)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dragstream.drags.checks import at_least, check_fields, check_fraction


@dataclass(frozen=True)
class LowPass:
    """A Butterworth low-pass over the height and width of feature maps (Eq. 7).

    The filter is a value: frozen, comparable and hashable, so that a model can use it as a cache
    key. It acts on each frame and channel independently, so filtering several blocks at once
    equals filtering each of them.

    Args:
        cutoff: Radial frequency at which the magnitude falls to one half, in cycles per token,
            in (0, 1]. The Nyquist frequency along an axis is 0.5; 1 disables the filter.
        order: Order of the filter: larger is steeper beyond the cutoff.

    Raises:
        TypeError: A cutoff that is not a number, an order that is not an integer.
        ValueError: A cutoff outside (0, 1], an order below 1.
    """

    cutoff: float
    order: int = 4

    def __post_init__(self) -> None:
        check_fields(self, cutoff=check_fraction, order=at_least(1))

    @property
    def is_identity(self) -> bool:
        """True if the filter leaves maps unchanged."""
        return self.cutoff == 1.0

    def gain(self, height: int, width: int) -> Tensor:
        """Compute the gain at each frequency of the real FFT, shape (height, width // 2 + 1).

        It is `1 / (1 + (r / cutoff) ** (2 * order))`, where r is the length of the frequency
        vector in cycles per token.
        """
        rows = torch.fft.fftfreq(height, dtype=torch.float64, device="cpu")[:, None]
        columns = torch.fft.rfftfreq(width, dtype=torch.float64, device="cpu")[None, :]
        if self.is_identity:
            return torch.ones(height, width // 2 + 1, dtype=torch.float64)
        radius_squared = rows.square() + columns.square()
        # Divide twice: the square of a tiny cutoff would underflow to 0, and 0 / 0 is NaN.
        gain: Tensor = 1.0 / (1.0 + (radius_squared / self.cutoff / self.cutoff) ** self.order)
        return gain

    def __call__(self, maps: Tensor) -> Tensor:
        """Filter maps of shape (..., height, width, channels), keeping shape and dtype."""
        if maps.ndim < 3:
            raise ValueError(
                f"a low-pass needs maps of shape (..., height, width, channels), "
                f"got shape {tuple(maps.shape)}"
            )
        if self.is_identity:
            return maps
        height, width = maps.shape[-3], maps.shape[-2]
        working = maps if maps.dtype == torch.float64 else maps.float()  # no FFT in half precision
        gain = self.gain(height, width).to(device=working.device, dtype=working.dtype)
        spectrum = torch.fft.rfft2(working, dim=(-3, -2)) * gain[..., None]
        filtered: Tensor = torch.fft.irfft2(spectrum, s=(height, width), dim=(-3, -2))
        return filtered.to(maps.dtype)

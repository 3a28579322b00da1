"""Decodes latents to frames with any model's decoder; refuses values that are not finite."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.overrides import TorchFunctionMode

from dragstream.models.base import VideoModel
from dragstream.models.pixels import ADVICE

_CLAMPS = {"clamp", "clamp_", "clamp_min", "clamp_max", "clip", "clip_", "hardtanh"}
"""Functions that may turn an infinite number into a finite one."""


class _Finite(TorchFunctionMode):
    """Raises if numbers that are not finite are clamped or converted to uint8.

    NaN becomes 0 in uint8, so it has to be found before the conversion.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """See `TorchFunctionMode`."""
        if getattr(func, "__name__", "") in _CLAMPS:
            _check(args[0] if args else None)
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.dtype == torch.uint8:
            for value in args:
                _check(value)
        return result


def _check(value: object) -> None:
    if not isinstance(value, torch.Tensor) or not value.is_floating_point() or value.is_meta:
        return
    if not bool(torch.isfinite(value).all()):
        raise FloatingPointError("values that are not finite are converted to pixels")


def decode(model: VideoModel, latents: torch.Tensor, memory: Any) -> tuple[NDArray[np.uint8], Any]:
    """Latents (1, F, C, h, w) to read-only frames uint8 (T, H, W, 3), and the decoder's memory."""
    try:
        with torch.no_grad(), np.errstate(invalid="raise"), _Finite():
            decoded, after = model.decode(latents, memory)
        with np.errstate(invalid="raise"):
            frames = np.array(decoded).astype(np.uint8)
    except FloatingPointError as error:
        if "decoder" in str(error):  # of the package's own decoders, with a more precise message
            raise
        name = model.spec.name
        raise FloatingPointError(
            f"the decoder of {name!r} gave pixels that are not finite ({error}): {ADVICE}"
        ) from error
    frames.setflags(write=False)
    return frames, after

"""Reads masks from PNG files (`read_mask`)."""

from __future__ import annotations

from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags.checks import short_repr
from dragstream.drags.picture_files import BROKEN, MOST_PIXELS
from dragstream.drags.reading import Budget, located
from dragstream.drags.shapes import BoolMask, Mask

MOST_PIXELS_IN_ALL = 2**28
"""Most pixels of all masks that one `MaskReader` reads."""

_SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")


def read_mask(path: str | PathLike[str]) -> Mask:
    """A mask from a PNG file; light pixels are inside.

    - Grey and colour: pixels of at least half of full brightness; 16 bits are scaled.
    - A transparent layer with paint of one brightness, light or dark: pixels that are at least
      half opaque. With light and dark paint: pixels that are light and at least half opaque.
    - Only the values 0 and 1, or a palette of colours of which two are used, entry 0 and another:
      pixels other than 0.

    Args:
        path: A PNG file of any mode.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No readable PNG, more than `MOST_PIXELS` pixels, or ambiguous
            values: a grey mask that is dark everywhere but not black, a palette of which more
            entries are used. The message names the file and the brightest value.
    """
    return MaskReader().read(path)


class MaskReader:
    """Reads the masks of a folder: each file once, all of them within one budget of pixels."""

    def __init__(self) -> None:
        self._budget = Budget(pixels=MOST_PIXELS_IN_ALL)
        self._masks: dict[Path, Mask] = {}

    def read(self, path: str | PathLike[str]) -> Mask:
        """See `read_mask`."""
        file = Path(path)
        if not file.is_file():
            raise FileNotFoundError(f"there is no file {short_repr(str(file))}")
        key = file.resolve()
        if key not in self._masks:
            self._masks[key] = Mask(self._read(file))
        return self._masks[key]

    def _read(self, file: Path) -> BoolMask:
        readable = partial(located, f"{file.name} is no readable PNG", *BROKEN)
        with readable(), Image.open(file, formats=("PNG",)) as image:
            width, height = image.size
        if width * height > MOST_PIXELS:
            raise ValueError(
                f"{file.name} has {width} x {height} pixels, a mask may have at most {MOST_PIXELS}"
            )
        self._budget.spend("pixels", width * height, file.name)
        with readable(), Image.open(file, formats=("PNG",)) as image:
            values, palette = _values(image), _palette(image)
        return _light(values, file.name) if palette is None else _chosen(values, palette, file.name)


def _palette(image: Image.Image) -> NDArray[np.uint8] | None:
    """The colours (N, 3) of an image whose values are indices; None for others."""
    if image.mode != "P" or image.has_transparency_data:
        return None
    return np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)


def _values(image: Image.Image) -> NDArray[Any]:
    """A palette's indices (H, W), or brightness (H, W), maybe with opacity (H, W, 2)."""
    if image.mode in _SIXTEEN_BITS:
        values = np.asarray(image).astype(np.uint16)
        clear = image.info.get("transparency")
        return values if clear is None else np.where(values == clear, 0, values)
    if image.has_transparency_data:
        return np.asarray(image.convert("LA"))
    if image.mode == "P":
        return np.asarray(image)
    return np.asarray(image.convert("L"))


def _light(values: NDArray[Any], name: str) -> BoolMask:
    half = np.iinfo(values.dtype).max // 2
    if values.ndim == 2:
        return _bright(values, half, name)
    light, seen = values[..., 0] > half, values[..., 1] > half
    if seen.all():  # an opaque alpha channel
        return _bright(values[..., 0], half, name)
    mixed = bool((light & seen).any()) and bool((~light & seen).any())
    return np.asarray(light & seen if mixed else seen)


def _bright(values: NDArray[Any], half: int, name: str) -> BoolMask:
    brightest = int(values.max())
    if brightest == 1:
        return np.asarray(values > 0)
    if 0 < brightest <= half:
        raise ValueError(
            f"{name} is dark everywhere: its brightest value is {brightest} of {2 * half + 1}, "
            f"values above {half} are inside; save it as black and white"
        )
    return np.asarray(values > half)


def _chosen(indices: NDArray[Any], palette: NDArray[np.uint8], name: str) -> BoolMask:
    used = np.flatnonzero(np.bincount(indices.ravel()))
    known = used[used < len(palette)]
    colours = palette[known]
    if len(known) == len(used) and (colours == colours[:, :1]).all() and colours.max() > 127:
        return np.asarray(palette[:, 0][indices] > 127)  # shades of grey, up to light ones
    if len(used) > 2 or (len(used) == 2 and used[0] != 0):
        raise ValueError(
            f"{name} has a palette of which the entries {short_repr(used.tolist())} are used, the "
            f"brightest value is {used[-1]}: the inside is ambiguous; save it as black and white"
        )
    return np.asarray(indices > 0)

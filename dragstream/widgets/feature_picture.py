"""The picture that `FeatureView` shows: four panels and a spectrum, composed without a browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from dragstream.method.maps import Principal, radial_spectrum, similarity
from dragstream.stream.drag_targets import DragTargets

PANEL = 480
"""Width of a panel in pixels of the picture; twice what it has on most screens."""
GAP = 12
CHART = 190
"""Height of the spectrum."""

TARGET = (213, 94, 0)
KEEP = (86, 180, 233)
_ORIGINAL, _FILTERED, _LOST = (0, 158, 115), (213, 94, 0), (150, 150, 150)
_QUIET = (128, 128, 128)
"""Readable on white and on black."""
_BANDS = 12

Maps = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Size = tuple[int, int]


class Colouring(Enum):
    """Mapping of a feature, a vector of many channels, to a colour."""

    PRINCIPAL = "PCA colours"
    """The three directions in which features differ most, as red, green and blue."""
    CHANNEL = "one channel"
    """One of its numbers, from dark to light."""
    SIMILARITY = "similarity"
    """Its cosine similarity to a picked token's: blue for opposite, red for equal."""


@dataclass(frozen=True, eq=False)
class FeatureFrame:
    """The features of one latent frame and the way to draw them."""

    frame: Pixels  # its last video frame, uint8 (H, W, 3)
    block: Maps  # of its block, (F, rows, columns, channels); the colours are fitted to it
    place: int  # of the latent frame in its block
    filtered: Maps  # its features after a low-pass, (rows, columns, channels)
    cutoff: float  # of that low-pass, in cycles per token
    colouring: Colouring
    channel: int  # for one channel
    token: tuple[int, int]  # row and column of the picked one
    targets: DragTargets | None
    overlays: tuple[bool, bool, bool]  # of target, keep and focus

    @property
    def original(self) -> Maps:
        """The features of the frame as they are."""
        own: Maps = self.block[self.place]
        return own

    @property
    def difference(self) -> Maps:
        """The share of each token's feature that the low-pass removes: (rows, columns)."""
        lost = np.linalg.norm(self.original - self.filtered, axis=-1)
        whole = np.linalg.norm(self.original, axis=-1)
        return np.asarray(lost / np.maximum(whole, 1e-6), np.float32)


def panel_size(frame: Pixels) -> Size:
    """Width and height of a panel in pixels of the picture."""
    height, width = frame.shape[:2]
    return PANEL, round(PANEL * height / width)


def picture_size(frame: Pixels) -> Size:
    """Width and height of the whole picture."""
    width, height = panel_size(frame)
    return 2 * width + GAP, 2 * (height + GAP) + CHART


def token_at(x: float, y: float, frame: Pixels, rows: int, columns: int) -> tuple[int, int] | None:
    """The row and column of the token at a point of the picture, if one of its panels is there."""
    width, height = panel_size(frame)
    across, down = x % (width + GAP), y % (height + GAP)
    inside = 0 <= x < 2 * width + GAP and 0 <= y < 2 * height + GAP
    if not inside or across >= width or down >= height:
        return None
    return int(down * rows / height), int(across * columns / width)


def compose(features: FeatureFrame) -> Image.Image:
    """The picture: frame, features, low-passed, difference, and below them the spectrum."""
    sheet = Image.new("RGBA", picture_size(features.frame))
    width, height = panel_size(features.frame)
    paint = _painter(features)
    most = max(float(features.difference.max()), 1e-6)
    lost = _mapped("cividis", features.difference / most)
    taken = f"difference, up to {100 * most:.0f} %"
    names = ("frame", "features", f"low-passed, ω = {features.cutoff:g}", taken)
    panels = (
        _overlaid(features, (width, height)),
        _tiles(paint(features.original), (width, height)),
        _tiles(paint(features.filtered), (width, height)),
        _tiles(lost, (width, height)),
    )
    for number, (name, panel) in enumerate(zip(names, panels, strict=True)):
        if features.colouring is Colouring.SIMILARITY:
            _mark_token(panel, features)
        _tag(panel, name)
        row, column = divmod(number, 2)
        sheet.paste(panel, (column * (width + GAP), row * (height + GAP)), _rounded(panel.size))
    sheet.alpha_composite(_chart(features, (sheet.width, CHART)), (0, 2 * (height + GAP)))
    return sheet


def _painter(features: FeatureFrame) -> Callable[[Maps], Pixels]:
    """A function from features (rows, columns, channels) to colours, fitted to the block."""
    if features.colouring is Colouring.PRINCIPAL:
        return Principal.of(features.block).colours
    if features.colouring is Colouring.CHANNEL:
        low, high = np.quantile(features.block[..., features.channel], (0.02, 0.98))
        reach = max(float(high - low), 1e-6)
        return lambda maps: _mapped("cividis", (maps[..., features.channel] - low) / reach)
    picked = features.original[features.token]
    return lambda maps: _mapped("RdBu_r", (similarity(maps, picked) + 1) / 2)


def _mapped(name: str, values: NDArray[np.floating]) -> Pixels:
    """Numbers from 0 to 1 in the colours of a map."""
    from matplotlib import colormaps  # slow to import, and the view is folded away at first

    coloured = colormaps[name](np.clip(values, 0, 1), bytes=True)
    return np.asarray(coloured[..., :3], np.uint8)


def _tiles(colours: Pixels, size: Size) -> Image.Image:
    return Image.fromarray(colours).resize(size, Image.Resampling.NEAREST)


def _overlaid(features: FeatureFrame, size: Size) -> Image.Image:
    """The frame, with the targets of drags drawn over it."""
    frame = np.asarray(Image.fromarray(features.frame).resize(size, Image.Resampling.BICUBIC))
    pixels = frame.astype(np.float32)
    if features.targets is None:
        return Image.fromarray(frame)
    target, keep, focus = features.overlays
    if focus and features.targets.focus is not None:
        weight = _enlarged(features.targets.focus, size)
        pixels *= 0.35 + 0.65 * weight[..., None]
    if keep and features.targets.keep is not None:
        _tint(pixels, _enlarged(features.targets.keep.astype(np.float32), size), KEEP)
    if target:
        _tint(pixels, _enlarged(features.targets.target, size), TARGET)
    return Image.fromarray(pixels.round().astype(np.uint8))


def _enlarged(values: Maps, size: Size) -> Maps:
    image = Image.fromarray(np.asarray(values, np.float32), mode="F")
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR))


def _tint(pixels: Maps, cover: Maps, colour: tuple[int, int, int]) -> None:
    """Tint an area and draw its outline, in place."""
    pixels += (np.asarray(colour, np.float32) - pixels) * (0.3 * cover[..., None])
    inside = cover >= 0.5
    pixels[ndimage.binary_dilation(inside, iterations=2) & ~inside] *= 0.3  # shows on any colour
    pixels[inside & ~ndimage.binary_erosion(inside, iterations=3)] = colour


def _mark_token(panel: Image.Image, features: FeatureFrame) -> None:
    rows, columns = features.original.shape[:2]
    row, column = features.token
    left, right = (edge * panel.width / columns for edge in (column, column + 1))
    top, bottom = (edge * panel.height / rows for edge in (row, row + 1))
    ink = ImageDraw.Draw(panel)
    ink.rectangle((left, top, right - 1, bottom - 1), outline=(0, 0, 0), width=4)
    ink.rectangle((left + 1, top + 1, right - 2, bottom - 2), outline=(255, 255, 255), width=2)


def _tag(panel: Image.Image, text: str) -> None:
    """A name in the panel's corner, readable on any picture."""
    ink, font = ImageDraw.Draw(panel, "RGBA"), _font(20)
    left, top, right, bottom = ink.textbbox((16, 12), text, font)
    ink.rounded_rectangle((left - 8, top - 5, right + 8, bottom + 6), 8, (0, 0, 0, 150))
    ink.text((16, 12), text, (255, 255, 255), font)


def _rounded(size: Size) -> Image.Image:
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), 10, 255)
    return mask


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which has Greek letters and comes with matplotlib."""
    from matplotlib import get_data_path

    path = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), size)


def _chart(features: FeatureFrame, size: Size) -> Image.Image:
    """The radial spectra of the features, of the low-passed ones, and of their difference."""
    curves = [
        ("features", _ORIGINAL, radial_spectrum(features.original, _BANDS)),
        ("low-passed", _FILTERED, radial_spectrum(features.filtered, _BANDS)),
        ("difference", _LOST, radial_spectrum(features.original - features.filtered, _BANDS)),
    ]
    image = Image.new("RGBA", size)
    ink, font = ImageDraw.Draw(image), _font(18)
    left, right, top, bottom = 12, size[0] - 12, 40, size[1] - 36
    farthest = float(curves[0][2][0].max())
    highest = max(float(amplitudes.max()) for _, _, (_, amplitudes) in curves) or 1.0
    scale = (right - left) / farthest, (bottom - top) / highest
    if features.cutoff < farthest:
        x = left + features.cutoff * scale[0]
        ink.line((x, top - 4, x, bottom), _QUIET, 2)
        ink.text((x + 6, top - 8), f"ω = {features.cutoff:g}", _QUIET, font)
    ink.line((left, bottom, right, bottom), _QUIET, 2)
    ticks = np.arange(0, farthest, 0.1 if farthest > 0.3 else 0.05)
    for tick in ticks:
        x = left + float(tick) * scale[0]
        ink.line((x, bottom, x, bottom + 5), _QUIET, 2)
        ink.text((x, bottom + 8), f"{tick:g}", _QUIET, font, anchor="ma" if tick else "la")
    for _, colour, (frequencies, amplitudes) in reversed(curves):
        points = _polyline(frequencies, amplitudes, scale, (left, bottom))
        ink.line(points, colour, 5, joint="curve")
        for x, y in points:
            ink.ellipse((x - 5, y - 5, x + 5, y + 5), colour)
    _legend(ink, [(name, colour) for name, colour, _ in curves], right)
    return image


def _polyline(
    frequencies: Maps, amplitudes: Maps, scale: tuple[float, float], origin: tuple[int, int]
) -> list[tuple[float, float]]:
    return [
        (origin[0] + float(x) * scale[0], origin[1] - float(y) * scale[1])
        for x, y in zip(frequencies, amplitudes, strict=True)
    ]


def _legend(
    ink: ImageDraw.ImageDraw, entries: Sequence[tuple[str, tuple[int, int, int]]], right: int
) -> None:
    """Title to the left, names to the right, above the curves."""
    font = _font(18)
    ink.text((12, 4), "radial spectrum, over cycles per token", _QUIET, font)
    for name, colour in reversed(entries):
        width = ink.textlength(name, font)
        right -= round(width)
        ink.text((right, 4), name, _QUIET, font)
        ink.ellipse((right - 22, 9, right - 8, 23), colour)
        right -= 40

"""A still picture of blocks: one thumbnail each, dragged ones marked, as on the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from dragstream.stream.records import Mode
from dragstream.widgets.still import fitting

if TYPE_CHECKING:
    from dragstream.stream.records import Block

COLOURS = {Mode.ANIMATE: "#ff8a1f", Mode.EDIT: "#19b8d4", Mode.IMAGE: "#86b817"}
"""The colours of the marks; the front end has the same."""
_BOX = (192, 128)
_GAP = 6
_LINE = 20
_INK = "#444444"


def draw(blocks: Sequence[Block]) -> Image.Image:
    """The last frame of each block, side by side, with block and latent frame numbers."""
    if not blocks:
        raise ValueError("there is nothing to draw yet: the stream has no blocks")
    height, width = blocks[0].frames.shape[1:3]
    size = fitting((width, height), _BOX)
    sheet = Image.new("RGB", ((size[0] + _GAP) * len(blocks) - _GAP, size[1] + 2 * _LINE), "white")
    ink, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for place, block in enumerate(blocks):
        left = place * (size[0] + _GAP)
        sheet.paste(Image.fromarray(block.frames[-1]).resize(size), (left, 0))
        if colour := COLOURS.get(block.mode):
            ink.rectangle((left, size[1], left + size[0] - 1, size[1] + 3), fill=colour)
        latents = block.latent_frames
        lines = (
            f"block {block.index}" + (f" · {block.mode.value}" if block.mode in COLOURS else ""),
            f"latent {latents[0]}-{latents[-1]}, video {block.video_frames[-1]}",
        )
        for number, line in enumerate(lines):
            ink.text((left, size[1] + 6 + 15 * number), line, _INK, font)
    return sheet

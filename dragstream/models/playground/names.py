"""Sizes, kinds, colours, places and motions of the playground's world."""

from __future__ import annotations

WIDTH = 256
HEIGHT = 160
HORIZON = 52
FRAME_RATE = 8.0

KINDS = ("critter", "box", "star")
COLORS: dict[str, tuple[int, int, int]] = {
    "red": (222, 50, 52),
    "orange": (245, 136, 28),
    "yellow": (246, 209, 38),
    "green": (46, 168, 74),
    "blue": (44, 96, 214),
    "purple": (146, 62, 190),
}
PLACES: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    # wall (or sky) and floor; pale, so that a saturated pixel belongs to an object
    "room": ((236, 229, 217), (196, 174, 152)),
    "meadow": ((221, 234, 242), (173, 196, 158)),
    "beach": ((206, 226, 234), (226, 211, 178)),
    "snow": ((205, 213, 224), (240, 243, 247)),
}
MOTIONS = (
    "rests",
    "slides left",
    "slides right",
    "slides up",
    "slides down",
    "bounces",
    "spins",
    "turns",
)
CAMERA_MOTIONS = ("stands still", "pans left", "pans right")

"""DAI, dragging accuracy index (Eq. 11): distance of the target's patch from the handle's.

``DAI = mean_k' || z0^{k'}[Omega(p', r)] - z0^k[Omega(p, r)] || / (1 + 2 r)^2``: the patch of the
clean latents around the target point against the patch around the handle point before the drag.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dragstream.drags.checks import check_int, check_point
from dragstream.drags.files import expanded
from dragstream.drags.geometry import Affine, Grid
from dragstream.drags.labels import Label, Mode
from dragstream.drags.motions import Drag, targets
from dragstream.drags.reading import located

PAPER_RADIUS = 20
"""r of the paper, in pixels of a frame that is PAPER_WIDTH wide."""
PAPER_WIDTH = 832


def patch_radius(grid: Grid) -> int:
    """The paper's r = 20 pixels at 832 pixels of width, scaled to another frame; at least 1."""
    return max(1, round(PAPER_RADIUS * grid.width / PAPER_WIDTH))


def handle_point(drag: Drag, height: int, width: int) -> tuple[float, float]:
    """The handle point p (x, y) of a drag in a frame of that size, in pixels.

    It is the middle of the handle; a rotation's lies away from the centre (`Motion.anchor`).
    """
    return drag.motion.anchor(drag.mask(height, width))


def dai(
    reference: Tensor,
    dragged: Tensor,
    handle: tuple[float, float],
    targets: Sequence[Affine],
    *,
    grid: Grid,
    radius: int = PAPER_RADIUS,
) -> float:
    """Dragging accuracy index of one drag; lower is better.

    Patches have 2 r + 1 by 2 r + 1 samples, one a pixel, read bilinearly from the latents (which
    are coarser), with the border repeated outside the frame. Each sample's place is mapped from
    the handle to the target by the drag, so that for a translation this is Eq. 11 as printed and
    for a rotation the patch turns with the object.

    Args:
        reference: clean latents (C, h, w) of the frame that holds the handle, before the drag.
        dragged: clean latents (K, C, h, w), one per trajectory point.
        handle: the handle point p (x, y) in pixels.
        targets: K maps of pixels, from the reference frame to each trajectory point.
        grid: pixel and latent sizes.
        radius: r, in pixels; the figures of different radii do not compare. See
            :func:`patch_radius` for frames of another size than the paper's.

    Raises:
        TypeError: a radius that is not an integer.
        ValueError: latents of another shape than the grid's, another number of targets, or a
            radius below 1.
    """
    x, y = check_point(handle, "handle")
    radius = check_int(radius, "radius", least=1)
    size = (grid.latent_height, grid.latent_width)
    if reference.ndim != 3 or tuple(reference.shape[1:]) != size:
        raise ValueError(
            f"reference must have shape (C, {size[0]}, {size[1]}), got {tuple(reference.shape)}"
        )
    if dragged.shape[1:] != reference.shape or not len(dragged):
        raise ValueError(
            f"dragged must have shape (K, {', '.join(map(str, reference.shape))}), "
            f"got {tuple(dragged.shape)}"
        )
    if len(targets) != len(dragged):
        raise ValueError(f"{len(dragged)} dragged latents need as many targets: {len(targets)}")
    reach = np.arange(-radius, radius + 1, dtype=np.float64)
    around = np.stack(np.meshgrid(x + reach, y + reach), axis=-1)
    source = _sample(reference, around, grid)
    distances = [
        torch.linalg.vector_norm(_sample(latents, target.apply(around), grid) - source)
        for latents, target in zip(dragged, targets, strict=True)
    ]
    return float(torch.stack(distances).mean()) / (1 + 2 * radius) ** 2


def _sample(latents: Tensor, points: np.ndarray, grid: Grid) -> Tensor:
    """Bilinear samples (C, rows, columns) of `latents` (C, h, w) at pixels (rows, columns, 2)."""
    size = np.array([grid.width, grid.height], np.float64)
    # Pixel (0, 0) is the centre of the corner pixel; grid_sample puts the frame's edges at -1, 1.
    normalised = torch.from_numpy((points + 0.5) / size * 2 - 1).float()
    sampled = functional.grid_sample(
        latents.detach().float().cpu()[None],
        normalised[None],
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    return sampled[0]


@dataclass(frozen=True)
class LabelledDAI:
    """DAI of each drag of a label."""

    first_frame: int  # the latent frame that the label lies on
    radius: int  # r of the patches, in pixels; figures of different radii do not compare
    drags: tuple[float, ...]  # one figure a drag, in the label's order
    still: tuple[float, ...]  # the same if nothing had moved or changed

    @property
    def mean(self) -> float:
        """Mean of the drags' DAI."""
        return float(np.mean(self.drags))

    def to_json(self) -> dict[str, object]:
        """Plain lists and numbers."""
        return {"mean": self.mean, **asdict(self)}


def read_latents(path: str | Path) -> Tensor:
    """Clean latents (N, C, h, w) from a .npy or .safetensors file.

    A leading axis of length 1 is dropped. A .safetensors file holds them alone, or as "latents".
    """
    file = expanded(path)
    if not file.is_file():
        raise FileNotFoundError(f"there is no file of latents {str(file)!r}")
    # damaged files make numpy and safetensors raise many types
    with located(f"{str(file)!r} cannot be read as .npy or .safetensors", Exception):
        latents = _read(file)
    if latents.ndim == 5 and len(latents) == 1:
        latents = latents[0]
    if latents.ndim != 4 or not latents.is_floating_point() or not len(latents):
        raise ValueError(
            f"{str(file)!r} must hold float latents (frames, channels, height, width), "
            f"got {latents.dtype} {tuple(latents.shape)}"
        )
    if not bool(torch.isfinite(latents).all()):
        raise ValueError(f"{str(file)!r} holds latents that are not finite")
    return latents.float()


def _read(file: Path) -> Tensor:
    if file.suffix.lower() == ".npy":
        with file.open("rb") as stream:
            return torch.from_numpy(np.lib.format.read_array(stream, allow_pickle=False))
    from safetensors.torch import load_file

    stored = load_file(file)
    if "latents" not in stored and len(stored) != 1:
        raise ValueError(f"it must hold one tensor, or one named 'latents', got {sorted(stored)}")
    return stored["latents"] if "latents" in stored else next(iter(stored.values()))


def measure_latents(
    label: Label,
    latents: Tensor,
    *,
    before: Tensor | None = None,
    first_frame: int | None = None,
    radius: int | None = None,
) -> LabelledDAI:
    """DAI (Eq. 11) of clean latents (N, C, h, w) against a label.

    An animation's patches are compared between the labelled latent frame and each of those after
    it; an edit's between the labelled latent frame in `before` and in `latents`. `first_frame` is
    the labelled one's number (None: the label's own); `radius` is r in pixels (None: the paper's
    20, scaled from 832 pixels of width).

    Raises:
        ValueError: too few latent frames, latents of different sizes or of other proportions than
            the label's frames, or an edit without `before`.
    """
    first = label.latent_frame if first_frame is None else first_frame
    edit = label.mode is Mode.EDIT
    if edit and before is None:
        raise ValueError(
            "an edit is measured against the latents before it: give those as well "
            "(before, --before FILE)"
        )
    source = before if edit and before is not None else latents
    count = 1 if edit else len(label.deltas[0])
    start = first if edit else first + 1
    if first < 0:
        raise ValueError(f"first_frame must be at least 0, got {first}")
    for part, begin, end in ((source, first, first), (latents, start, start + count - 1)):
        if len(part) <= end:
            raise ValueError(
                f"there are {len(part)} latent frames, but frames {begin} to {end} are needed (the "
                f"label lies on latent frame {first}; give first_frame (--first-frame) if these "
                "latents start elsewhere)"
            )
    if source.shape[1:] != latents.shape[1:]:
        raise ValueError(
            f"the latents before and after must have one size, got {tuple(source.shape[1:])} and "
            f"{tuple(latents.shape[1:])}"
        )
    rows, columns = latents.shape[-2:]
    if abs(label.height / rows / (label.width / columns) - 1) > 0.02:
        raise ValueError(
            f"latents of {columns} x {rows} cells do not fit the label's frames of "
            f"{label.width} x {label.height} pixels"
        )
    grid = Grid(label.height, label.width, rows, columns, rows, columns)
    r = patch_radius(grid) if radius is None else radius
    reference, dragged = source[first], latents[start : start + count]
    found: dict[str, list[float]] = {"drags": [], "still": []}
    for drag in label.drags:
        commands = [drag.motion.at(1.0)] if count == 1 else targets(drag.motion, count)
        handle = handle_point(drag, grid.height, grid.width)
        for name, shown in (("drags", dragged), ("still", reference.expand(count, -1, -1, -1))):
            found[name].append(dai(reference, shown, handle, commands, grid=grid, radius=r))
    return LabelledDAI(first, r, tuple(found["drags"]), tuple(found["still"]))

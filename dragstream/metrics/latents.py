"""DAI of latents in files, against a released label."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dragstream.drags.files import expanded
from dragstream.drags.geometry import Grid
from dragstream.drags.labels import Label, Mode
from dragstream.drags.motions import Drag, targets
from dragstream.metrics.dai import dai, handle_point, patch_radius


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
    try:
        latents = _read(file)
    except Exception as error:
        raise ValueError(
            f"{str(file)!r} cannot be read as .npy or .safetensors: {error}"
        ) from error
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
        return torch.from_numpy(np.load(file, allow_pickle=False))
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
    _require(source, first, 1, first)
    _require(latents, start, count, first)
    if source.shape[1:] != latents.shape[1:]:
        raise ValueError(
            f"the latents before and after must have one size, got {tuple(source.shape[1:])} and "
            f"{tuple(latents.shape[1:])}"
        )
    grid = _grid(label, latents)
    chosen = patch_radius(grid) if radius is None else radius
    reference, dragged = source[first], latents[start : start + count]
    still = reference.expand(count, -1, -1, -1)
    return LabelledDAI(
        first,
        chosen,
        tuple(_one(drag, count, reference, dragged, grid, chosen) for drag in label.drags),
        tuple(_one(drag, count, reference, still, grid, chosen) for drag in label.drags),
    )


def _one(  # noqa: PLR0917
    drag: Drag, count: int, reference: Tensor, dragged: Tensor, grid: Grid, radius: int
) -> float:
    commands = [drag.motion.at(1.0)] if count == 1 else targets(drag.motion, count)
    handle = handle_point(drag, grid.height, grid.width)
    return dai(reference, dragged, handle, commands, grid=grid, radius=radius)


def _require(latents: Tensor, start: int, count: int, first: int) -> None:
    if first < 0:
        raise ValueError(f"first_frame must be at least 0, got {first}")
    if len(latents) < start + count:
        raise ValueError(
            f"there are {len(latents)} latent frames, but frames {start} to {start + count - 1} "
            f"are needed (the label lies on latent frame {first}; give first_frame (--first-frame) "
            "if these latents start elsewhere)"
        )


def _grid(label: Label, latents: Tensor) -> Grid:
    height, width = latents.shape[-2:]
    down, across = label.height / height, label.width / width
    if abs(down / across - 1) > 0.02:
        raise ValueError(
            f"latents of {width} x {height} cells do not fit the label's frames of "
            f"{label.width} x {label.height} pixels"
        )
    return Grid(label.height, label.width, height, width, height, width)

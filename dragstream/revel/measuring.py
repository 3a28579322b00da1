"""Runs a method on a case, on a fork of its stream, and measures the result: `measure`."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from dragstream.drags.checks import short_repr
from dragstream.drags.geometry import Affine, Grid
from dragstream.drags.motions import Drag
from dragstream.drags.regions import warp
from dragstream.method.rectification import Rectification
from dragstream.metrics.dai import dai, handle_point, patch_radius
from dragstream.metrics.matching import DescriptorMatching
from dragstream.metrics.objmc import LowCoverage, ObjMC, ObjMCOptions, json_number, objmc, span
from dragstream.metrics.stability import Drift, leak, swept
from dragstream.metrics.trackers import LucasKanade, Tracker, opencv, tracker_for
from dragstream.revel.looks import Looks, object_looks, outside_looks, warp_colors
from dragstream.revel.methods import Method
from dragstream.revel.poses import truth_tracker
from dragstream.revel.preparation import PreparedCase, VideoCommand, silhouettes, visible_targets
from dragstream.stream.records import Block, Mode

_RIM = 2
"""Margin of the removed part, pixels, for its antialiased outline."""


def cut_and_paste(
    frame: NDArray[np.uint8], part: NDArray[np.bool_], target: Affine
) -> NDArray[np.uint8]:
    """Move a part of a frame; pixels where it was take the nearest colour around."""
    hole = ndimage.binary_dilation(part, iterations=_RIM)
    if hole.all():
        hole = part
    rows, columns = ndimage.distance_transform_edt(
        hole, return_distances=False, return_indices=True
    )
    filled = frame[rows, columns].astype(np.float32)
    covered = warp(part, target)[..., None]
    moved = warp_colors(frame.astype(np.float32) / 255 * part[..., None], target)
    image: NDArray[np.uint8] = (moved + (1 - covered) * filled).round().astype(np.uint8)
    return image


_NEIGHBOURS = Rectification().neighbours
_LARGEST = 1e12
_SMALL = 256
"""Largest width, pixels, of frames that are tracked with a smaller window than by default."""
_MARGIN = 8.0
"""Margin around handle, targets and object, pixels, for the object's shadow and outline."""


@dataclass(frozen=True)
class Result(Looks):
    """The measures of one method on one case, and its image measures (`Looks`).

    Attributes:
        case: name of the case.
        method: name of the method.
        kind: the case's kind.
        mode: the case's mode.
        objmc: object motion consistency, pixels, by `tracker`; lower is better. NaN where too
            little could be followed (null in JSON).
        still: `objmc` of an object that does not move, pixels.
        coverage: share of points that `tracker` followed to the end.
        tracker: name of the tracker of `objmc`.
        objmc_flow: the same by a tracker that sees pixels only; None where it was off, or
            could not follow enough.
        dai: dragging accuracy index, latent units; lower is better.
        dai_pasted: `dai` of the object cut out and pasted at its target. It is not 0, since the
            autoencoder's latents depend on the position on their grid; a lower bound for drags.
            None where a latent frame holds more than one video frame.
        drift: distance of the latents' moments from those of the frames before them, both at the
            noise level of the drag, where rectification acts (Figure 2a), latent units.
        clean_drift: the same of the clean latents.
        mean_shift: part of `clean_drift`: mean over channels of |mean - mean'|, latent units.
        std_ratio: part of `clean_drift`: how the standard deviations changed, a factor.
        leak: mean absolute change outside the drag against no drag, grey levels; None where the
            drag reaches over the whole frame.
        seconds_per_block: time for a block, drag and decoding included.
        epe: mean end-point error of the points of `objmc_flow`, each against its own command,
            pixels; None where that is.
    """

    case: str
    method: str
    kind: str
    mode: str
    objmc: float
    still: float
    coverage: float
    tracker: str
    objmc_flow: float | None
    dai: float
    dai_pasted: float | None
    drift: float
    clean_drift: float
    mean_shift: float
    std_ratio: float
    leak: float | None
    seconds_per_block: float
    epe: float | None = None

    def to_json(self) -> dict[str, Any]:
        """A flat document; null for what could not be measured."""
        return {**asdict(self), "objmc": json_number(self.objmc)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Result:
        """The inverse of `to_json`. Measures that older runs did not have were not measured."""
        known = {field.name: str(field.type) for field in fields(cls)}
        needed = {field.name for field in fields(cls) if field.default is MISSING}
        given: object = document  # a line of a file
        if not isinstance(given, Mapping) or not needed <= set(document) <= set(known):
            raise ValueError(f"a result has the fields {sorted(known)}, got {short_repr(document)}")
        for name, value in document.items():
            kind = "float | None" if name == "objmc" else known[name]  # null: not measured
            if not _fits(value, kind):
                what = "a string" if kind == "str" else f"a number of at most {_LARGEST:g}"
                raise ValueError(f"{name} must be {what}, got {short_repr(value)}")
        objmc = float("nan") if document["objmc"] is None else document["objmc"]
        return cls(**{**document, "objmc": objmc})


def _fits(value: object, kind: str) -> bool:
    """True for a string in a field "str", a number in others, and None in optional ones."""
    if kind == "str":
        return isinstance(value, str)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return not abs(value) > _LARGEST if number else value is None and "None" in kind  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class ScoredVideo:
    """A video with its command.

    Attributes:
        command: the commanded motion.
        frames: uint8 (T, H, W, 3) in the command's size; the handles lie on the first one.
        flow: the tracker of pixels.
        flow_counts: if set, `flow` replaces detection by colour for cases of the packaged world.
        options: further arguments of `objmc`.
    """

    command: VideoCommand
    frames: NDArray[np.uint8]
    flow: Tracker | None = None
    flow_counts: bool = False
    options: ObjMCOptions = field(default_factory=ObjMCOptions)

    @cached_property
    def drags(self) -> tuple[Drag, ...]:
        """The measured motions: the command's, or with a camera one for each object."""
        return self.command.measured(self.frames[0])

    @cached_property
    def by_pixels(self) -> tuple[ObjMC, ...]:
        """ObjMC of each drag by the tracker of pixels."""
        return tuple(self._follow(drag, self.flow) for drag in self.drags)

    @cached_property
    def followed(self) -> tuple[ObjMC, ...]:
        """ObjMC of each drag: by detection of the case's subjects, or by the tracker of pixels."""
        case = self.command.case
        if self.flow_counts or case is None or not case.subjects:
            return self.by_pixels
        return tuple(
            self._follow(drag, truth_tracker(case.subjects[index], case.kinds[index], drag))
            for index, drag in enumerate(self.drags)
        )

    def _follow(self, drag: Drag, tracker: Tracker | None) -> ObjMC:
        options: ObjMCOptions = {**self.options, "tracker": tracker}
        commands = self.command.commands(drag)
        return follow(self.frames, drag, self.command.at, commands, **options)

    @cached_property
    def looks(self) -> Looks:
        """Image measures of the dragged objects at their targets."""
        drags = [(drag, self.command.commands(drag)) for drag in self.drags]
        return object_looks(self.command.case, self.frames, drags, self.command.at)


def run_method(prepared: PreparedCase, method: Method) -> tuple[Block, ...]:
    """Run a method on a case; returns the new blocks."""
    if method.settings is None:
        return prepared.plain
    case, branch = prepared.case, prepared.stream.fork()
    drags, keep = list(case.drags), case.keep
    if case.mode is Mode.EDIT:
        return (branch.edit(drags, keep=keep, settings=method.settings),)
    return tuple(branch.animate(drags, blocks=case.blocks, keep=keep, settings=method.settings))


def measure(
    prepared: PreparedCase,
    method: Method,
    flow: Tracker | None = None,
    blocks: Sequence[Block] | None = None,
) -> Result:
    """Run a method on a case, unless its `blocks` are given, and measure the result.

    `flow` is the tracker of pixels for `Result.objmc_flow`, and for `objmc` if the case has no
    subjects. A ValueError without both.
    """
    case = prepared.case
    blocks = run_method(prepared, method) if blocks is None else blocks
    if flow is None and not case.subjects:
        raise ValueError(f"case {case.name!r} names no subjects: a flow tracker is needed")
    video = ScoredVideo(prepared.command, prepared.film(blocks), flow)
    followed, flowed = video.followed, video.by_pixels if flow else None
    latents = _latents(blocks)
    moved = Drift.between(latents, _latents(_past(prepared))[-_NEIGHBOURS:])
    inside = _inside(prepared, blocks)
    return Result(
        case=case.name,
        method=method.name,
        kind=case.kind.value,
        mode=case.mode.value,
        objmc=mean([result.mean for result in followed]),
        still=mean([result.still for result in followed]),
        coverage=mean([result.coverage for result in followed]),
        tracker=followed[0].tracker,
        objmc_flow=json_number(mean([result.mean for result in flowed])) if flowed else None,
        dai=mean([_dai(prepared, latents, drag) for drag in video.drags]),
        dai_pasted=_dai_pasted(prepared),
        drift=_drift(prepared, blocks),
        clean_drift=moved.distance,
        mean_shift=moved.mean_shift,
        std_ratio=moved.std_ratio,
        leak=None
        if inside.all()
        else leak(video.frames[1:], prepared.new_frames(prepared.plain), inside),
        seconds_per_block=mean([block.timings.total for block in blocks]),
        epe=json_number(mean([result.point_by_point for result in flowed])) if flowed else None,
        **vars(replace(video.looks, **outside_looks(prepared, blocks, inside))),
    )


def mean(values: Iterable[float]) -> float:
    """The mean of at least one number; NaN if one of them is."""
    return float(np.mean(list(values)))


def follow(
    frames: NDArray[np.uint8],
    drag: Drag,
    at: Sequence[int],
    commands: Sequence[Affine],
    **options: Unpack[ObjMCOptions],
) -> ObjMC:
    """ObjMC of a drag at the points with its target in the frame, without `LowCoverage`."""
    seen = visible_targets(drag.mask(*frames.shape[1:3]), commands)
    with warnings.catch_warnings():
        # The result has the coverage.
        warnings.simplefilter("ignore", LowCoverage)
        return objmc(
            frames,
            drag,
            at=[at[index] for index in seen],
            commands=[commands[index] for index in seen],
            **options,
        )


def suited_tracker(command: VideoCommand, drags: Sequence[Drag]) -> Tracker | None:
    """A tracker of pixels for a case, the same for all methods; None without OpenCV."""
    try:
        opencv()
    except ImportError:
        return None
    if command.edit:  # the object may move farther than optical flow can follow
        return DescriptorMatching()
    if command.size[1] <= _SMALL:
        return LucasKanade(window=15)
    return tracker_for(
        max(span(each.mask(*command.size), command.commands(each)) for each in drags)
    )


def _latents(blocks: Sequence[Block]) -> Tensor:
    """All latents (N, C, h, w) of blocks."""
    return torch.cat([block.latents for block in blocks])


def _dai(prepared: PreparedCase, latents: Tensor, drag: Drag) -> float:
    """Of the last latents, one for each of the drag's commands."""
    commands, grid = prepared.command.commands(drag), prepared.stream.model.spec.grid
    before = prepared.stream.blocks[-1].latents[-1]
    return drag_dai(before, latents[-len(commands) :], drag, commands, grid)


def drag_dai(
    before: Tensor, latents: Tensor, drag: Drag, commands: Sequence[Affine], grid: Grid
) -> float:
    """DAI (Eq. 11) of a drag at the points with its target in the frame."""
    seen = visible_targets(drag.mask(grid.height, grid.width), commands)
    return dai(
        before,
        latents[seen],
        handle_point(drag, grid.height, grid.width),
        [commands[index] for index in seen],
        grid=grid,
        radius=patch_radius(grid),
    )


def _dai_pasted(prepared: PreparedCase) -> float | None:
    model, frame = prepared.stream.model, prepared.before
    if model.spec.clock.temporal_factor > 1:
        return None
    found = []
    for drag in prepared.measured:
        mask = drag.mask(*frame.shape[:2])
        images = [cut_and_paste(frame, mask, target) for target in prepared.command.commands(drag)]
        latents = torch.cat([model.encode_image(image)[0, -1:] for image in images])
        found.append(_dai(prepared, latents, drag))
    return mean(found)


def _past(prepared: PreparedCase) -> Sequence[Block]:
    """The blocks before the new ones."""
    past = prepared.stream.blocks
    return past[:-1] if prepared.case.mode is Mode.EDIT else past


def _drift(prepared: PreparedCase, blocks: Sequence[Block]) -> float:
    """At the drag's denoising step, against as many frames as rectification looks at."""
    settings = blocks[-1].settings
    chosen = settings.denoising_step if settings else None
    step = prepared.stream.model.spec.denoising_step if chosen is None else chosen
    return Drift.between(
        torch.cat([block.noisy[step] for block in blocks]),
        torch.cat([block.noisy[step] for block in _past(prepared)])[-_NEIGHBOURS:],
    ).distance


def _inside(prepared: PreparedCase, blocks: Sequence[Block]) -> NDArray[np.bool_]:
    """The handles, their targets and the objects, with a margin, bool (H, W)."""
    dragged = prepared.new_frames(blocks)
    inside = prepared.subjects_before | silhouettes(list(dragged), prepared.case.subjects)
    for drag in prepared.case.drags:
        inside |= swept(drag.mask(*inside.shape), prepared.command.commands(drag))
    return swept(inside, [], _MARGIN)

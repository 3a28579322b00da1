"""The commands ``objmc`` and ``dai``: a video, or its latents, against a released label."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import torch

from dragstream.drags.files import expanded
from dragstream.drags.geometry import FrameClock
from dragstream.drags.labels import (
    RELEASED_CLOCK,
    RELEASED_FRAMES_PER_BLOCK,
    Label,
    Mode,
    read_label,
)
from dragstream.metrics.cotracker import CoTracker
from dragstream.metrics.dai import measure_latents, read_latents
from dragstream.metrics.labelled import LabelledObjMC, find_before, find_video, measure_label
from dragstream.metrics.matching import DescriptorMatching
from dragstream.metrics.trackers import DenseFlow, LucasKanade, Tracker

Document = dict[str, Any]

NOT_MEASURED = 3
"""Exit status of commands that could not measure anything."""


def add_file(parser: argparse.ArgumentParser, name: str, text: str, **more: Any) -> None:
    """Add an option that takes a path."""
    parser.add_argument(name, type=expanded, help=text, **more)


def add_number(
    parser: argparse.ArgumentParser, name: str, default: float | None, text: str = ""
) -> None:
    """Add an option of the default's type, an integer if there is none; its help says which."""
    if default is not None:
        text = f"{text} (default: %(default)s)".strip()
    kind = int if default is None else type(default)
    parser.add_argument(name, type=kind, metavar="N", default=default, help=text)


def device_option(parser: argparse.ArgumentParser) -> None:
    """Add `--device`."""
    parser.add_argument(
        "--device", default="cpu", help="the torch device of the networks (default: cpu)"
    )


def device_of(options: argparse.Namespace) -> str:
    """The device, tried before anything is loaded."""
    try:
        torch.zeros(1, device=options.device)
    except (AssertionError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"--device {options.device} cannot be used: {reason}") from error
    return str(options.device)


def _label_options(parser: argparse.ArgumentParser) -> None:
    add_file(parser, "--label", "a label's folder, or its trajectory JSON", required=True)
    per_block, factor = RELEASED_FRAMES_PER_BLOCK, RELEASED_CLOCK.temporal_factor
    add_number(parser, "--frames-per-block", per_block, "latent frames of a block of the model")
    add_number(parser, "--temporal-factor", factor, "video frames per latent frame")


def add_objmc(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``objmc``."""
    _label_options(parser)
    video = (
        "the video made under the label, whole or only the blocks that it made; default: that of "
        "the released layout, block_0_<b>_<mode>_<n>.mp4, in the label's folder or in that of the "
        "outputs"
    )
    add_file(parser, "--video", video)
    before = (
        "the video before an edit, or before a video that begins after the labelled frame; "
        "default: block_0_<b>.mp4 beside the label or the video"
    )
    add_file(parser, "--before", before)
    handle = "picture of the labelled frame, before an edit, or where the video begins after it"
    add_file(parser, "--handle-frame", handle)
    first = "number of the labelled frame in the video, where tracking starts, from 0; default: "
    add_number(parser, "--first-frame", None, f"{first}the label's own, 12 b - 4 for block b")
    before = "the same of --before; default: the label's own, or the last of a shorter video"
    add_number(parser, "--before-frame", None, before)
    tracking_options(parser)
    add_number(parser, "--warn-below", 0.3, "warn where a smaller share was followed to the end")


def tracking_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a tracker and say how it is used."""
    text = (
        "default: SIFT descriptors for an edit; for an animation Lucas-Kanade, or DIS flow where "
        "handle and targets span over 400 pixels"
    )
    parser.add_argument("--tracker", choices=sorted([*TRACKERS, CoTracker.name]), help=text)
    add_file(parser, "--cotracker", "a copy of CoTracker's repository", metavar="FOLDER")
    add_file(parser, "--cotracker-weights", "CoTracker3's scaled_offline.pth", metavar="FILE")
    device_option(parser)
    add_number(parser, "--points", 256, "at most")
    add_number(parser, "--seed", 0, "of the points")
    text = "no figure where a smaller share of the points could be followed"
    add_number(parser, "--least-coverage", 0.15, text)


def add_dai(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dai``."""
    _label_options(parser)
    text = "clean latents (N, C, h, w) of the video made under the label, .npy or .safetensors"
    add_file(parser, "--latents", text, required=True)
    add_file(parser, "--before", "those of the video before an edit")
    text = "number of the labelled latent frame, from 0; default: the label's own"
    add_number(parser, "--first-frame", None, text)
    text = "of the patches, pixels; default: 20 at a width of 832, scaled to the label's"
    add_number(parser, "--radius", None, text)


def _label(options: argparse.Namespace) -> tuple[Label, FrameClock]:
    """The label, and the clock of its model, which numbers its frames."""
    clock = FrameClock(options.temporal_factor, RELEASED_CLOCK.frame_rate)
    label = read_label(options.label, clock=clock, frames_per_block=options.frames_per_block)
    return label, clock


TRACKERS = {kind.name: kind for kind in (DescriptorMatching, LucasKanade, DenseFlow)}


def named_tracker(options: argparse.Namespace) -> Tracker | None:
    """The tracker that the options name; None where they name none."""
    given = options.cotracker is not None or options.cotracker_weights is not None
    name = options.tracker or (CoTracker.name if given else None)
    if name == CoTracker.name:
        if options.cotracker is None:
            raise ValueError(f"--tracker {name} needs a copy of its repository: --cotracker FOLDER")
        device = device_of(options)
        return CoTracker(options.cotracker, options.cotracker_weights, device=device)
    if given:
        raise ValueError(f"--cotracker does not go with --tracker {name}")
    return None if name is None else TRACKERS[name]()


def run_objmc(options: argparse.Namespace) -> Document:
    """ObjMC of a video against a label: prints it, and returns it as JSON."""
    label, clock = _label(options)
    video = options.video or find_video(label, options.label)
    if video is None:
        raise ValueError(
            f"there is no block_0_{label.block}_{label.mode.value}_<n>.mp4 for the label "
            f"{str(options.label)!r}: name the video (--video FILE)"
        )
    result = measure_label(
        label,
        video,
        before=options.before or _before(options, label, video),
        handle_frame=options.handle_frame,
        first_frame=options.first_frame,
        before_frame=options.before_frame,
        clock=clock,
        frames_per_block=options.frames_per_block,
        tracker=named_tracker(options),
        points=options.points,
        seed=options.seed,
        least_coverage=options.least_coverage,
        warn_below=options.warn_below,
    )
    _report(label, result)
    return {
        "label": options.label.name,
        "video": video.name,
        "mode": label.mode.name.lower(),
        "block": label.block,
        **result.to_json(),
    }


def _before(options: argparse.Namespace, label: Label, video: Path) -> Path | None:
    """The video before the label's block, by its name; not where another frame is named."""
    named = options.handle_frame is not None
    whole = label.mode is Mode.ANIMATE and options.first_frame is not None
    return None if named or whole else find_before(label, options.label, video)


def _report(label: Label, result: LabelledObjMC) -> None:
    where = f"from frame {result.first_frame}" if result.first_frame >= 0 else "from its past"
    print(f"{label.mode.name.lower()} of block {label.block}, {where}")
    for index, drag in enumerate(result.drags):
        print(
            f"drag {index}: ObjMC {_figure(drag.mean, drag.coverage)}, "
            f"{drag.still:.2f} if nothing moved, coverage {drag.coverage:.0%}, by {drag.tracker}"
        )
        rows = zip(drag.frames, drag.commanded, drag.trajectory, drag.distances, strict=True)
        for frame, (goal_x, goal_y), (x, y), distance in rows:
            number = f"  frame {result.first_frame + frame:4d}: "
            if math.isnan(distance):
                print(f"{number}not measured")
                continue
            print(
                f"{number}commanded ({goal_x:6.1f}, {goal_y:6.1f})"
                f", tracked ({x:6.1f}, {y:6.1f}), {distance:6.2f} px apart"
            )
    print(f"ObjMC {_figure(result.mean, result.coverage)} by {result.tracker}")
    print(
        f"mean position (the paper's) {_figure(result.mean_position, result.coverage)}, "
        f"point by point {_figure(result.point_by_point, result.coverage)}"
    )


def _figure(value: float, coverage: float) -> str:
    missing = f"not measured (coverage {100 * coverage:.0f} %)"
    return missing if math.isnan(value) else f"{value:.2f} px"


def run_dai(options: argparse.Namespace) -> Document:
    """DAI of latents against a label: prints it, and returns it as JSON."""
    label, _ = _label(options)
    result = measure_latents(
        label,
        read_latents(options.latents),
        before=None if options.before is None else read_latents(options.before),
        first_frame=options.first_frame,
        radius=options.radius,
    )
    for index, (found, still) in enumerate(zip(result.drags, result.still, strict=True)):
        print(f"drag {index}: DAI {found:.4f}, {still:.4f} if nothing changed")
    print(f"DAI {result.mean:.4f} with r = {result.radius} px")
    return {"label": options.label.name, "latents": options.latents.name, **result.to_json()}

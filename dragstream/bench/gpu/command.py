"""The options of `python -m dragstream.bench gpu`, and the run that they ask for."""

from __future__ import annotations

import argparse
import functools
from typing import Any

from tqdm.auto import tqdm

from dragstream.drags.files import expanded

_MINUTES = 9.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    parser.add_argument("--out", type=expanded, required=True, help="folder of gpu.json, gpu.md")
    parser.add_argument("--size", choices=("real", "tiny"), default="real", help="(real)")
    parser.add_argument("--device", choices=("cuda", "cpu"), help="(cuda where there is one)")
    parser.add_argument("--minutes", type=float, default=_MINUTES, help=f"at most ({_MINUTES:g})")
    parser.add_argument("--only", nargs="+", metavar="PART", help="these parts alone")
    parser.add_argument("--again", nargs="+", metavar="PART", default=[], help="although known")


def measure(options: argparse.Namespace) -> str:
    """Measure what the folder lacks; return the table and what was done."""
    try:  # before any time is spent
        import torch
        from diffusers.models.autoencoders import autoencoder_kl_wan  # noqa: F401
    except ImportError as error:
        raise SystemExit(
            f"bench gpu needs diffusers, whose VAE it measures, and what diffusers needs: {error}; "
            f"pip install them first"
        ) from error

    from dragstream.bench.gpu.child import Child
    from dragstream.bench.gpu.parts import PARTS, Worker
    from dragstream.bench.gpu.runner import TABLE, forget, run

    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("there is no CUDA device here; --size tiny --device cpu rehearses")
    names = [part.name for part in PARTS]
    unknown = {*(options.only or ()), *options.again} - set(names)
    if unknown:
        raise SystemExit(
            f"unknown parts {', '.join(sorted(unknown))}; there are {', '.join(names)}"
        )
    parts = [part for part in PARTS if part.name in (options.only or names)]
    about = described(options.size, device)
    child = Child(Worker(options.size, device))
    try:
        forget(options.out, about, options.again)
        with tqdm(total=len(parts), desc="measuring", unit="part") as bar:
            summary = run(
                parts,
                child.results,
                options.out,
                about=about,
                seconds=60 * options.minutes,
                progress=functools.partial(_show, bar),
            )
    except ValueError as error:
        raise SystemExit(str(error)) from error
    except KeyboardInterrupt:
        raise SystemExit("stopped; the same command goes on where it was") from None
    finally:
        child.close()
    return f"{(options.out / TABLE).read_text('utf-8')}\n{summary}"


def described(size: str, device: str) -> dict[str, Any]:
    """Facts of the run for its results: model, device and machine."""
    from dragstream.bench.gpu.setup import BY_NAME
    from dragstream.bench.measure import machine

    release, found = BY_NAME[size].release, machine()
    return {
        "size": f"{size}, {release.name} at {release.width}x{release.height}, random weights",
        "device": found["gpu"] if device == "cuda" else f"CPU, {found['processor']}",
        "threads": found["threads"],
        "torch": found["torch"],
    }


def _show(bar: Any, name: str) -> None:
    bar.set_postfix_str(name)
    bar.update()

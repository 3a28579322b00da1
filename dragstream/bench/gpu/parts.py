"""The parts of the GPU measurements, in order, and the command that runs them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from tqdm.auto import tqdm

from dragstream.bench.gpu.child import Child
from dragstream.bench.gpu.kernels import attention, join
from dragstream.bench.gpu.live import live
from dragstream.bench.gpu.memory import memory
from dragstream.bench.gpu.passes import (
    block,
    decoders,
    fewer_iterations,
    iterations,
    profiles,
    rates,
)
from dragstream.bench.gpu.runner import TABLE, forget, run
from dragstream.bench.gpu.setup import BY_NAME, Part, Row, Setup
from dragstream.bench.gpu.suite import suite
from dragstream.bench.gpu.variants import attentions, compiled, dtypes, eight_bits
from dragstream.bench.measure import machine
from dragstream.drags.files import expanded

_MINUTES = 9.0
_RELEASED = ("DragStream", "released procedure", "times as fast")
_RING = ("ring buffer", "copy", "times as fast")
_KERNEL = ("kernel", "usual", "times as fast")
_LIVE = ("newest move", "a move that just missed a block", "")
_PLANNED = ("measured", "by ds.plan", "measured / planned")
_VARIANT = ("variant", "usual", "times as fast")

PARTS = (
    Part("rates", "The machine", ("", "", ""), 60, rates),
    Part("iteration", "An iteration of a drag", _RELEASED, 60, iterations),
    Part("block", "A block, the VAE's decoding included", _RELEASED, 80, block),
    Part("decoders", "Decoding a block", ("here", "beside", "times as fast"), 40, decoders),
    Part("profile", "The largest costs", ("seconds on the device", "", "share"), 40, profiles),
    Part("join", "Keys and values of one layer: ring buffer, copy", _RING, 20, join),
    Part("attention", "Attention of one layer", _KERNEL, 40, attention),
    Part("live", "A live drag, small decoder", _LIVE, 60, live),
    Part("memory", "Memory of a model and a block", _PLANNED, 100, memory),
    Part("tests", "Tests that need a GPU", ("", "", ""), 150, suite),
    Part("blocks", "Blocks with fewer iterations", _RELEASED, 80, fewer_iterations),
    Part("weights", "Weights and caches in 8 bits, small decoder", _VARIANT, 90, eight_bits),
    Part("attentions", "Attention by name, small decoder", _VARIANT, 90, attentions),
    Part("dtypes", "Other dtypes, small decoder", _VARIANT, 60, dtypes),
    Part("compiled", "Compiled layers, small decoder", _VARIANT, 120, compiled),
)
"""The most important ones first, since time may run out."""


@dataclass
class Worker:
    """Runs parts by name, with the models that they share."""

    size: str  # "real" or "tiny"
    device: str  # "cuda" or "cpu"
    _setup: Setup | None = field(default=None, repr=False)

    def __call__(self, name: str) -> Iterator[Row]:
        """Yield the rows of a part."""
        if self._setup is None:
            self._setup = Setup(BY_NAME[self.size], self.device)
        (part,) = (part for part in PARTS if part.name == name)
        return part.run(self._setup)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    parser.add_argument("--out", type=expanded, required=True, help="folder of gpu.json, gpu.md")
    parser.add_argument("--size", choices=("real", "tiny"), default="real", help="(real)")
    parser.add_argument("--device", choices=("cuda", "cpu"), help="(cuda where there is one)")
    parser.add_argument("--minutes", type=float, default=_MINUTES, help=f"at most ({_MINUTES:g})")
    parser.add_argument("--only", nargs="+", metavar="PART", help="these parts alone")
    parser.add_argument("--again", nargs="+", metavar="PART", default=[], help="although known")


def measure(options: argparse.Namespace) -> str:
    """Run the parts that the folder lacks; return the table and a summary."""
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("there is no CUDA device here; --size tiny --device cpu tries it out")
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
                progress=partial(_show, bar),
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

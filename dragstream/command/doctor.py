"""``dragstream doctor``: versions, devices, memory, ffmpeg and front ends of the installation."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dragstream import __version__
from dragstream.command.base import add_parser

_EXAMPLES = """
dragstream doctor
dragstream doctor --json > report.json
"""
_CORE = ("numpy", "torch", "diffusers", "pandas", "scipy", "pillow", "safetensors")
_EXTRAS = {
    "widgets": ("ipywidgets", "anywidget", "ipycanvas", "matplotlib", "imageio-ffmpeg"),
    "wan": ("transformers", "ftfy", "huggingface-hub"),
    "quant": ("torchao",),
    "metrics": ("opencv-python-headless", "torchmetrics"),
    "sweep": ("distributed",),
}
_FRONT_ENDS = ("jupyterlab", "notebook", "voila", "marimo")
_FFMPEG_SECONDS = 20


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    area: str  # versions, devices, ffmpeg, package or front ends
    name: str
    text: str
    ok: bool = True  # False for a part that is missing or broken
    needed: bool = True  # False for a part of an extra


def add(commands: Any) -> None:
    """Add the subcommand."""
    text = "list versions, devices, memory, ffmpeg and front ends, for a bug report"
    parser = add_parser(commands, "doctor", _run, text, _EXAMPLES)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _run(options: argparse.Namespace) -> int:
    found = list(examine())
    if options.json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        width = max(len(finding.name) for finding in found)
        area = ""
        for finding in found:
            if finding.area != area:
                area = finding.area
                print(area)
            mark = " " if finding.ok else "!" if finding.needed else "-"
            print(f" {mark} {finding.name:{width}}  {finding.text}")
    return 0 if all(finding.ok for finding in found if finding.needed) else 1


def examine() -> Iterator[Finding]:
    """Examine the installation; missing extras are findings that are not needed."""
    yield Finding("versions", "dragstream", f"{__version__} in {Path(__file__).parents[1]}")
    yield Finding("versions", "python", f"{platform.python_version()} in {sys.prefix}")
    yield Finding("versions", "platform", platform.platform())
    for extra, names in {"core": _CORE, **_EXTRAS}.items():
        yield from (_package(name, extra) for name in names)
    if importlib.util.find_spec("torch"):
        yield from _devices()
    yield _ffmpeg()
    yield from _files()
    yield from _front_ends()


def _package(name: str, extra: str) -> Finding:
    needed = extra == "core"
    try:
        return Finding("versions", name, importlib.metadata.version(name), needed=needed)
    except importlib.metadata.PackageNotFoundError:
        advice = "missing" if needed else f'missing: pip install "dragstream[{extra}]"'
        return Finding("versions", name, advice, ok=False, needed=needed)


def _devices() -> Iterator[Finding]:
    import torch

    from dragstream.models.attention_backends import available
    from dragstream.models.defaults import bfloat16_speed
    from dragstream.models.wan.room import free_memory, gigabytes

    free = free_memory(torch.device("cpu"))
    memory = "" if free is None else f", {gigabytes(free)} of memory free"
    yield Finding(
        "devices", "cpu", f"{os.cpu_count()} cores, {torch.get_num_threads()} threads{memory}"
    )
    speed = bfloat16_speed()
    text = f"{'quick' if speed > 1 else 'slow'}: {speed:.2g} times the speed of float32"
    yield Finding("devices", "bfloat16 cpu", text, ok=speed > 1, needed=False)
    yield Finding("devices", "attention cpu", ", ".join(available(torch.device("cpu"))))
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        device = torch.device("cuda", index)
        whole = torch.cuda.get_device_properties(device).total_memory
        free = free_memory(device) or 0
        text = f"{torch.cuda.get_device_name(device)}, {gigabytes(free)} of {gigabytes(whole)} free"
        yield Finding("devices", f"cuda:{index}", text)
        yield Finding("devices", f"attention cuda:{index}", ", ".join(available(device)))
    if not torch.cuda.is_available():
        built = f"torch is built for CUDA {torch.version.cuda}" if torch.version.cuda else ""
        text = f"none; {built or 'torch is built without CUDA'}"
        yield Finding("devices", "cuda", text, ok=False, needed=False)
    if torch.backends.mps.is_available():
        yield Finding("devices", "mps", "available")


def _ffmpeg() -> Finding:
    from dragstream.stream.mp4 import find_ffmpeg

    try:
        path = find_ffmpeg()
        done = subprocess.run(  # noqa: S603 - no shell
            [path, "-hide_banner", "-encoders"],
            capture_output=True,
            text=True,
            check=True,
            timeout=_FFMPEG_SECONDS,
        )
    except (ImportError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        return Finding("ffmpeg", "ffmpeg", " ".join(str(error).split()), ok=False, needed=False)
    if "libx264" not in done.stdout:
        text = f"{path} has no x264: films are gifs"
        return Finding("ffmpeg", "ffmpeg", text, ok=False, needed=False)
    return Finding("ffmpeg", "ffmpeg", f"{path}, with x264")


def _files() -> Iterator[Finding]:
    """Files that travel with the package beside its code."""
    package = Path(__file__).parents[1]
    for name, pattern in (
        ("front end", "widgets/static/*.js"),
        ("weights", "models/playground/weights/*.safetensors"),
    ):
        count = len(list(package.glob(pattern)))
        text = f"{count} files" if count else "missing: reinstall the package"
        yield Finding("package", name, text, ok=count > 0)


def _front_ends() -> Iterator[Finding]:
    found = [replace(_package(name, "lab"), area="front ends") for name in _FRONT_ENDS]
    yield from (finding for finding in found if finding.ok)
    if not any(finding.ok for finding in found):
        yield found[0]

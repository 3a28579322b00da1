"""The command-line option `--device`: the torch device of the networks."""

from __future__ import annotations

import argparse

import torch


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

"""A script that times blocks of whichever checkout is on PYTHONPATH: the worker of `against`.

`python -P timed_blocks.py '{"model": "playground", ...}'` reads "plain" or "dragged" from the
standard input, line by line, and answers each with the seconds of such a block. It imports nothing
of its own folder and uses only calls that older checkouts have, too.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import Any

_PULL = 12.0
"""Pixels of the drag: one segment."""


def main() -> None:
    """Answer requests until the input ends; results go to the original standard output."""
    answers, sys.stdout = sys.stdout, sys.stderr
    given = json.loads(sys.argv[1])
    ds = importlib.import_module("dragstream")
    model = _model(given)
    stream = ds.Stream(model, prompt=given["prompt"], seed=0)
    for _ in range(given["blocks"]):
        stream.step()
    grid = model.spec.grid
    centre = (grid.width / 2, grid.height / 2)
    disc = ds.regions.disc(center=centre, radius=min(grid.width, grid.height) / 8)
    drags = [ds.Drag(disc, ds.Translation.by(_PULL, 0.0))]
    print(json.dumps({"code": ds.__file__}), file=answers, flush=True)
    clock = time.process_time if given["device"] == "cpu" else time.perf_counter
    for line in sys.stdin:
        branch = stream.fork()
        started = clock()
        branch.animate(drags) if line.strip() == "dragged" else branch.step()
        if given["device"].startswith("cuda"):  # keys and values may still be on their way
            importlib.import_module("torch").cuda.synchronize()
        print(json.dumps({"seconds": clock() - started}), file=answers, flush=True)


def _model(given: dict[str, Any]) -> Any:
    if given["model"] == "playground":
        return importlib.import_module("dragstream").load("playground")
    import torch

    try:
        from dragstream.bench.random_models import random_wan
    except ImportError:  # before it had a module of its own
        from dragstream.bench.wan import random_wan  # type: ignore[attr-defined, no-redef]
    dtype = torch.float32 if given["device"] == "cpu" else torch.bfloat16
    return random_wan(given["model"], device=given["device"], dtype=dtype, **given["sizes"])


if __name__ == "__main__":
    main()

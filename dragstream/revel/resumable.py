"""Run methods on the playground's held-out scenes into a folder; an interrupted run continues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

from dragstream.metrics.trackers import Tracker
from dragstream.models.base import VideoModel
from dragstream.revel.cases import PLANNED, Case, Kind, Start
from dragstream.revel.ledger import Ledger, read_about, read_cases, read_results
from dragstream.revel.methods import Method
from dragstream.revel.scenes import playground_cases
from dragstream.revel.sweep import Result, measure, replay

__all__ = ["run_scenes"]

Progress = Callable[[Case, int], object]
"""Called after each case with the number of methods that it has results of."""


def run_scenes(
    model: VideoModel,
    methods: Sequence[Method],
    folder: str | Path,
    *,
    scenes: int,
    seed: int = 0,
    warm_up: int = 2,
    kinds: Sequence[Kind] = PLANNED,
    flow: Tracker | None = None,
    progress: Progress | None = None,
) -> list[Result]:
    """Measure every method on every held-out scene, except what the folder already holds.

    Results are written after each scene, so a stopped run loses one scene at most.

    Args:
        model: a model of the playground's frame size.
        methods: the methods to run on each scene.
        folder: the folder of a `Ledger`; made if it does not exist.
        scenes: number of scenes.
        seed: seed of the scenes.
        warm_up: plain blocks between the rendered start and the drag.
        kinds: kinds of the drags, see `playground_cases`.
        flow: a tracker that sees pixels only, see `measure`.
        progress: called after each scene.

    Returns:
        The results of these methods on these scenes, in the order of `methods` within each scene.

    Raises:
        ValueError: the folder holds results of another model, other weights, another seed or
            warm-up, or other settings of a method.
    """
    place = Path(folder)
    with Ledger.open(place) as ledger:
        known = read_cases(place)
        _check(place, known, model, seed, warm_up)
        ledger.begin(model.spec.name, methods)
        fresh = playground_cases(
            model, scenes, seed, warm_up=warm_up, first=len(known), kinds=kinds
        )
        names = []
        for case in chain(known[:scenes], fresh):
            missing = ledger.missing(case.name, methods)
            if missing:
                situation = replay(model, case)
                results = [measure(situation, method, flow) for method in missing]
                ledger.add(case, results, model.fingerprint())
            names.append(case.name)
            if progress is not None:
                progress(case, len(methods))
    found = {(each.case, each.method): each for each in read_results(place)}
    return [found[name, method.name] for name in names for method in methods]


def _check(folder: Path, known: Sequence[Case], model: VideoModel, seed: int, warm_up: int) -> None:
    """Check that a folder's cases were drawn from the same model, seed and warm-up."""
    about = read_about(folder) or {}
    weights = model.fingerprint()
    if about.get("fingerprint", weights) != weights:
        raise ValueError(
            f"{str(folder)!r} holds results of other weights of {about.get('model')!r}; "
            "use another folder"
        )
    for number, case in enumerate(known):
        start = case.start
        same = isinstance(start, Start) and (start.seed, start.scene) == (seed, number)
        if not same or case.block != warm_up + 1:
            raise ValueError(
                f"{str(folder)!r} holds the case {case.name!r}, which is not scene {number} of "
                f"seed {seed} with a warm-up of {warm_up}; use another folder"
            )

"""A run: methods on cases, results into a folder, here or on a cluster; it can be resumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm.auto import tqdm

from dragstream.metrics.trackers import Tracker
from dragstream.models import load
from dragstream.models.base import VideoModel
from dragstream.revel.case_folders import film_files
from dragstream.revel.cases import Case
from dragstream.revel.dispatch import dispatch
from dragstream.revel.folders import RunFolder
from dragstream.revel.measuring import Result, measure, run_method, suited_tracker
from dragstream.revel.methods import Method
from dragstream.revel.preparation import prepare, prepare_on
from dragstream.revel.sampling import SEED, sample_case
from dragstream.revel.scenes import SceneSpec, sample_scene_case
from dragstream.revel.suites import CaseSpec

if TYPE_CHECKING:
    from distributed import Client

Item = Case | CaseSpec | SceneSpec
"""A case, or the description of one to draw."""


@dataclass(frozen=True)
class Task:
    """One case and the methods still to run on it: the work of one worker at a time."""

    model: str | VideoModel  # a name that `load` takes, loaded by the worker; or a loaded model
    item: Item  # a case, or the description of one to draw
    methods: tuple[Method, ...]  # the methods to run
    seed: int = SEED  # seed of the draws of specs
    flow: Tracker | None = None  # tracker of pixels; None: the one that suits the case
    films: bool = False  # make films as well


Outcome = tuple[Case, tuple[Result, ...], str, dict[str, bytes] | None]
"""The case of a task, a result for each method, the model's fingerprint, and files of films."""


def run(
    items: Iterable[Item],
    methods: Sequence[Method],
    folder: str | Path,
    *,
    model: str | VideoModel = "playground",
    client: Client | None = None,
    gpus: bool = False,
    retries: int = 2,
    seed: int = SEED,
    flow: Tracker | None = None,
    films: bool = False,
    progress: bool = True,
    warn: Callable[[str], object] | None = None,
) -> dict[str, Exception]:
    """Run every method on every case; results that the folder already holds are not made again.

    The past of a case, its noise and its video without a drag are made once for all methods.
    Results are written as they come: a run may be stopped or killed, and called again.

    Args:
        items: cases, or specs or scenes to draw them for.
        methods: the methods to run on each.
        folder: folder of the results; made if it does not exist.
        model: a name that `load` takes; on a cluster each worker loads it once. A
            loaded model may be given as well.
        client: client of a Dask cluster: one task a case. None: here.
        gpus: a task needs a worker that offers ``resources={"GPU": 1}``.
        retries: number of further tries of a case that fails, on a cluster.
        seed: seed of the draws of specs.
        flow: a tracker that sees pixels only, for `Result.objmc_flow`; None: the one that suits
            the case, where OpenCV is installed.
        films: keep each method's film, too (`films`; extra ``widgets``).
        progress: show a progress bar.
        warn: called with each failure's text, when it happens.

    Returns:
        Exceptions of failed cases, by name; the next call tries those cases again.

    Raises:
        ValueError: two cases of one name, or a folder that holds another run.
    """
    chosen = list(items)
    counts = Counter(item.name for item in chosen)
    if twice := sorted(name for name, count in counts.items() if count > 1):
        raise ValueError(f"cases must have names of their own, got several of {twice}")
    with RunFolder.open(folder) as store:
        title = model if isinstance(model, str) else model.spec.name
        store.begin(title, methods, **_sampling(chosen, model, seed))
        tasks = {
            item.name: Task(model, item, missing, seed, flow, films)
            for item in chosen
            if (missing := store.missing(item.name, methods, films=films))
        }
        total, done = len(chosen), len(chosen) - len(tasks)
        with (
            closing(dispatch(work, tasks, client, gpus=gpus, retries=retries)) as outcomes,
            tqdm(total=total, initial=done, unit="case", disable=not progress) as bar,
        ):
            return _stored(outcomes, store, bar, warn)


def _stored(
    outcomes: Iterable[tuple[str, Outcome | Exception]],
    store: RunFolder,
    bar: Any,
    warn: Callable[[str], object] | None,
) -> dict[str, Exception]:
    """Store outcomes as they come; returns the exceptions of failed cases."""
    failures = {}
    for name, outcome in outcomes:
        if isinstance(outcome, Exception):
            failures[name] = outcome
            if warn is not None:
                warn(f"{name}: {type(outcome).__name__}: {outcome}")
        else:
            store.add(*outcome)
        bar.set_description(name)
        bar.update()
    return failures


def _sampling(items: Sequence[Item], model: str | VideoModel, seed: int) -> dict[str, Any]:
    """The values that all results of a folder must share, as far as they are known by now."""
    shared: dict[str, Any] = {} if isinstance(model, str) else {"fingerprint": model.fingerprint()}
    if any(isinstance(item, CaseSpec) for item in items):
        shared["seed"] = seed
    for item in items:
        if isinstance(item, SceneSpec):
            shared |= {"seed": item.seed, "warm_up": item.warm_up}
    return shared


def work(task: Task) -> Outcome:
    """Carry out a task, on a worker."""
    model = _loaded(task.model) if isinstance(task.model, str) else task.model
    match task.item:
        case CaseSpec():
            prepared = prepare_on(*sample_case(model, task.item, task.seed))
        case SceneSpec():
            prepared = prepare_on(*sample_scene_case(model, task.item))
        case _:
            prepared = prepare(model, task.item)
    flow = task.flow or suited_tracker(prepared.command, prepared.case.drags)
    results, frames = [], {}
    for method in task.methods:
        blocks = run_method(prepared, method)
        results.append(measure(prepared, method, flow, blocks))
        if task.films:
            frames[method.name] = prepared.new_frames(blocks)
    split = task.item.split.value if isinstance(task.item, CaseSpec) else ""
    films = film_files(prepared, frames, split) if task.films else None
    return prepared.case, tuple(results), model.fingerprint(), films


@lru_cache(maxsize=1)
def _loaded(name: str) -> VideoModel:
    """A model, once for all the tasks of a process."""
    return load(name)

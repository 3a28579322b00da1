"""Runs independent tasks in this process or on a Dask cluster: `dispatch`, `open_client`.

Results arrive in any order. An exception in one task does not stop the others. Dask repeats a task
whose worker died on another worker; finished tasks never run again.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from dragstream.drags.checks import check_int
from dragstream.drags.extras import needed

if TYPE_CHECKING:
    from distributed import Client

Item = TypeVar("Item")
Result = TypeVar("Result")

SCHEDULERS = "local, processes, or the address of a Dask scheduler such as tcp://host:8786"
"""Allowed schedulers, for help texts and errors."""
_REACH = 20
"""Seconds to wait for the scheduler's answer."""


def dispatch(
    work: Callable[[Item], Result],
    items: Mapping[str, Item],
    client: Client | None = None,
    *,
    gpus: bool = False,
    retries: int = 2,
) -> Generator[tuple[str, Result | Exception], None, None]:
    """Call `work` for each item; yields its name with the result or the exception.

    Closing the iterator (or an interrupt) cancels the tasks that have not begun.
    """
    check_int(retries, "retries", least=0)
    if client is None:
        return _run_locally(work, items)
    workers = client.scheduler_info(n_workers=-1)["workers"] if gpus else {}
    # Before any worker has joined, one with a GPU may still come.
    if workers and not any(worker["resources"].get("GPU") for worker in workers.values()):
        raise ValueError(
            f"none of the cluster's {len(workers)} worker(s) offers a GPU; start them with "
            "dask worker ADDRESS --nthreads 1 --resources GPU=1"
        )
    return _run_on_cluster(work, items, client, {"GPU": 1} if gpus else None, retries)


def _run_locally(
    work: Callable[[Item], Result], items: Mapping[str, Item]
) -> Generator[tuple[str, Result | Exception], None, None]:
    for name, item in items.items():
        try:
            yield name, work(item)
        except Exception as error:  # noqa: BLE001 - reported; the others continue
            yield name, error


def _run_on_cluster(
    work: Callable[[Item], Result],
    items: Mapping[str, Item],
    client: Client,
    resources: dict[str, int] | None,
    retries: int,
) -> Generator[tuple[str, Result | Exception], None, None]:
    from distributed import as_completed

    # Unique keys: for a known key Dask returns the stored result.
    ticket = uuid.uuid4().hex
    futures = {
        client.submit(
            work,
            item,
            key=f"revel-{name}-{ticket}",
            pure=False,
            resources=resources,
            retries=retries,
        ): name
        for name, item in items.items()
    }
    try:
        done = as_completed(list(futures), loop=client.loop, with_results=True, raise_errors=False)
        for future, result in done:
            name = futures.pop(future)
            failed = future.status == "error"  # before the release, which changes it
            # Results held on a worker are lost, and computed again, if that worker dies.
            future.release()
            yield name, result[1] if failed else result
    finally:
        client.cancel(list(futures))


@contextmanager
def open_client(
    scheduler: str, workers: int | None = None, *, gpus: int = 0
) -> Iterator[Client | None]:
    """A client of the named scheduler (`SCHEDULERS`), closed afterwards; None for "local".

    `workers` are those of "processes", as many as `gpus`, of which each sees one, or two without.

    Raises:
        ValueError: another scheduler, or numbers that do not fit it.
        ImportError: Dask is not installed.
        OSError: there is no answer from the address.
    """
    check_int(gpus, "gpus", least=0)
    if scheduler == "local":
        if workers is not None:
            raise ValueError(f'"local" has no workers, got workers={workers}; use "processes"')
        yield None
    elif scheduler == "processes":
        count = check_int(workers if workers is not None else gpus or 2, "workers", least=1)
        if gpus and count != gpus:
            raise ValueError(f"one worker a GPU: got {count} workers for {gpus} GPUs")
        with _processes(count, gpus=bool(gpus)) as client:
            yield client
    elif "://" in scheduler:
        with _dask().Client(scheduler, timeout=_REACH, set_as_default=False) as client:
            yield client
    else:
        raise ValueError(f"scheduler must be {SCHEDULERS}, got {scheduler!r}")


@contextmanager
def _processes(count: int, *, gpus: bool) -> Iterator[Client]:
    """A client of workers with one thread each; Dask's nannies restart dead workers."""
    dask = _dask()
    from dask import config  # comes with it

    nanny = {
        "nthreads": 1,
        "memory_limit": 0,  # models are large, and paging them out only slows them
        "dashboard": False,
        "host": "127.0.0.1",
        "silence_logs": logging.WARNING,  # the progress bar is enough
    }
    specification = {
        index: {"cls": dask.Nanny, "options": {**nanny, **(_gpu(index) if gpus else {})}}
        for index in range(count)
    }
    scheduler = {
        "cls": dask.Scheduler,
        "options": {"dashboard": False, "dashboard_address": ":0", "host": "127.0.0.1", "port": 0},
    }
    # Dask has workers give freed memory back at once, which a model asks for again with each layer:
    # they would spend a third of their time on that.
    kept = {"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None}
    with (
        config.set(kept),
        dask.SpecCluster(
            workers=specification, scheduler=scheduler, silence_logs=logging.WARNING
        ) as cluster,
        dask.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _gpu(index: int) -> dict[str, Any]:
    """Options of a worker that sees one GPU only and runs one task on it at a time."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    devices = [name for name in seen.split(",") if name]
    device = devices[index] if index < len(devices) else str(index)
    return {"resources": {"GPU": 1}, "env": {"CUDA_VISIBLE_DEVICES": device}}


def _dask() -> Any:
    return needed("distributed", 'schedulers other than "local" need Dask', "sweep")

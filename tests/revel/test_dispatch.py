"""Work on a real cluster of processes, one of which is killed."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cloudpickle
import pytest

from dragstream.revel.dispatch import dispatch, open_client

# Workers cannot import a test file: what it defines travels with the work.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


@dataclass(frozen=True)
class Errand:
    """Leaves a mark when it begins, and another one when it is done."""

    folder: Path
    name: str
    first_time: str = ""

    def mark(self, what: str) -> None:
        with (self.folder / "marks").open("a") as marks:
            marks.write(f"{what} {self.name} {os.getpid()}\n")


def marks(folder: Path) -> list[list[str]]:
    return [line.split() for line in (folder / "marks").read_text().splitlines()]


def work(errand: Errand) -> str:
    before = [name for what, name, _ in marks(errand.folder) if what == "begun"]
    errand.mark("begun")
    if errand.name not in before:
        if errand.first_time == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if errand.first_time == "fail":
            raise ValueError(f"{errand.name} failed")
    errand.mark("done")
    return errand.name.upper()


def errands(folder: Path, **first_times: str) -> dict[str, Errand]:
    (folder / "marks").touch()
    return {name: Errand(folder, name, first_times.get(name, "")) for name in "abcdef"}


def test_here_an_error_is_reported_and_the_others_go_on(tmp_path) -> None:
    found = dict(dispatch(work, errands(tmp_path, c="fail")))
    assert str(found.pop("c")) == "c failed"
    assert found == {name: name.upper() for name in "abdef"}


def test_a_killed_worker_loses_nothing_and_nothing_is_done_twice(tmp_path) -> None:
    with open_client("processes", 2) as client:
        trims = client.submit(os.environ.get, "MALLOC_TRIM_THRESHOLD_", pure=False)
        assert trims.result() is None  # it costs a model a third of its time
        found = dict(dispatch(work, errands(tmp_path, b="die", d="fail"), client))
    assert found == {name: name.upper() for name in "abcdef"}
    done = Counter(name for what, name, _ in marks(tmp_path) if what == "done")
    assert done == Counter("abcdef")
    begun = Counter(name for what, name, _ in marks(tmp_path) if what == "begun")
    assert begun == Counter("abbcddef")
    died, took_over = (pid for what, name, pid in marks(tmp_path) if (what, name) == ("begun", "b"))
    assert died != took_over
    assert str(os.getpid()) not in {pid for _, _, pid in marks(tmp_path)}


def test_an_error_that_stays_is_reported_after_its_retries(tmp_path) -> None:
    with open_client("processes", 1) as first, open_client(first.scheduler.address) as client:
        found = dict(dispatch(work, errands(tmp_path, e="fail"), client, retries=0))
        with pytest.raises(ValueError, match=r"none of the cluster's 1 worker\(s\) offers a GPU"):
            dispatch(work, errands(tmp_path), client, gpus=True)
    assert isinstance(found["e"], ValueError)
    assert sum(isinstance(result, Exception) for result in found.values()) == 1


def where(_: str) -> tuple[str | None, int]:
    time.sleep(0.2)
    return os.environ.get("CUDA_VISIBLE_DEVICES"), os.getpid()


def test_gpus_are_one_a_worker(monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    with open_client("processes", gpus=2) as client:
        found = dict(dispatch(where, dict.fromkeys("abcd", ""), client, gpus=True))
        offered = [each["resources"] for each in client.scheduler_info()["workers"].values()]
    assert {device for device, _ in found.values()} <= {"3", "5"}
    assert len({pid for _, pid in found.values()}) == len({d for d, _ in found.values()})
    assert offered == [{"GPU": 1}] * 2


@pytest.mark.parametrize(
    ("scheduler", "workers", "gpus", "said"),
    [
        ("slurm", None, 0, "scheduler must be local, processes, or the address"),
        ("local", 2, 0, '"local" has no workers'),
        ("processes", 0, 0, "workers must be at least 1"),
        ("processes", 3, 2, "one worker a GPU: got 3 workers for 2 GPUs"),
    ],
)
def test_schedulers_that_do_not_fit_are_refused(scheduler, workers, gpus, said) -> None:
    with pytest.raises(ValueError, match=said), open_client(scheduler, workers, gpus=gpus):
        pass

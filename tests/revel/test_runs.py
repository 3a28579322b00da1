"""Runs that are stopped, killed and gone on with: the same table in the end."""

from __future__ import annotations

import json

import pytest

from dragstream.method.settings import DragSettings
from dragstream.revel import runs
from dragstream.revel.cases import Case
from dragstream.revel.folders import RunFolder, read_about, read_cases, read_results
from dragstream.revel.methods import Method, select
from dragstream.revel.runs import Task, run, work
from dragstream.revel.suites import case_specs, suite, write_cases
from dragstream.revel.suites import read_cases as read_file

SPECS = case_specs()[:2]
NONE = select(["none"])[0]
ONE = Method("one", DragSettings.paper(iterations=1), "one step")
TWO = Method("two", DragSettings.paper(iterations=2), "two steps")


@pytest.fixture(scope="module")
def whole(model, tmp_path_factory):
    """A run that nothing disturbed, by (case, method), but for its times."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(SPECS, [NONE, ONE], folder, model=model, progress=False) == {}
    return table(folder)


def table(folder) -> dict:
    lines = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    found = {(line["case"], line["method"]): line for line in lines}
    assert len(found) == len(lines), "something was done twice"
    for line in lines:
        del line["seconds_per_block"]
    return found


def test_a_run_holds_every_method_on_every_case(whole) -> None:
    assert set(whole) == {(spec.name, method) for spec in SPECS for method in ("none", "one")}


def test_a_run_that_was_stopped_gives_the_same_table(model, whole, tmp_path, monkeypatch) -> None:
    done = []

    def stop(task: Task) -> runs.Outcome:
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(task.item.name)
        return work(task)

    with monkeypatch.context() as patch:
        patch.setattr(runs, "work", stop)
        with pytest.raises(KeyboardInterrupt):
            run(SPECS, [NONE, ONE], tmp_path, model=model, progress=False)
    assert len(table(tmp_path)) == 2
    # As if the machine had gone down while a line was being written.
    with (tmp_path / "results.jsonl").open("a") as lines:
        lines.write('{"case": "001-anim')
    again = []
    monkeypatch.setattr(runs, "work", lambda task: again.append(task.item.name) or work(task))
    assert run(SPECS, [NONE, ONE], tmp_path, model=model, progress=False) == {}
    assert again == [spec.name for spec in SPECS[1:]]
    assert table(tmp_path) == whole
    assert [case.name for case in read_cases(tmp_path)] == [spec.name for spec in SPECS]


def test_more_methods_add_to_what_is_there(model, whole, tmp_path, monkeypatch) -> None:
    run(SPECS[:1], [NONE], tmp_path, model=model, progress=False)
    asked = []
    monkeypatch.setattr(
        runs, "work", lambda task: asked.append([each.name for each in task.methods]) or work(task)
    )
    run(SPECS[:1], [NONE, ONE, TWO], tmp_path, model=model, progress=False)
    run(SPECS[:1], [NONE, ONE, TWO], tmp_path, model=model, progress=False)
    assert asked == [["one", "two"]]
    found = table(tmp_path)
    assert found[SPECS[0].name, "one"] == whole[SPECS[0].name, "one"]


def test_a_case_that_fails_is_reported_and_tried_again(model, whole, tmp_path, monkeypatch) -> None:
    told = []

    def fail(task: Task) -> runs.Outcome:
        if task.item.name == SPECS[1].name:
            raise MemoryError("no room")
        return work(task)

    with monkeypatch.context() as patch:
        patch.setattr(runs, "work", fail)
        failures = run(SPECS, [NONE, ONE], tmp_path, model=model, progress=False, warn=told.append)
    assert list(failures) == [SPECS[1].name]
    assert told == [f"{SPECS[1].name}: MemoryError: no room"]
    assert run(SPECS, [NONE, ONE], tmp_path, model=model, progress=False) == {}
    assert table(tmp_path) == whole


def test_cases_from_a_file_give_what_their_slots_gave(model, whole, tmp_path) -> None:
    run(SPECS, [NONE], tmp_path / "specs", model=model, progress=False)
    file = write_cases(tmp_path / "cases.jsonl", read_cases(tmp_path / "specs"))
    assert all(isinstance(case, Case) for case in suite(str(file)))
    run(suite(str(file)), [NONE, ONE], tmp_path / "file", model=model, progress=False)
    assert table(tmp_path / "file") == whole


def test_a_folder_takes_one_run_only(model, tmp_path) -> None:
    run(SPECS[:1], [ONE], tmp_path, model=model, progress=False)
    other = Method("one", DragSettings.paper(iterations=3), "one step")
    with pytest.raises(ValueError, match="other settings of 'one'"):
        run(SPECS, [other], tmp_path, model=model, progress=False)
    with pytest.raises(ValueError, match="another model: 'picture', not 'playground'"):
        run(SPECS, [ONE], tmp_path, progress=False)
    about = read_about(tmp_path)
    assert about["fingerprint"] == "picture"
    (tmp_path / "run.json").write_text(json.dumps({**about, "fingerprint": "other"}))
    with pytest.raises(ValueError, match="another fingerprint: 'other', not 'picture'"):
        run(SPECS, [ONE], tmp_path, model=model, progress=False)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ValueError, match="is damaged"):
        run(SPECS, [ONE], tmp_path, model=model, progress=False)


def test_one_process_writes_at_a_time(tmp_path) -> None:
    with (
        RunFolder.open(tmp_path),
        pytest.raises(ValueError, match="another process is writing"),
        RunFolder.open(tmp_path),
    ):
        pass


def test_names_must_differ(model, tmp_path) -> None:
    with pytest.raises(ValueError, match="names of their own"):
        run([SPECS[0], SPECS[0]], [NONE], tmp_path, model=model)
    assert not list(tmp_path.iterdir())


def test_a_damaged_line_is_named(model, tmp_path) -> None:
    run(SPECS[:1], [NONE], tmp_path, model=model, progress=False)
    with (tmp_path / "results.jsonl").open("a") as lines:
        lines.write('{"case": 1}\n')
    with pytest.raises(ValueError, match="line 2: a result has the fields"):
        read_results(tmp_path)


def test_a_run_on_a_cluster_gives_the_same_table(model, whole, tmp_path) -> None:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            dashboard_address=":0",
            resources={"GPU": 1},
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        failures = run(
            SPECS, [NONE, ONE], tmp_path, model=model, client=client, gpus=True, progress=False
        )
    assert failures == {}
    assert table(tmp_path) == whole


def test_suites_are_parts_of_the_plan(tmp_path) -> None:
    assert len(suite("revel")) == 204
    assert len(suite("ablation")) == 24
    assert not set(suite("public")) & set(suite("held-out"))
    assert set(suite("ablation")) < set(suite("public"))
    assert suite("revel", 3) == case_specs()[:3]
    with pytest.raises(ValueError, match="suite must be one of"):
        suite("nothing")
    with pytest.raises(FileNotFoundError, match="no file of cases"):
        read_file(tmp_path / "none.jsonl")

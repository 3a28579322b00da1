from __future__ import annotations

import json
import math
from contextlib import contextmanager
from dataclasses import replace

import pytest

from dragstream.method.settings import DragSettings
from dragstream.revel import __main__ as command
from dragstream.revel import runs
from dragstream.revel.measuring import Result, measure
from dragstream.revel.methods import ABLATIONS, BASELINE, constants, resolved, select
from dragstream.revel.tables import document, markdown, rows


def result(method: str, objmc: float, **changes: object) -> Result:
    fields = {
        "case": "c",
        "method": method,
        "kind": "translation",
        "mode": "animate",
        "objmc": objmc,
        "still": 12.0,
        "coverage": 1.0,
        "tracker": "world",
        "objmc_flow": None,
        "dai": objmc / 100,
        "dai_pasted": 0.03,
        "drift": 0.1,
        "clean_drift": 0.2,
        "mean_shift": 0.05,
        "std_ratio": 1.0,
        "leak": 0.5,
        "seconds_per_block": 1.0,
    }
    return Result(**{**fields, **changes})


RESULTS = [
    result("none", 10.0),
    result("I=4", 2.0, seconds_per_block=2.5),
    result("none", 20.0, kind="rotation", mode="edit", case="d"),
    result("I=4", 4.0, kind="rotation", mode="edit", case="d", objmc_flow=3.0),
]


def test_rows_are_means_and_ratios_are_of_means() -> None:
    found = rows(RESULTS)
    assert list(found) == ["none", "I=4"]
    assert found["none"]["objmc"] == 15.0
    assert found["I=4"]["objmc"] == 3.0
    assert found["I=4"]["ratio"]["objmc"] == pytest.approx(0.2)
    assert found["I=4"]["ratio"]["seconds_per_block"] == pytest.approx(1.75)
    assert found["I=4"]["objmc_flow"] == 3.0  # of the one case that has it
    assert found["none"]["objmc_flow"] is None
    assert found["none"]["ratio"]["objmc"] == 1.0
    assert found["I=4"]["cases"] == 2


NAN = float("nan")


def test_cases_without_a_figure_are_left_out_and_counted() -> None:
    lost = [*RESULTS, result("I=4", NAN, case="e", dai=0.03), result("none", 60.0, case="e")]
    found = rows(lost)
    assert found["I=4"]["objmc"] == 3.0
    assert (found["I=4"]["measured"], found["I=4"]["cases"]) == (2, 3)
    # Against no drag on the same two cases, not on all three.
    assert found["I=4"]["ratio"]["objmc"] == pytest.approx(0.2)
    outcome = document(lost, model="m", scenes=3, seed=0)
    text = json.dumps(outcome, allow_nan=False)
    assert Result.from_json(json.loads(text)["results"][4]).method == "I=4"
    assert "| 3.00 in 2 of 3 | 0.20 |" in markdown(json.loads(text))


def test_a_method_that_could_not_be_measured_says_so() -> None:
    lost = [RESULTS[0], result("I=4", NAN, coverage=0.03)]
    text = markdown(document(lost, model="m", scenes=1, seed=0))
    assert "| not measured (coverage 3 %) | – |" in text


def test_results_hold_what_was_not_measured_as_null() -> None:
    lost = result("I=4", NAN, dai=0.03)
    line = json.dumps(lost.to_json(), allow_nan=False)
    assert json.loads(line)["objmc"] is None
    assert math.isnan(Result.from_json(json.loads(line)).objmc)


def test_without_the_baseline_there_are_no_ratios() -> None:
    assert rows(RESULTS[1::2])["I=4"]["ratio"] is None


def test_documents_break_down_by_kind_and_mode() -> None:
    outcome = document(RESULTS, model="playground", scenes=2, seed=0, warm_up=2)
    assert {"rows", "by_kind", "scenes", "seed", "model", "warm_up", "results"} <= set(outcome)
    assert set(outcome["by_kind"]) == {"translation", "rotation", "animation", "editing"}
    assert outcome["by_kind"]["editing"]["I=4"]["objmc"] == 4.0
    assert outcome["by_kind"]["translation"]["none"]["objmc"] == 10.0
    for row in ("none", "I=4"):
        assert {"objmc", "dai", "drift", "clean_drift", "seconds_per_block", "leak"} <= set(
            outcome["rows"][row]
        )
    assert json.loads(json.dumps(outcome)) == outcome


def test_markdown_shows_means_with_ratios() -> None:
    text = markdown(document(RESULTS, model="playground", scenes=2, seed=0))
    lines = text.splitlines()
    numbers = "15.00 | 1.00 | – | 0.1500 | 1.00 | 0.100 | 0.200 | 0.50 | 1.00 |"
    assert lines[2] == "| no drag | – | – | " + numbers
    assert lines[3].startswith("| DragStream, I = 4 | – | – | 3.00 | 0.20 | 3.00 | 0.0300 | 0.20 |")
    assert "| DragStream, I = 4 | 2.00 (0.20) | 4.00 (0.20) | 2.00 (0.20) | 4.00 (0.20) |" in lines
    widths = {line.count("|") for line in lines[:4]}
    assert len(widths) == 1
    assert lines[-1] == (
        "An object that is cut out and pasted at its target, without a model, has a DAI of "
        "0.0300, 0.20 of no drag's (translation 0.30, rotation 0.15, animation 0.30, editing "
        "0.15): latents change with their place on the grid."
    )


def test_rows_state_their_rate_and_noise_level() -> None:
    constants = {"none": None, "I=4": {"rate": 0.6, "step": 5, "sigma": 0.5, "layers": [2, 3]}}
    text = markdown(document(RESULTS, model="playground", scenes=2, seed=0, constants=constants))
    head, _, none, full = text.splitlines()[:4]
    assert head.startswith("| method | rate | σ | ObjMC, px |")
    assert none.startswith("| no drag | – | – | 15.00 |")
    assert full.startswith("| DragStream, I = 4 | 0.6 | 0.5 | 3.00 |")


def test_what_no_drag_can_better_is_left_out_where_it_was_not_measured() -> None:
    unknown = [replace(each, dai_pasted=None) for each in RESULTS]
    assert "pasted" not in markdown(document(unknown, model="playground", scenes=2, seed=0))


def test_the_ablations_are_the_papers() -> None:
    settings = {method.name: method.settings for method in ABLATIONS}
    assert list(settings) == [
        BASELINE, "I=2", "I=3", "I=4", "no_adsr", "no_sfs", "no_css", "no_cst", "no_x0",
        "paper", "paper_rate=0.04", "released", "released_rate=model",
    ]  # fmt: skip
    assert settings[BASELINE] is None
    assert [settings[f"I={i}"].iterations for i in (2, 3, 4)] == [2, 3, 4]
    assert settings["no_adsr"].rectification is False
    assert settings["no_sfs"].cutoffs is False
    assert settings["no_css"].focus is False
    # Each ablation differs from I=4 in its part only.
    assert settings["no_adsr"].cutoffs == settings["I=4"].cutoffs
    assert settings["no_adsr"].focus == settings["I=4"].focus
    assert settings["I=4"] == DragSettings(warm_start=False)
    assert settings["paper"] == DragSettings.paper()
    assert settings["released"].iterations == 5


def test_presets_stand_at_the_models_rate_and_at_their_own(model) -> None:
    found = {each.name: resolved(each, model.spec) for each in ABLATIONS}
    assert found[BASELINE] is None
    rates = {name: each["rate"] for name, each in found.items() if each is not None}
    assert model.spec.learning_rate == 0.05
    assert rates["I=4"] == rates["paper"] == rates["released_rate=model"] == 0.05
    assert rates["paper_rate=0.04"] == 0.04
    assert rates["released"] == 0.02
    # Step, noise level and layers are the model's in every row.
    assert all(
        (each["step"], each["sigma"], each["layers"]) == (1, 0.5, [0])
        for each in found.values()
        if each is not None
    )
    other = {**DragSettings.released().to_json(), "learning_rate": None}
    (at_rate,) = (each.settings for each in ABLATIONS if each.name == "released_rate=model")
    assert at_rate.to_json() == other


def test_methods_without_a_rate_of_their_own_state_the_models(model) -> None:
    sg_i2v, drag_video = (resolved(each, model.spec) for each in select(["sg-i2v", "dragvideo"]))
    assert sg_i2v["rate"] == 0.05
    assert drag_video["rate"] == 0.0125  # a quarter, see `DragVideo`


def test_methods_are_chosen_by_name() -> None:
    assert [method.name for method in select(["I=4", "none"])] == ["none", "I=4"]
    with pytest.raises(ValueError, match="unknown methods \\['I=5'\\]; known are"):
        select(["I=5"])
    with pytest.raises(ValueError, match="no methods"):
        select([])


def test_the_command_writes_json_and_markdown(model, monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setattr(command, "load", lambda name: {"picture": model}[name])
    out, table = tmp_path / "deep" / "revel.json", tmp_path / "table.md"
    call = [
        "playground", "--model", "picture", "--scenes", "2", "--seed", "3", "--warm-up", "1",
        "--methods", "none,I=2", "--json", str(out), "--markdown", str(table),
    ]  # fmt: skip
    assert command.main(call) == 0
    outcome = json.loads(out.read_text())
    assert set(outcome["rows"]) == {"none", "I=2"}
    assert outcome["scenes"] == 2
    assert outcome["seed"] == 3
    assert outcome["model"] == "picture"
    assert len(outcome["results"]) == 4
    assert outcome["rows"]["none"]["objmc"] == pytest.approx(outcome["rows"]["none"]["still"])
    assert table.read_text() in capsys.readouterr().out


def test_a_dtype_is_the_loaded_model_s(monkeypatch, capsys) -> None:
    def refused(name, **options):
        raise ValueError(f"{name} {options}")

    monkeypatch.setattr(command, "load", refused)
    assert command.main(["live", "--dtype", "bfloat16"]) == 1
    assert "playground {'dtype': 'bfloat16'}" in capsys.readouterr().err
    assert command.main(["captions"]) == 1
    assert "playground {}" in capsys.readouterr().err


def test_a_stopped_command_continues(model, monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setattr(command, "load", lambda _: model)
    carried_out: list[tuple[str, str]] = []

    def counted(prepared, method, flow=None, blocks=None):
        if len(carried_out) == stop:
            raise KeyboardInterrupt
        carried_out.append((prepared.case.name, method.name))
        return measure(prepared, method, flow, blocks)

    monkeypatch.setattr(runs, "measure", counted)
    call = ["playground", "--scenes", "3", "--seed", "3", "--warm-up", "1", "--methods", "none,I=2"]
    stop = -1
    assert command.main(call) == 0
    whole = capsys.readouterr().out
    carried_out.clear()
    call += ["--out", str(tmp_path / "run")]
    stop = 3  # in the middle of the second scene
    assert command.main(call) == 130
    assert "the same command continues" in capsys.readouterr().err
    stop = -1
    assert command.main(call) == 0
    again = [pair for pair in carried_out if carried_out.count(pair) > 1]
    assert {case for case, _ in again} == {carried_out[2][0]}  # one scene was lost
    assert without_seconds(capsys.readouterr().out) == without_seconds(whole)
    before = len(carried_out)
    assert command.main(call) == 0
    assert len(carried_out) == before


def without_seconds(table: str) -> list[str]:
    return [line.rpartition("|")[0].rpartition("|")[0] for line in table.splitlines()]


def test_scenes_on_workers_give_the_same_table(model, monkeypatch, capsys) -> None:
    from distributed import Client, LocalCluster

    @contextmanager
    def cluster(scheduler: str, workers: int):
        assert (scheduler, workers) == ("processes", 2)
        made = LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0"
        )
        with made, Client(made, set_as_default=False) as client:
            yield client

    monkeypatch.setattr(command, "load", lambda _: model)
    call = ["playground", "--scenes", "3", "--seed", "3", "--warm-up", "1", "--methods", "none,I=2"]
    assert command.main(call) == 0
    here = capsys.readouterr().out
    monkeypatch.setattr(command, "open_client", cluster)
    monkeypatch.setattr(runs, "load", lambda _: model)
    runs._loaded.cache_clear()
    assert command.main([*call, "--scheduler", "processes", "--workers", "2"]) == 0
    runs._loaded.cache_clear()
    assert without_seconds(capsys.readouterr().out) == without_seconds(here)


@pytest.mark.parametrize("changed", ["seed", "warm_up"])
def test_a_folder_of_other_scenes_is_refused(
    model, monkeypatch, tmp_path, capsys, changed: str
) -> None:
    monkeypatch.setattr(command, "load", lambda _: model)
    options = {"--scenes": "1", "--seed": "3", "--warm-up": "1", "--methods": "none"}

    def call(options: dict[str, str]) -> int:
        words = [word for option in options.items() for word in option]
        return command.main(["playground", *words, "--out", str(tmp_path)])

    assert call(options) == 0
    assert call({**options, f"--{changed.replace('_', '-')}": "2"}) == 1
    assert f"a run with another {changed}: " in capsys.readouterr().err
    monkeypatch.setattr(model, "fingerprint", lambda: "others", raising=False)
    assert call(options) == 1
    assert "another fingerprint: 'picture', not 'others'" in capsys.readouterr().err


def test_constants_are_swept_as_a_grid() -> None:
    none, *grid = constants((1, 2), (0.05, 0.1), ((2, 3), (3,)))
    assert none.settings is None
    assert len(grid) == 8
    assert grid[3].title == "step 1, rate 0.1, layers 3"
    assert grid[3].settings.layers == (3,)
    assert grid[3].settings.learning_rate == 0.1
    assert grid[3].settings.denoising_step == 1


def test_the_command_sweeps_constants(model, monkeypatch, capsys) -> None:
    monkeypatch.setattr(command, "load", lambda _: model)
    call = ["constants", "--scenes", "1", "--warm-up", "1", "--steps", "0", "--rates", "0.1", "1"]
    assert command.main([*call, "--layers", "0"]) == 0
    printed = capsys.readouterr().out
    assert "step 0, rate 0.1, layers 0 |" in printed
    assert "step 0, rate 1, layers 0 |" in printed


def test_the_command_says_what_is_wrong(capsys) -> None:
    assert command.main(["playground", "--methods", "I=9"]) == 1
    assert "unknown methods ['I=9']" in capsys.readouterr().err

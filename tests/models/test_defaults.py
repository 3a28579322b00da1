"""How quick a processor is in bfloat16, and the warnings where it is slow."""

from __future__ import annotations

import time
import warnings

import pytest
import torch

import dragstream as ds
from dragstream.command.main import main
from dragstream.models import defaults
from dragstream.models.defaults import autocast_bfloat16, bfloat16_speed


@pytest.fixture(params=[2.0, 0.5])
def speed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """A processor that is quick in bfloat16, and one that is slow."""
    monkeypatch.setattr(defaults, "bfloat16_speed", lambda: request.param)
    return float(request.param)


def test_the_speed_is_the_ratio_of_the_shortest_times(monkeypatch: pytest.MonkeyPatch) -> None:
    # Differences of a clock's times, in turns: float32, bfloat16.
    pauses = [9.0, 8.0, 3.0, 2.0, 4.0, 1.5, 5.0, 6.0, 7.0, 7.0]
    times = [time for pause in pauses for time in (0.0, pause)]
    monkeypatch.setattr(time, "perf_counter", lambda: times.pop(0))
    assert bfloat16_speed.__wrapped__() == 3.0 / 1.5
    assert not times


def test_loading_in_bfloat16_warns_where_it_is_slow(speed: float) -> None:
    for dtype in ("float32", "bfloat16"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            ds.load("playground", dtype=dtype)
        found = [str(each.message) for each in caught]
        if speed < 1 and dtype == "bfloat16":
            (text,) = found
            assert text.startswith("bfloat16 has 0.5 times the speed of float32")
            assert text.endswith('load with dtype="float32"')
        else:
            assert not found


def test_the_doctor_says_how_quick_bfloat16_is(
    speed: float, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "bfloat16 cpu" in line)
    said = {2.0: "quick: 2 times", 0.5: "slow: 0.5 times"}[speed]
    assert line.split("bfloat16 cpu")[1].strip() == f"{said} the speed of float32"
    assert line.startswith(" -") is (speed < 1)


@pytest.mark.parametrize("report", [{"amx_bf16": True}, {"amx_bf16": False}, {}, None])
def test_training_takes_bfloat16_on_a_processor_with_amx(
    monkeypatch: pytest.MonkeyPatch, report: dict[str, bool] | None
) -> None:
    """The last is an older torch, which reports nothing."""
    if report is None:
        monkeypatch.delattr(torch.cpu, "get_capabilities")
    else:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: report)
    with autocast_bfloat16(torch.device("cpu")):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert (product.dtype is torch.bfloat16) is bool(report and report.get("amx_bf16"))

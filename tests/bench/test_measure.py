from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from dragstream.bench import __main__ as command
from dragstream.bench import measure as bench
from dragstream.bench.measure import (
    BlockCost,
    Comparison,
    Report,
    Spread,
    compare_models,
    kept_bytes,
    measure,
)
from dragstream.drags.geometry import Grid

MEBIBYTE = 2**20
REPORT = Report(
    plain_seconds=0.8,
    dragged_seconds=1.8,
    iterations=4,
    blocks_between=180,
    early=BlockCost(20, 0.8, 500 * MEBIBYTE),
    late=BlockCost(200, 0.84, 590 * MEBIBYTE),
    kept_bytes=MEBIBYTE // 4,
    peak_bytes=600 * MEBIBYTE,
)


class Clock:
    """Time that passes only when a block is made."""

    def __init__(self) -> None:
        self.now = 0.0


class SlowStream:
    """A stream whose block k takes k seconds, and 100 more when it is dragged."""

    clock: Clock

    def __init__(self, model: object, prompt: str, seed: int) -> None:
        self.model, self.prompt, self.seed = model, prompt, seed
        self.blocks: list[Any] = []

    def step(self) -> None:
        block = SimpleNamespace(
            latents=torch.zeros(3, 2, 4, 4),
            noisy=(torch.zeros(3, 2, 4, 4),) * 4,
            frames=np.zeros((3, 16, 32, 3), np.uint8),
            iterations=(),
        )
        self.blocks.append(block)
        self.clock.now += len(self.blocks)

    def animate(self, drags: list[Any], settings: Any) -> None:
        assert drags[0].motion.at(1.0).matrix[0][2] == 12
        self.step()
        self.blocks[-1].iterations = (None,) * settings.iterations
        self.clock.now += 100


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Any:
    clock = Clock()
    monkeypatch.setattr(SlowStream, "clock", clock, raising=False)
    monkeypatch.setattr(bench, "Stream", SlowStream)
    monkeypatch.setattr(bench.time, "perf_counter", lambda: clock.now)
    monkeypatch.setattr(bench, "resident_bytes", lambda: int(clock.now) * MEBIBYTE)
    return SimpleNamespace(spec=SimpleNamespace(grid=Grid.of(16, 32)))


def test_each_place_is_the_median_of_the_blocks_up_to_it(slow: Any) -> None:
    seen: list[int] = []

    report = measure(slow, "a red box", early=4, late=10, repeats=3, progress=seen.append)

    # Its twin has one block by then, and three more in the end.
    assert report.early == BlockCost(4, 3, (1 + 1 + 2 + 3 + 4) * MEBIBYTE)
    assert report.late == BlockCost(10, 9, (10 + 55) * MEBIBYTE)
    assert report.blocks_between == 6 + 3
    assert seen == list(range(1, 11))


def test_plain_and_dragged_blocks_take_turns(slow: Any) -> None:
    report = measure(slow, "a red box", early=4, late=10, repeats=3)

    assert report.plain_seconds == 13  # of blocks 11, 13, 15
    assert report.dragged_seconds == 114  # of blocks 12, 14, 16
    assert report.iterations == 4


def test_a_block_keeps_its_latents_its_noisy_ones_and_its_frames(slow: Any) -> None:
    report = measure(slow, "a red box", early=1, late=2, repeats=1)

    assert report.kept_bytes == 5 * (3 * 2 * 4 * 4 * 4) + 3 * 16 * 32 * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"early": 2, "late": 10, "repeats": 3}, "early must be at least 3, got 2"),
        ({"early": 4, "late": 5, "repeats": 3}, "late must be at least 7, got 5"),
        ({"early": 4, "late": 9, "repeats": 0}, "repeats must be at least 1, got 0"),
    ],
)
def test_places_without_room_are_refused(slow: Any, arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure(slow, "a red box", **arguments)


def test_ratios_follow_from_what_was_measured() -> None:
    assert REPORT.drag_ratio == pytest.approx(2.25)
    assert REPORT.time_growth == pytest.approx(1.05)
    assert REPORT.grown_bytes == pytest.approx(MEBIBYTE / 2)
    # of the 90 MiB gained, 45 are what 180 blocks keep
    assert REPORT.memory_growth == pytest.approx(545 / 500)


@pytest.mark.parametrize("speed", [2.0, 0.02])
def test_the_command_writes_what_it_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str], speed: float
) -> None:
    monkeypatch.setattr(command, "bfloat16_speed", lambda: speed)
    model = SimpleNamespace(spec=SimpleNamespace(name="tiny"), fingerprint=lambda: "abc")
    asked: dict[str, Any] = {}
    loaded: list[Any] = []
    monkeypatch.setattr(command.models, "load", lambda *a, **o: loaded.append((a, o)) or model)
    spreads = (Spread(each, each, each) for each in (0.4, 0.9, 2.2))
    found = {"plain block": Comparison(*spreads)}
    monkeypatch.setattr(command, "compare_models", lambda *_, **k: asked.update(k) or found)
    monkeypatch.setattr(command, "measure", lambda *_, **k: asked.update(k) or REPORT)
    target = tmp_path / "bench.json"

    command.main(["playground", "--late", "60", "--repeats", "2", "--json", str(target)])

    written = json.loads(target.read_text())
    assert written["model"] == "tiny"
    assert written["drag_ratio"] == pytest.approx(2.25)
    assert written["late"] == {"block": 200, "seconds": 0.84, "resident_bytes": 590 * MEBIBYTE}
    assert written["machine"]["torch"] == torch.__version__
    assert (asked["early"], asked["late"], asked["repeats"]) == (20, 60, 2)
    printed = capsys.readouterr().out
    assert "1.80 s (4 iterations), 2.25 x plain" in printed
    assert "0.50 MiB, 0.25 MiB of it kept" in printed
    narrow = ["playground", "playground-fast"] if speed > 1 else []
    assert loaded == [
        (("playground",), {}),
        (("playground-fast",), {}),
        *(((name,), {"dtype": "bfloat16"}) for name in narrow),
    ]
    assert asked["pairs"] == 2
    assert ("dtypes" in written) == ("fast_bfloat16" in written) == bool(narrow)
    for key in ("fast", "dtypes", "fast_bfloat16") if narrow else ("fast",):
        assert written[key]["plain block"]["ratio"]["median"] == 2.2
    assert "plain block       0.400 s  0.900 s    2.20    2.20    2.20" in printed


def test_kept_bytes_counts_each_tensor_once() -> None:
    block: Any = SimpleNamespace(
        latents=torch.zeros(3, 2), noisy=(), frames=np.zeros((1, 2, 2, 3), np.uint8)
    )

    assert kept_bytes(block) == 3 * 2 * 4 + 12


def test_models_take_turns_and_ratios_are_those_of_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    costs = {"wide": iter([9.0, 4.0, 8.0, 30.0]), "narrow": iter([9.0, 1.0, 4.0, 10.0])}
    order: list[str] = []

    def calls(model: Any, _prompt: str) -> dict[str, Any]:
        def call() -> None:
            order.append(model)
            clock.now += next(costs[model])

        return {"plain block": call}

    monkeypatch.setattr(bench, "_model_calls", calls)
    monkeypatch.setattr(bench.time, "process_time", lambda: clock.now)
    seen: list[str] = []

    found = compare_models("narrow", "wide", "a red box", pairs=3, progress=seen.append)  # type: ignore[arg-type]

    row = found["plain block"]  # the ratios are 4, 2 and 3
    assert (row.other.median, row.own.median, row.ratio.median) == (8.0, 4.0, 3.0)
    # the first ones do not count; then who begins changes from turn to turn
    assert order == ["wide", "narrow", "narrow", "wide", "wide", "narrow", "narrow", "wide"]
    assert seen == ["plain block"]

"""Each part of the GPU's measurement, tried out on a CPU at tiny size."""

from __future__ import annotations

import math

import pytest
import torch

from dragstream.bench.gpu import kernels, variants
from dragstream.bench.gpu import memory as memory_module
from dragstream.bench.gpu.memory import plans
from dragstream.bench.gpu.parts import PARTS, Worker
from dragstream.bench.gpu.setup import REAL, TINY, Row, Setup, attempt
from dragstream.bench.gpu.suite import marked, run_tests, summary
from dragstream.bench.measure import Comparison, Spread, alternate, comparison
from dragstream.models.causal_gradient import joined

CPU = torch.device("cpu")
BY_NAME = {part.name: part for part in PARTS}


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    pass


@pytest.fixture(scope="module")
def setup():
    return Setup(TINY, "cpu")


def rows(setup, name):
    return {row.name: row for row in BY_NAME[name].run(setup)}


def measured(found):
    return {name for name, row in found.items() if row.own is not None}


def test_calls_take_turns():
    made, now = [], iter(range(100))
    calls = [lambda: made.append("a"), lambda: made.append("b")]
    found = alternate(calls, 3, lambda: float(next(now)))
    assert "".join(made) == "abbaab"
    assert found == [(1.0, 1.0)] * 3


def test_ratios_are_of_neighbouring_runs():
    found = comparison([(1.0, 2.0), (2.0, 6.0), (10.0, 10.0)])
    assert found == Comparison(Spread(1, 2, 10), Spread(2, 6, 10), Spread(1, 2, 3))


def test_the_machine(setup):
    found = rows(setup, "rates")
    assert [row.unit for row in found.values()] == ["TFLOP/s", "GB/s"]
    assert all(row.own.median > 0 for row in found.values())


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("iteration", ["iteration", "iteration, released()"]),
        ("block", ["plain block", "block, 4 iterations"]),
        ("blocks", ["block, 2 iterations", "block, 3 iterations"]),
    ],
)
def test_passes_beside_the_procedure(setup, name, what):
    found = rows(setup, name)
    assert list(found) == [row for each in what for row in (each, f"{each}, working memory")]
    for each in what:
        row = found[each]
        assert row.ratio.median == pytest.approx(row.beside.median / row.own.median)
        memory = found[f"{each}, working memory"]
        assert memory.unit == "GB"
        assert memory.ratio.median == pytest.approx(memory.beside.median / memory.own.median)


def test_decoders(setup):
    found = rows(setup, "decoders")
    assert measured(found) == set(found)
    assert len(found) == 4
    frames, _ = setup.filled.decode()
    assert frames.shape == (12, 32, 48, 3)


def test_the_largest_costs_come_first(setup):
    found = rows(setup, "profile")
    plain = [row for name, row in found.items() if name.startswith("plain block")]
    assert len(plain) == 6
    assert "without the profiler" in plain[0].note
    shares = [row.ratio.median for row in plain[1:]]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1
    assert sum(name.startswith("iteration") for name in found) == 6


def test_the_join_has_the_shapes_of_a_block(setup):
    found = rows(setup, "join")
    assert measured(found) == set(found)
    query, past, current = kernels.layer_of(setup)
    keys, _ = joined((*past, current))
    ranges = setup.filled.context.visible_ranges(setup.filled.model.wan.config, 3)
    usual = setup.filled.context.kv_cache(0, ranges)
    assert [key.shape for key, _ in past] == [key.shape for key, _ in usual]
    # a window of 6 latent frames of 6 tokens, 3 of them new; one head of 16
    assert query.shape == current[0].shape == (1, 18, 1, 16)
    assert keys.shape == (1, 36, 1, 16)
    assert "a ring would save" in found["a plain block"].note


def test_kernels_that_are_missing_say_so(setup):
    found = rows(setup, "attention")
    assert "not measured" in found["forward, cuDNN"].note
    assert found["output and tap with gradient, beside autograd"].ratio.median > 0


def test_a_live_drag(setup):
    found = rows(setup, "live")
    fast, slow = found.values()
    assert slow.name == "newest move to its frames, at 16 frames a second"
    for row in (fast, slow):
        assert 0 < row.own.median < row.beside.median
    # its frames wait until those before have been shown: 12 frames at 16 a second
    assert slow.beside.median > 0.7


def test_memory_beside_the_plan(setup, monkeypatch):
    monkeypatch.setattr(memory_module, "_PLANS", 2)
    found = rows(setup, "memory")
    blocks = [name.split(",")[0] for name in found]
    assert blocks == ["plain block", "dragged block"] * 2
    assert next(iter(found)) == "plain block, everything on the device"
    assert measured(found) == set(found)
    for row in found.values():
        assert row.unit == "GB"
        # weights, caches and passes as planned; on a CPU also latents and frames of each block
        assert 0.95 < row.ratio.median < 1.5


def test_plans_of_the_real_size_change_no_number():
    found = plans(Setup(REAL, "meta"))
    assert [plan.release for plan in found] == [REAL.release] * 5
    assert found[-1].device_map.offload.swapped_layers == 14


def test_eight_bits(setup):
    found = rows(setup, "weights")
    cache = {f"{block}, keys and values int8" for block in ("plain block", "block, 4 iterations")}
    assert cache <= measured(found)
    for kind in ("weights fp8", "weights int8"):
        said = [row for name, row in found.items() if name.endswith(kind)]
        assert all(row.own is not None or "torchao" in row.note for row in said)


def test_each_attention_that_works(setup, monkeypatch):
    monkeypatch.setattr(
        variants, "available", lambda *asked: asked == (CPU, torch.float32, 16) and ("math",)
    )
    found = rows(setup, "attentions")
    assert measured(found) == {"plain block, attention math", "block, 4 iterations, attention math"}


def test_other_dtypes(setup):
    found = rows(setup, "dtypes")
    assert "plain block, bfloat16" in found
    assert "block, 4 iterations, bfloat16" in found
    assert all(row.own is not None or row.note.startswith("not") for row in found.values())


def test_compiled_layers(setup, monkeypatch):
    compiled = []
    monkeypatch.setattr(variants, "compile_layers", compiled.append)
    found = rows(setup, "compiled")
    assert measured(found) == {"plain block, compiled", "block, 4 iterations, compiled"}
    (wan,) = compiled
    assert wan is not setup.filled.model.wan
    weights = wan.state_dict(), setup.filled.model.wan.state_dict()
    assert all(torch.equal(a, b) for a, b in zip(*(each.values() for each in weights), strict=True))


def test_a_variant_that_fails_is_a_row(setup, monkeypatch):
    def refuse(_):
        raise RuntimeError("compile=True needs a compiler\nand more")

    monkeypatch.setattr(variants, "compile_layers", refuse)
    (row,) = rows(setup, "compiled").values()
    assert row.own is None
    assert row.note == "not measured: RuntimeError: compile=True needs a compiler"


def test_memory_that_is_missing_is_a_row():
    def measure():
        raise torch.OutOfMemoryError("tried to allocate 5 GiB")

    assert attempt("a block", measure) == Row(
        "a block", note="not measured: OutOfMemoryError: tried to allocate 5 GiB"
    )


def test_a_device_that_fails_ends_the_part():
    def measure():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal"):
        attempt("a block", measure)


def test_tests_need_a_gpu(setup):
    (row,) = rows(setup, "tests").values()
    assert row.note == "not measured: there is no GPU here"


def test_marked_tests_are_found(tmp_path):
    (tmp_path / "test_a.py").write_text("@pytest.mark.gpu\ndef test(): ...\n")
    (tmp_path / "test_b.py").write_text("def test(gpus): ...\n")
    assert marked(tmp_path) == [tmp_path / "test_a.py"]


def test_marked_tests_run_in_a_process(tmp_path):
    file = tmp_path / "test_a.py"
    lines = ["import pytest", "@pytest.mark.gpu", "def test_x(): assert 0", "def test_y(): pass"]
    file.write_text("\n".join(lines))
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = gpu\n")
    note = run_tests([file], tmp_path).note
    assert note.startswith("1 failed, 1 deselected in")
    assert note.endswith("; test_a.py::test_x")


def test_failed_tests_are_named():
    output = "F.\nFAILED tests/test_a.py::test_x - assert\n==== 1 failed, 8 passed in 2.10s ====\n"
    assert summary(output) == "1 failed, 8 passed in 2.10s; tests/test_a.py::test_x"
    assert summary("", "No module named pytest\n") == "No module named pytest"


def test_a_worker_knows_all_parts():
    worker = Worker("tiny", "cpu")
    assert [row.unit for row in worker("rates")] == ["TFLOP/s", "GB/s"]
    assert not math.isnan(sum(part.seconds for part in PARTS))
    assert len({part.name for part in PARTS}) == len(PARTS)

"""Low-passed reference features against those recorded from a causal Wan in the release's style."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from dragstream.method.block_drags import Reference
from dragstream.method.features import MapReader, References
from dragstream.method.frequency import LowPass
from dragstream.models.causal_wan import CausalWan

GOLDEN = Path(__file__).parents[1] / "golden" / "causal_wan_a"
CONFIG = json.loads(GOLDEN.with_suffix(".json").read_text())
LAYERS = CONFIG["taps"]


@pytest.fixture(scope="module")
def recorded():
    return load_file(GOLDEN.with_suffix(".safetensors"))


@pytest.fixture(scope="module")
def reference(recorded):
    wan = CausalWan.from_released(GOLDEN.with_suffix(".pt"), CONFIG)
    context = wan.new_context(recorded["text"])
    for predictions in recorded["x0"][:-1]:
        context = wan.commit(predictions[-1], context)
    return wan, Reference(recorded["drag.z"], CONFIG["sigmas"][1], context, frame=1)


def test_references_look_as_recorded_under_each_cutoff(recorded, reference):
    wan, where = reference
    low_passes = [LowPass(cutoff) for cutoff in (*CONFIG["cutoffs"], 1.0)]
    drag = SimpleNamespace(reference=where)
    (found,) = References.read(MapReader(wan, LAYERS), [drag], low_passes).features
    for low_pass in low_passes:
        suffix = "" if low_pass.is_identity else f".cutoff{low_pass.cutoff}"
        taps = [recorded[f"tap.{layer}{suffix}"].unflatten(1, (3, 4, 6)) for layer in LAYERS]
        expected = torch.cat(taps, dim=-1)[0, where.frame]
        torch.testing.assert_close(found[low_pass], expected, atol=1e-5, rtol=0)

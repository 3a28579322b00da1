"""Types of numbers by torch's names and by those that others use."""

import pytest
import torch

import dragstream as ds
from dragstream.models import defaults
from dragstream.models.attention_backends import matrices
from dragstream.models.causal_attention import Attention
from dragstream.models.causal_offload import OffloadConfig
from dragstream.models.defaults import read_dtype
from dragstream.models.wan.device_map import DeviceMap


@pytest.mark.parametrize(
    ("named", "dtype"),
    [
        ("bf16", torch.bfloat16),
        ("fp16", torch.float16),
        ("fp32", torch.float32),
        ("bfloat16", torch.bfloat16),
        ("torch.float16", torch.float16),
        (torch.float32, torch.float32),
    ],
)
def test_names(named, dtype):
    assert read_dtype(named) == dtype
    where = DeviceMap("cpu", named, vae_dtype=named, text_dtype=named).resolved()
    assert (where.dtype, where.vae_dtype, where.text_dtype) == (dtype, dtype, dtype)


@pytest.mark.parametrize("named", ["bf17", "int8", "Tensor", 16, torch.int64])
def test_other_names_are_refused_with_what_is_allowed(named):
    with pytest.raises(ValueError, match=r"'bfloat16' or 'bf16', .*got"):
        read_dtype(named)


def test_models_and_plans_take_them(quick, folders):
    model = quick(folders["self-forcing"], dtype="bf16", vae_dtype="fp32")
    assert model.wan.transformer.scale_shift_table.dtype == torch.bfloat16
    assert model.vae.dtype == torch.float32
    short, long = (
        ds.plan("self-forcing", height=480, width=832, device="cuda", dtype=dtype)
        for dtype in ("bf16", "bfloat16")
    )
    assert short.peak(dragged=True) == long.peak(dragged=True) > 10**9
    with pytest.raises(ValueError, match="'bf16'"):
        ds.plan("self-forcing", height=480, width=832, device="cuda", dtype="bf17")


def test_models_and_plans_take_an_attention(quick, folders):
    model = quick(folders["self-forcing"], attention="math")
    backends = {module.backend for module in model.wan.modules() if isinstance(module, Attention)}
    assert backends == {matrices}
    plan = ds.plan("self-forcing", height=480, width=832, device="cuda", attention="sage")
    assert plan.device_map.attention == "sage"  # of another machine, perhaps
    assert "attention='sage'" in plan.code()
    with pytest.raises(ImportError, match=r"attention='sage': .*sageattention"):
        quick(folders["self-forcing"], attention="sage")
    with pytest.raises(ValueError, match="attention must be one of sdpa, math"):
        quick(folders["self-forcing"], attention="wise")


def test_each_part_in_bfloat16_on_a_slow_processor_warns(quick, folders, monkeypatch):
    monkeypatch.setattr(defaults, "bfloat16_speed", lambda: 0.5)
    with pytest.warns(UserWarning, match=r"has 0\.5 times the speed") as caught:
        model = quick(folders["self-forcing"], dtype="bf16", vae_dtype="bf16")
    found = [str(each.message) for each in caught]
    advice = ('load with dtype="float32"', 'load with vae_dtype="float32"')
    assert tuple(text.partition("; ")[2] for text in found) == advice
    with pytest.warns(UserWarning, match=r"bfloat16.*text_dtype=\"float32\""):
        model.encode_text("a red bird")


def test_loading_takes_savings_by_name(quick, folders):
    model = quick(folders["self-forcing"], swapped_layers=1, keep_filtered=False)
    assert model.wan.offload == OffloadConfig(swapped_layers=1, keep_filtered=False)

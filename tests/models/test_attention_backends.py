"""Attention by name, and attention as matrix products."""

from __future__ import annotations

import math

import pytest
import torch

from dragstream.models import attention_backends, matrix_attention
from dragstream.models.attention_backends import available, by_default, find_backend
from dragstream.models.causal_wan import CausalWan

CPU = torch.device("cpu")


def qkv(queries, keys, *, batch=1, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    shapes = [(batch, count, 3, 8) for count in (queries, keys, keys)]
    return [torch.randn(shape, generator=generator).to(dtype) for shape in shapes]


def spelled_out(query, key, value):
    scores = torch.einsum("bqhd,bkhd->bhqk", query, key) / math.sqrt(query.shape[-1])
    return torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), value)


def found(name, dtype=torch.float32, dim=8):
    return find_backend(name, device=CPU, dtype=dtype, head_dim=dim)


@pytest.fixture
def few(monkeypatch):
    """All of them take seconds to try out."""
    monkeypatch.setattr(
        attention_backends, "_dispatcher_names", lambda: ("flash", "_native_math", "_native_cudnn")
    )


@pytest.mark.parametrize("name", [None, "sdpa", "math", "_native_math"])
@pytest.mark.parametrize("batch", [1, 2])
def test_each_computes_attention(name, batch):
    parts = qkv(10, 17, batch=batch)
    out = found(name)(*parts)
    assert out.shape == parts[0].shape
    torch.testing.assert_close(out, spelled_out(*parts), rtol=0, atol=1e-6)


@pytest.mark.parametrize("scores", [1, 40, 170, 400])  # a query, a few, a head, two heads
def test_tiles_change_nothing(monkeypatch, scores):
    parts = qkv(10, 17, batch=2)
    monkeypatch.setattr(matrix_attention, "_SCORES", scores)
    out = found("math")(*parts)
    torch.testing.assert_close(out, spelled_out(*parts), rtol=0, atol=1e-6)


def test_tiles_cover_each_score_once(monkeypatch):
    monkeypatch.setattr(matrix_attention, "_SCORES", 40)
    seen = torch.zeros(3, 10)
    for tile in matrix_attention._tiles(torch.zeros(3, 10, 8), torch.zeros(3, 17, 8)):
        assert seen[tile].numel() * 17 <= 40
        seen[tile] += 1
    assert torch.equal(seen, torch.ones(3, 10))


@pytest.mark.parametrize(("amx", "name"), [(False, "math"), (True, "sdpa")])
def test_the_default_is_by_matrices_for_bfloat16_on_a_cpu_without_amx(monkeypatch, amx, name):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": amx})
    wide, narrow = qkv(10, 17), qkv(10, 17, dtype=torch.bfloat16)
    assert torch.equal(by_default(*wide), found("sdpa")(*wide))
    assert torch.equal(by_default(*narrow), found(name)(*narrow))
    error = by_default(*narrow).float() - spelled_out(*wide)
    assert error.norm() < 0.02 * spelled_out(*wide).norm()


@pytest.mark.usefixtures("few")
def test_names_that_are_unknown_or_cannot_work_say_what_does():
    with pytest.raises(ValueError, match=r"one of sdpa, math, flash, .*got 'falsh'"):
        found("falsh")
    with pytest.raises(TypeError, match="attention must be a string, got 3"):
        found(3)
    here = r"on cpu there are sdpa, math, _native_math$"
    with pytest.raises(ImportError, match=rf"attention='flash': .*flash-attn.*{here}"):
        found("flash")
    with pytest.raises(ValueError, match=rf"'_native_cudnn': it does not work with .*{here}"):
        found("_native_cudnn")
    assert available(CPU) == ("sdpa", "math", "_native_math")


def test_kernels_from_elsewhere_are_not_offered():
    names = attention_backends._dispatcher_names()
    assert {"flash", "sage", "xformers", "flex"} <= set(names)
    assert not any(name.endswith("_hub") for name in names)


@pytest.mark.usefixtures("few")
def test_one_that_computes_something_else_is_refused(monkeypatch):
    from diffusers.models import attention_dispatch

    monkeypatch.setattr(attention_dispatch, "dispatch_attention_fn", lambda q, *_, **__: 1.1 * q)
    with pytest.raises(ValueError, match="differ from those of torch's attention; on cpu there"):
        found("_native_math")


@pytest.mark.usefixtures("few")
def test_a_model_uses_what_is_named_where_no_gradient_is_needed(tiny):
    torch.manual_seed(0)
    wan = CausalWan.from_config(tiny).requires_grad_(requires_grad=False)
    context = wan.commit(
        torch.randn(1, 2, 4, 8, 12), wan.new_context(torch.randn(1, 5, tiny["text_dim"]))
    )
    noisy = torch.randn(1, 2, 4, 8, 12)

    def outcomes():
        point = noisy.clone().requires_grad_()
        taps = wan.read(point, 0.6, context, (1,)).taps[0][1]
        return wan.denoise(noisy, 0.6, context), torch.autograd.grad(taps.square().sum(), point)[0]

    (before, gradient), calls = outcomes(), []

    def counted(*parts):
        calls.append(parts)
        return attention_backends.matrices(*parts)

    attention_backends._OWN["counted"] = counted
    try:
        wan.use_attention("counted")
    finally:
        del attention_backends._OWN["counted"]
    after, same = outcomes()
    assert len(calls) == 2 * tiny["num_layers"]  # of `denoise`: to the past, and to the text
    torch.testing.assert_close(after, before, rtol=0, atol=1e-5)
    assert torch.equal(same, gradient)
    with pytest.raises(ImportError):
        wan.use_attention("flash")
    assert torch.equal(outcomes()[0], after)  # as before the error
    assert torch.equal(wan.use_attention(None).denoise(noisy, 0.6, context), before)

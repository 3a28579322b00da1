"""Attention that computes no more gradient than is asked for, against differentiating all of it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from dragstream.models import causal_attention, causal_gradient, matrix_attention
from dragstream.models.causal_gradient import attend_with_tap, kernel_for

CPU = causal_gradient._KERNELS["cpu"]
MATRICES = causal_gradient._MATRICES


def tensors(seed, *shapes, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator).to(dtype) for shape in shapes]


def parts(tokens=(5, 7), new=6, heads=2, dim=8, dtype=torch.float32):
    """Query, kv_cache and current pairs of blocks of those many tokens."""
    shapes = [(1, count, heads, dim) for count in (new, new, new, *tokens, *tokens)]
    query, key, value, *rest = tensors(0, *shapes, dtype=dtype)
    kv_cache = list(zip(rest[: len(tokens)], rest[len(tokens) :], strict=True))
    return [part.requires_grad_() for part in (query, key, value)], kv_cache


def plain(query, keys, values):
    out = F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (query, keys, values)))
    return out.transpose(1, 2).flatten(2)


def apart(leaves, kv_cache):
    """Output and tap, each by an attention of its own."""
    query, key, value = leaves
    keys = torch.cat([*(k for k, _ in kv_cache), key], dim=1)
    values = torch.cat([*(v for _, v in kv_cache), value], dim=1)
    return plain(query, keys, values), plain(query, keys.detach(), values.detach())


@pytest.mark.parametrize("kernel", [CPU, MATRICES])
@pytest.mark.parametrize("past_tokens", [(), (5,), (5, 7, 300)])
@pytest.mark.parametrize("weights", [(1, 0), (0, 1), (1, 2)])
def test_output_and_look_share_one_attention(monkeypatch, kernel, past_tokens, weights):
    monkeypatch.setattr(matrix_attention, "_SCORES", 9000)  # several tiles
    leaves, kv_cache = parts(past_tokens, new=140)  # more queries than are spelled out at a time
    shared, separate = (
        attend_with_tap(kernel, leaves[0], kv_cache, (leaves[1], leaves[2])),
        apart(leaves, kv_cache),
    )
    for mine, wanted in zip(shared, separate, strict=True):
        torch.testing.assert_close(mine, wanted, rtol=0, atol=1e-6)
    targets = tensors(1, *(out.shape for out in shared))
    found, wanted = (
        torch.autograd.grad(
            sum(w * (out * t).sum() for w, out, t in zip(weights, outs, targets, strict=True) if w),
            leaves,
            allow_unused=True,
            retain_graph=True,
        )
        for outs in (shared, separate)
    )
    for mine, theirs in zip(found, wanted, strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            torch.testing.assert_close(mine, theirs, rtol=0, atol=2e-5)


def test_a_gradient_that_is_one_number_repeated():
    leaves, kv_cache = parts()
    shared = attend_with_tap(CPU, leaves[0], kv_cache, (leaves[1], leaves[2]))
    found = torch.autograd.grad(sum(out.sum() for out in shared), leaves, retain_graph=True)
    wanted = torch.autograd.grad(sum(out.sum() for out in apart(leaves, kv_cache)), leaves)
    for mine, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-5)


def test_constant_keys_receive_nothing():
    (query, key, value), kv_cache = parts()
    out, tap = attend_with_tap(CPU, query, kv_cache, (key.detach(), value.detach()))
    (found,) = torch.autograd.grad((out * 2).sum() + tap.square().sum(), query)
    wanted_out, wanted_tap = apart((query, key.detach(), value.detach()), kv_cache)
    (wanted,) = torch.autograd.grad((wanted_out * 2).sum() + wanted_tap.square().sum(), query)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
    assert all(part.grad is None for pair in kv_cache for part in pair)


@pytest.mark.parametrize("kernel", [CPU, MATRICES])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_widths(kernel, dtype):
    leaves, kv_cache = parts(dtype=dtype)
    exact = [leaf.detach().double().requires_grad_() for leaf in leaves]
    shared = attend_with_tap(kernel, leaves[0], kv_cache, (leaves[1], leaves[2]))
    wanted = apart(exact, [(k.double(), v.double()) for k, v in kv_cache])
    # matrices keep their normaliser in float32
    exactly = 1e-12 if kernel is CPU else 2e-6
    tolerance = exactly if dtype is torch.float64 else 0.05
    assert shared[0].dtype == dtype
    found = torch.autograd.grad(sum(out.square().sum() for out in shared), leaves)
    expected = torch.autograd.grad(sum(out.square().sum() for out in wanted), exact)
    for mine, theirs in zip((*shared, *found), (*wanted, *expected), strict=True):
        torch.testing.assert_close(mine.double(), theirs, rtol=tolerance, atol=tolerance)


class Held(TorchDispatchMode):
    """Counts attentions, and what the graph holds on to."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func.name().partition("::")[2])
        return func(*args, **(kwargs or {}))


def test_the_graph_keeps_the_block_but_not_the_joined_past():
    leaves, kv_cache = parts((64, 64))
    kept = []
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x)
    with hooks, Held() as seen:
        attend_with_tap(CPU, leaves[0], kv_cache, (leaves[1], leaves[2]))
    assert sum("flash" in name for name in seen.names) == 1
    assert max(x.shape[1] if x.ndim == 4 else 0 for x in kept) < 64


def test_where_the_kernel_serves():
    (query, key, value), kv_cache = parts()
    assert kernel_for(query, [*kv_cache, (key, value)]) is CPU
    assert kernel_for(query, [(key.double(), value.double())]) is None
    narrow = [part.bfloat16() for part in (query, key, value)]
    assert kernel_for(narrow[0], [(narrow[1], narrow[2])]) is MATRICES
    with torch.autocast("cpu", torch.bfloat16):
        assert kernel_for(query, [(key, value)]) is None
    assert kernel_for(query.to("meta"), [(key.to("meta"), value.to("meta"))]) is not None


class Broken:
    """A kernel as a later version of torch might have it."""

    def __init__(self, error):
        self.error = error

    def forward(self, query, key, value):
        return CPU.forward(query, key, value)

    def gradients(self, *arguments):
        if self.error is not None:
            raise self.error
        return tuple(3 * found for found in CPU.gradients(*arguments))

    query_gradient = CPU.query_gradient


@pytest.mark.parametrize("error", [None, TypeError("signature"), RuntimeError("schema")])
def test_a_kernel_that_is_not_right_is_not_used(monkeypatch, error):
    (query, key, value), kv_cache = parts()
    causal_gradient._matches_autograd.cache_clear()
    monkeypatch.setitem(causal_gradient._KERNELS, "cpu", Broken(error))
    try:
        assert kernel_for(query, [(key, value)]) is None
        out, tap = causal_attention.attend_after(query, kv_cache, (key, value))
    finally:
        causal_gradient._matches_autograd.cache_clear()
    assert tap is None
    torch.testing.assert_close(out, apart((query, key, value), kv_cache)[0], rtol=0, atol=1e-6)


@pytest.mark.gpu
def test_on_a_gpu_too():
    leaves, kv_cache = parts((128, 256), new=128, dim=64, dtype=torch.bfloat16)
    on = [leaf.detach().cuda().requires_grad_() for leaf in leaves]
    there = [(k.cuda(), v.cuda()) for k, v in kv_cache]
    kernel = kernel_for(on[0], [*there, (on[1], on[2])])
    assert kernel is not None
    exact = [leaf.detach().double().requires_grad_() for leaf in leaves]
    outs = attend_with_tap(kernel, on[0], there, (on[1], on[2]))
    wanted = apart(exact, [(k.double(), v.double()) for k, v in kv_cache])
    found = torch.autograd.grad(sum(out.float().square().sum() for out in outs), on)
    expected = torch.autograd.grad(sum(out.square().sum() for out in wanted), exact)
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine.cpu().double(), theirs, rtol=0.05, atol=0.02)

"""Compiled layers: the same numbers but for rounding, the same bits each time, compiled once."""

from __future__ import annotations

import pytest
import torch

from dragstream.models import causal_compile
from dragstream.models.causal_compile import compile_layers
from dragstream.models.causal_offload import OffloadConfig
from dragstream.models.causal_wan import CausalWan

pytestmark = [
    # The compiler looks at `.grad` of what it traces, and hides the warning where it is no error.
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning"),
    # It imports what its own library calls old.
    pytest.mark.filterwarnings("ignore:`torch.jit.script_method`:DeprecationWarning"),
]

SIGMA = 0.7


def make(tiny):
    torch.manual_seed(0)
    wan = CausalWan.from_config(tiny).requires_grad_(requires_grad=False)
    for weight in wan.parameters():  # loud enough that every input matters
        weight.copy_(torch.randn_like(weight) * 0.2)
    return wan


def latents_of(seed):
    return torch.randn(1, 2, 4, 8, 12, generator=torch.Generator().manual_seed(seed))


def streamed(wan, count):
    """Predictions of some blocks, and the contexts before and after them."""
    context = wan.new_context(torch.randn(1, 5, 10, generator=torch.Generator().manual_seed(9)))
    contexts, found = [context], []
    for seed in range(count):
        found.append(wan.denoise(latents_of(seed), SIGMA, contexts[-1]))
        contexts.append(wan.commit(found[-1], contexts[-1]))
    return found, contexts


def half(maps):
    return maps * 0.5


def dragged(wan, context):
    """Features under two filters, plain predictions, and a gradient through both."""
    latents = latents_of(99).requires_grad_()
    seen = wan.read(latents, SIGMA, context, (0, 1), (None, half)).taps
    taps = [tap for features in seen for tap in features.values()]
    clean = wan.read(latents, SIGMA, context, predict=True).x0
    loss = sum(part.square().mean() for part in (*taps, clean))
    return [*(tap.detach() for tap in taps), clean.detach(), *torch.autograd.grad(loss, latents)]


def close(found, wanted):
    for mine, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5 * float(theirs.abs().max()))


def same(found, wanted):
    return all(torch.equal(mine, theirs) for mine, theirs in zip(found, wanted, strict=True))


@pytest.fixture(scope="module")
def compiled():
    """A function, so that all tests share one model, and what is compiled for it."""
    made = {}

    def of(tiny):
        if not made:
            wan = make(tiny)
            compile_layers(wan)
            made["wan"] = wan
        return made["wan"]

    return of


def test_twelve_blocks_are_those_of_eager_layers_and_compile_with_the_first(compiled, tiny):
    wan, eager = compiled(tiny), make(tiny)
    streamed(wan, 1)
    with torch.compiler.set_stance("fail_on_recompile"):
        found, contexts = streamed(wan, 12)
        assert same(streamed(wan, 12)[0], found)
        again = wan.denoise(latents_of(4), SIGMA, contexts[4])  # rewound
    assert torch.equal(again, found[4])
    wanted, theirs = streamed(eager, 12)
    close(found, wanted)
    for mine, other in zip(contexts[-1].blocks, theirs[-1].blocks, strict=True):
        for pair, wanted_pair in zip(mine.layers, other.layers, strict=True):
            close(pair, wanted_pair)
    assert not same(found, wanted)  # else nothing was compiled


def test_gradients_are_those_of_eager_layers_and_compile_with_the_first(compiled, tiny):
    wan, eager = compiled(tiny), make(tiny)
    (_, contexts), (_, theirs) = streamed(wan, 5), streamed(eager, 5)
    first, wanted = dragged(wan, contexts[1]), dragged(eager, theirs[1])
    close(first, wanted)
    assert not torch.equal(first[-1], wanted[-1])  # else nothing was compiled
    with torch.compiler.set_stance("fail_on_recompile"):
        found = dragged(wan, contexts[5])
        assert same(dragged(wan, contexts[5]), found)
        assert same(dragged(wan, contexts[1]), first)
    close(found, dragged(eager, theirs[5]))


def test_economies_go_with_it(compiled, tiny):
    wan, eager = compiled(tiny), make(tiny)
    context, theirs = streamed(wan, 2)[1][-1], streamed(eager, 2)[1][-1]
    wanted = dragged(eager, theirs)
    try:
        for offload in (OffloadConfig(checkpointing=True), OffloadConfig(swapped_layers=2)):
            close(dragged(wan.place("cpu", offload), context), wanted)
    finally:
        wan.place("cpu", OffloadConfig())


def test_without_a_compiler_it_is_told_what_is_missing(tiny, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("No working C++ compiler found")

    monkeypatch.setattr(causal_compile.torch, "compile", fail)
    wan = make(tiny)
    with pytest.raises(RuntimeError, match=r"compile=True needs .*g\+\+.*No working C\+\+") as it:
        compile_layers(wan)
    assert "on cpu" in str(it.value)
    assert all(block._compiled_call_impl is None for block in wan.transformer.blocks)

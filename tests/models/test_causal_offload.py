"""Saving memory changes no number; a pass may have a shorter window than the model."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from dragstream.method.frequency import LowPass
from dragstream.models import causal_gradient
from dragstream.models.causal_offload import OffloadConfig
from dragstream.models.causal_wan import CausalWan

SIGMA = 0.9375


def make(config, **changes):
    torch.manual_seed(0)
    wan = CausalWan.from_config(config | changes)
    with torch.no_grad():
        for weight in wan.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.1)
    return wan


def latents_of(config, count):
    generator = torch.Generator().manual_seed(1)
    shape = (1, config["frames_per_block"], config["latent_channels"], 4, 6)
    return [torch.randn(shape, generator=generator) for _ in range(count)]


def rolled(wan, config, blocks):
    text = torch.randn(1, 5, config["text_dim"], generator=torch.Generator().manual_seed(2))
    context = wan.new_context(text)
    for block in blocks:
        context = wan.commit(block, context)
    return context


def everything(wan, config):
    """x0, features, filtered features, and the gradients of features, prediction and both."""
    *before, block = latents_of(config, 4)
    context = rolled(wan, config, before)
    block.requires_grad_()
    taps = wan.read(block, SIGMA, context, (0, 2)).taps[0]
    (gradient,) = torch.autograd.grad(sum(tap.square().sum() for tap in taps.values()), block)
    x0 = wan.read(block, SIGMA, context, predict=True).x0
    (through_all,) = torch.autograd.grad(x0.square().sum(), block)
    filtered = wan.read(block.detach(), SIGMA, context, (0, 2), (LowPass(0.3),)).taps[0]
    both = wan.read(block, SIGMA, context, (0, 2), predict=True)
    loss = both.x0.square().sum() + sum(tap.square().sum() for tap in both.taps[0].values())
    (through_both,) = torch.autograd.grad(loss, block)
    found = [x0, *taps.values(), *filtered.values(), gradient, through_all, through_both]
    return [part.detach() for part in found]


@pytest.mark.parametrize(
    "offload",
    [
        OffloadConfig(checkpointing=True),
        OffloadConfig(swapped_layers=2),
        OffloadConfig(swapped_layers=3, checkpointing=True),
        OffloadConfig(keep_filtered=False),
    ],
    ids=repr,
)
@pytest.mark.parametrize("trainable", [False, True])
def test_offload_changes_no_number(tiny, offload, trainable):
    wan = make(tiny).requires_grad_(trainable)
    lavish = everything(wan, tiny)
    causal_gradient._matches_autograd.cache_clear()  # as in a new process
    frugal = everything(wan.place("cpu", offload), tiny)
    assert all(torch.equal(a, b) for a, b in zip(lavish, frugal, strict=True))
    assert all(weight.requires_grad is trainable for weight in wan.parameters())


def saved_bytes(wan, config):
    """What an iteration keeps for the way back, weights aside."""
    *before, block = latents_of(config, 4)
    context = rolled(wan, config, before)
    weights = {weight.untyped_storage().data_ptr() for weight in wan.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        taps = wan.read(block.requires_grad_(), SIGMA, context, (2,)).taps[0]
    assert taps[2].requires_grad
    return sum(kept.values())


def test_checkpointing_keeps_little(tiny):
    wan = make(tiny).requires_grad_(requires_grad=False)
    lavish = saved_bytes(wan, tiny)
    wan.place("cpu", OffloadConfig(checkpointing=True))
    assert saved_bytes(wan, tiny) < lavish / 2


def test_swapped_layers_come_as_copies_and_stay_at_home(tiny):
    wan = (
        make(tiny).requires_grad_(requires_grad=False).place("cpu", OffloadConfig(swapped_layers=2))
    )
    home = [weight.data_ptr() for weight in wan.transformer.blocks[2].parameters()]
    device = torch.device("cpu")
    assert wan.transformer.layer(0, device) is wan.transformer.blocks[0]
    guest = wan.transformer.layer(2, device)
    assert guest is not wan.transformer.blocks[2]
    assert set(home).isdisjoint(weight.data_ptr() for weight in guest.parameters())
    assert list(guest.state_dict()) == list(wan.transformer.blocks[2].state_dict())
    everything(wan, tiny)
    assert home == [weight.data_ptr() for weight in wan.transformer.blocks[2].parameters()]


def test_filtered_keys_may_be_forgotten(tiny):
    wan = make(tiny).place("cpu", OffloadConfig(keep_filtered=False))
    *before, block = latents_of(tiny, 3)
    context = rolled(wan, tiny, before)
    wan.read(block, SIGMA, context, (1,), (LowPass(0.3),))
    assert not any(held._filtered for held in context.blocks)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"swapped_layers": -1}, ValueError),
        ({"swapped_layers": 1.5}, TypeError),
        ({"checkpointing": 1}, TypeError),
        ({"keep_filtered": "yes"}, TypeError),
    ],
)
def test_bad_offload_configs(arguments, error):
    with pytest.raises(error, match=next(iter(arguments))):
        OffloadConfig(**arguments)


def test_bad_device_maps(tiny):
    wan = make(tiny)
    with pytest.raises(ValueError, match="at most the 3 layers"):
        wan.place("cpu", OffloadConfig(swapped_layers=4))
    with pytest.raises(TypeError, match="offload"):
        wan.place("cpu", "little")


# ---------------------------------------------------------------------- windows


@pytest.mark.parametrize("window", [3, 4, 5])
def test_a_pass_through_a_window_is_one_of_a_model_with_that_window(tiny, window):
    wide = make(tiny, window=7)
    *before, block = latents_of(tiny, 5)
    context = rolled(wide, tiny, before)
    expected = CausalWan.from_state(wide.transformer.state_dict(), tiny | {"window": window})
    # the same keys and values: a shorter window would have made others
    there = rolled(expected, tiny, [])
    for name in ("frames", "blocks"):
        object.__setattr__(there, name, getattr(context, name))
    filters = (None, LowPass(0.3))
    mine = wide.read(block, SIGMA, context, (1, 2), filters, predict=True, window=window)
    theirs = expected.read(block, SIGMA, there, (1, 2), filters, predict=True)
    whole = wide.read(block, SIGMA, context, (1, 2), filters)
    for index in range(2):
        for layer in (1, 2):
            assert torch.equal(mine.taps[index][layer], theirs.taps[index][layer])
        assert not torch.equal(mine.taps[index][2], whole.taps[index][2])
    assert torch.equal(mine.x0, theirs.x0)


def test_a_longer_window_than_the_models_changes_nothing(tiny):
    wan = make(tiny)
    *before, block = latents_of(tiny, 4)
    context = rolled(wan, tiny, before)
    wider = wan.read(block, 0.5, context, predict=True, window=50)
    assert torch.equal(wider.x0, wan.denoise(block, 0.5, context))


def test_bad_windows(tiny):
    wan = make(tiny)
    context, (block,) = rolled(wan, tiny, []), latents_of(tiny, 1)
    with pytest.raises(ValueError, match="leaves no room for a block of 2"):
        wan.read(block, SIGMA, context, (0,), window=2)
    with pytest.raises(TypeError, match="window"):
        wan.read(block, SIGMA, context, (0,), window=3.5)


# ---------------------------------------------------------------------- devices


class Waits(TorchDispatchMode):
    """Notes every operation that would make the host wait for a device."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.name() in ("aten::_local_scalar_dense", "aten::nonzero", "aten::equal"):
            self.seen.append(func.name())
        return func(*args, **(kwargs or {}))


def test_a_pass_with_gradient_waits_for_nothing(tiny):
    wan = make(tiny).requires_grad_(requires_grad=False)
    *before, block = latents_of(tiny, 4)
    context = rolled(wan, tiny, before)
    wan.read(block, SIGMA, context, (0, 2))
    with Waits() as waits:
        taps = wan.read(block.requires_grad_(), SIGMA, context, (0, 2)).taps[0]
        torch.autograd.grad(sum(tap.sum() for tap in taps.values()), block)
    assert waits.seen == []


def test_rotations_of_a_block_are_made_once(tiny):
    wan = make(tiny)
    rope = wan.transformer.rope
    made = []
    rope.register_forward_hook(lambda *_: made.append(1))
    *before, block = latents_of(tiny, 3)
    context = rolled(wan, tiny, before)
    made.clear()
    for _ in range(4):
        wan.denoise(block, 0.5, context)
    wan.commit(block, context)
    assert len(made) == 1
    for _ in range(8):
        context = wan.commit(block, context)
    assert len(rope._recent) == 4

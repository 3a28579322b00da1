from __future__ import annotations

import pytest
import torch

from dragstream.method.optimizer import AdamW


@pytest.mark.parametrize("weight_decay", [0.0, 0.01, 0.5])
def test_it_walks_as_torchs_does(weight_decay):
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(3, 4, generator=generator)
    theirs = values.clone().requires_grad_()
    optimizer = torch.optim.AdamW([theirs], lr=0.04, weight_decay=weight_decay)
    ours = AdamW(0.04, weight_decay)
    for _ in range(6):
        gradient = torch.randn(3, 4, generator=generator)
        values = ours.step(values, gradient)
        theirs.grad = gradient
        optimizer.step()
        torch.testing.assert_close(values, theirs.detach())


def test_values_given_stay_as_they_are():
    values = torch.ones(3)
    AdamW(0.1).step(values, torch.ones(3))
    assert torch.equal(values, torch.ones(3))


def test_where_nothing_pulls_nothing_moves():
    assert torch.equal(AdamW(0.1, 0.0).step(torch.ones(3), torch.zeros(3)), torch.ones(3))

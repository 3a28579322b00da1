from __future__ import annotations

import pytest
import torch

from dragstream.method.loss import Constraint, Loss


def test_losses_count_each_element():
    difference = torch.tensor([-2.0, 0.5])
    assert torch.equal(Loss.L1(difference), torch.tensor([2.0, 0.5]))
    assert torch.equal(Loss.MSE(difference), torch.tensor([4.0, 0.25]))


def test_losses_are_found_by_name():
    assert Loss.of("L1") is Loss.L1
    assert Loss.of(Loss.MSE) is Loss.MSE
    with pytest.raises(ValueError, match=r"Loss.L1, Loss.MSE, got 'huber'"):
        Loss.of("huber")


def test_constraints_check_their_values():
    assert Constraint(2).weight == 2.0
    for bad in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="weight"):
            Constraint(bad)
    with pytest.raises(TypeError, match="predictions"):
        Constraint(predictions="x0")

"""Parts of one's own in the place of the method's."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
import torch
from torch.nn import functional as F

from dragstream.method.frequency import LowPass
from dragstream.method.loss import Loss
from dragstream.method.rectification import Rectification
from dragstream.method.settings import DragSettings


@dataclass(frozen=True)
class Shifted:
    """Every iteration ends with the neighbours' mean of all values, and nothing else changed."""

    neighbours: int = 2

    def prepare(self, own, neighbours):
        mean = (own if neighbours is None else neighbours[-self.neighbours :]).mean()
        return lambda latents: latents - latents.mean() + mean


@dataclass(frozen=True)
class HighPass:
    """What a low-pass takes away."""

    cutoff: float
    is_identity: bool = False

    def __call__(self, maps):
        return maps - LowPass(self.cutoff)(maps)


@dataclass(frozen=True)
class Huber:
    knee: float = 1.0

    def __call__(self, difference):
        return F.huber_loss(difference, torch.zeros_like(difference), "none", self.knee)


def squared(difference):
    return difference.square()


OWN = (Shifted, HighPass, Huber, squared)


def test_a_rectification_of_ones_own_has_the_last_word(scene):
    run = scene.run(DragSettings(rectification=Shifted(2), iterations=2))
    records = list(run)
    wanted = scene.neighbours[-2:].mean()
    assert torch.allclose(run.latents.mean(), wanted, atol=1e-6)
    assert abs(records[0].moments_before.mean - float(wanted)) > 1e-4
    assert DragSettings(rectification=Shifted(2)).neighbours == 2
    assert DragSettings(rectification=Shifted(0)).neighbours == Rectification().neighbours


def test_a_rectification_of_ones_own_sees_the_driven_frames_alone(scene):
    run = scene.run(DragSettings(rectification=Shifted(2)), [scene.drag(fractions=(None, None, 1))])
    list(run)
    assert torch.equal(run.latents[:, :2], scene.latents[:, :2])
    assert torch.allclose(run.latents[:, 2].mean(), scene.neighbours[-2:].mean(), atol=1e-6)


def test_views_of_ones_own_reach_the_model_in_place_of_the_cutoffs(scene):
    high = HighPass(0.3)
    records = list(scene.run(DragSettings(views=(high,), iterations=2)))
    assert [record.cutoff for record in records] == [0.3, 0.3]
    assert [call["filters"] for call in scene.model.calls] == [(high,), (None,), (None,)]


def test_views_equal_to_the_low_passes_change_nothing(scene):
    cutoffs = (0.2, 0.4)
    usual, viewed = (
        scene.run(DragSettings(cutoffs=cutoffs)),
        scene.run(DragSettings(views=tuple(LowPass(cutoff) for cutoff in cutoffs))),
    )
    assert [r.loss for r in usual] == [r.loss for r in viewed]
    assert torch.equal(usual.latents, viewed.latents)


def test_a_loss_of_ones_own_is_what_is_lowered(scene):
    mse, own = scene.run(DragSettings(loss="MSE")), scene.run(DragSettings(loss=squared))
    assert [record.loss for record in mse] == [record.loss for record in own]
    assert torch.equal(mse.latents, own.latents)
    huber = next(scene.run(DragSettings(loss=Huber(1e6), cutoffs=None)))
    assert huber.loss == pytest.approx(
        next(scene.run(DragSettings(loss=Loss.MSE, cutoffs=None))).loss / 2, rel=1e-5
    )


def test_settings_with_ones_own_parts_are_values_and_go_through_json():
    settings = DragSettings(rectification=Shifted(3), views=[HighPass(0.3)], loss=Huber(0.5))
    assert settings == DragSettings(
        rectification=Shifted(3), views=(HighPass(0.3),), loss=Huber(0.5)
    )
    assert hash(settings) == hash(DragSettings.from_json(settings.to_json(), OWN))
    assert "rectification=Shifted(neighbours=3)" in repr(settings)
    for each in (settings, DragSettings(loss=squared), DragSettings(views=(LowPass(0.3),))):
        assert DragSettings.from_json(json.loads(json.dumps(each.to_json())), OWN) == each


def test_a_document_cannot_name_code_that_was_not_handed_in():
    data = json.loads(json.dumps(DragSettings(rectification=Shifted()).to_json()))
    with pytest.raises(
        ValueError, match=r"rectification is a .*'Shifted'.*parts=\[...\]; got \[\]"
    ):
        DragSettings.from_json(data)
    data["rectification"]["step"] = 3
    with pytest.raises(ValueError, match=r"Shifted does not take \['neighbours', 'step'\]"):
        DragSettings.from_json(data, OWN)
    with pytest.raises(ValueError, match="views is a user-defined None"):
        DragSettings.from_json({"views": [3]})


@dataclass
class Thawed:
    neighbours: int = 1

    def prepare(self, _own, _neighbours):
        return lambda latents: latents


@dataclass(frozen=True)
class Holding:
    weights: object
    neighbours: int = 1

    def prepare(self, _own, _neighbours):
        return lambda latents: latents


class Preparing:
    def prepare(self, _own, _neighbours):
        return lambda latents: latents


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("rectification", Shifted, "rectification must be an object, got the class Shifted"),
        ("rectification", Preparing(), "must be a RectificationMethod.*lacks neighbours"),
        ("rectification", Thawed(), "rectification must be a frozen dataclass"),
        ("rectification", Holding([1]), "rectification: the field 'weights' must be a number"),
        ("views", (0.4,), r"views\[0\] must be a FrequencyView, got 0.4.*lacks __call__, cutoff"),
        ("views", LowPass(0.4), "views"),
        ("loss", Huber, "loss must be an object, got the class Huber"),
        ("loss", lambda difference: difference, "loss must be a frozen dataclass"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(field, value, message):
    with pytest.raises(TypeError, match=message):
        DragSettings(**{field: value})


def test_numbers_out_of_bounds_are_refused():
    with pytest.raises(ValueError, match=r"rectification.neighbours must be at least 0, got -1"):
        DragSettings(rectification=Shifted(-1))
    with pytest.raises(ValueError, match=r"views\[0\].cutoff.*1.5"):
        DragSettings(views=(HighPass(1.5),))
    with pytest.raises(ValueError, match="views"):
        DragSettings(views=())


def total(difference):
    return difference.abs().sum()


def constant(difference):
    return torch.zeros_like(difference).detach()


@dataclass(frozen=True)
class Cropping:
    neighbours: int = 1

    def prepare(self, _own, _neighbours):
        return lambda latents: latents[..., 1:]


@pytest.mark.parametrize("loss", [total, constant])
def test_a_loss_of_another_shape_is_refused_before_anything_is_computed(scene, loss):
    with pytest.raises(ValueError, match="one differentiable number for each element"):
        scene.run(DragSettings(loss=loss))
    assert not scene.model.calls


def test_a_rectification_that_changes_the_shape_is_refused(scene):
    with pytest.raises(ValueError, match=r"keep the latents' shape.*Cropping"):
        next(scene.run(DragSettings(rectification=Cropping())))

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from dragstream.drags.geometry import FrameClock, Grid
from dragstream.method.focus import Focus
from dragstream.method.frequency import LowPass
from dragstream.method.loss import Constraint, Loss
from dragstream.method.rectification import Rectification
from dragstream.method.settings import DragSettings
from dragstream.models.base import ModelSpec

SPEC = ModelSpec(
    name="tiny",
    grid=Grid.of(64, 96),
    clock=FrameClock(1, 8.0),
    latent_channels=4,
    frames_per_block=3,
    sigmas=(1.0, 0.9, 0.75, 0.5),
    denoising_step=2,
    learning_rate=0.1,
    layers=(1, 2),
    num_layers=4,
)


def test_the_papers_constants():
    paper = DragSettings.paper()
    fixed = {"upsampling": 1, "prediction_weight": 0, "warm_start": False}
    assert paper == DragSettings(cutoffs=paper.cutoffs, **fixed)
    assert paper.iterations == 4
    assert paper.cutoffs == (0.2, 0.4, 0.6, 1.0)
    assert paper.rectification == Rectification(neighbours=9, per_channel=True, per_frame=False)
    assert paper.focus == Focus(alpha=1.0, padding=1.0, on_gradient=False)
    assert paper.loss is Loss.L1
    assert paper.constraint == Constraint(weight=1.0, predictions=False)
    assert not paper.fresh_optimizer
    assert (paper.learning_rate, paper.denoising_step, paper.layers) == (None, None, None)
    assert (paper.segment_pixels, paper.segment_degrees, paper.gradient_clip) == (None, None, None)
    assert (paper.upsampling, paper.nearest_masks, paper.prediction_blocks) == (1, False, 0)
    assert paper.prediction_weight == 0.0


def test_the_release_differs_where_it_does():
    released = DragSettings.released()
    assert (released.iterations, released.learning_rate) == (5, 0.02)
    assert (released.segment_pixels, released.segment_degrees) == (16.0, 8.0)
    assert released.loss is Loss.MSE
    assert released.constraint == Constraint(predictions=True, spare_targets=True, per_element=True)
    assert released.rectification == Rectification(
        neighbours=0, per_channel=True, per_frame=True, then_whole=True
    )
    assert released.focus == Focus(
        alpha=1.5, padding=2.5, on_gradient=True, on_pixels=True, across_frames=True
    )
    assert (released.epsilon, released.weight_decay) == (1e-8, 0.01)
    assert released.fresh_optimizer
    assert released.gradient_clip == 1.0
    assert (released.upsampling, released.nearest_masks, released.nearest_features) == (
        2,
        True,
        True,
    )
    assert released.prediction_blocks == 2
    assert released.cutoffs == DragSettings.paper().cutoffs
    assert DragSettings.released(iterations=2).iterations == 2


def test_plain_numbers_stand_for_a_parts_main_constant():
    settings = DragSettings.paper(rectification=3, focus=1.5, constraint=0.5, loss="MSE")
    assert settings.rectification == Rectification(neighbours=3)
    assert settings.focus == Focus(alpha=1.5)
    assert settings.constraint == Constraint(weight=0.5)
    assert settings.loss is Loss.MSE
    assert DragSettings(layers=[3, 1], cutoffs=[1]).layers == (3, 1)
    assert DragSettings(layers=[3, 1], cutoffs=[1]).cutoffs == (1.0,)
    assert DragSettings(cutoffs=np.array([0.25, 1.0])).cutoffs == (0.25, 1.0)


def test_every_part_can_be_switched_off():
    off = DragSettings(rectification=False, focus=False, constraint=False, cutoffs=False)
    assert off.low_passes == (LowPass(1.0),)
    assert off.neighbours == 9  # drift is still measured against as many
    assert DragSettings(rectification=0).neighbours == 9
    assert DragSettings(rectification=4).neighbours == 4


def test_settings_are_values():
    settings = DragSettings(iterations=3)
    assert settings == DragSettings(iterations=3)
    assert hash(settings) == hash(DragSettings(iterations=3))
    assert dataclasses.replace(settings, iterations=4) == DragSettings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.iterations = 9


def test_none_leaves_a_part_as_it_is_by_default_and_true_is_no_part():
    open_ = DragSettings(rectification=None, focus=None, constraint=None, cutoffs=None)
    assert open_ == DragSettings()
    with pytest.raises(TypeError, match="focus must be a Focus, a number"):
        DragSettings(focus=True)
    with pytest.raises(TypeError, match="cutoffs"):
        DragSettings(cutoffs=True)


def test_the_repr_shows_what_differs_from_the_nearest_preset():
    assert repr(DragSettings()) == "DragSettings()"
    assert repr(DragSettings(iterations=6)) == "DragSettings(iterations=6)"
    assert repr(DragSettings.paper()) == "DragSettings.paper()"
    off = DragSettings.paper(iterations=2, rectification=False)
    assert repr(off) == "DragSettings.paper(iterations=2, rectification=False)"
    assert repr(DragSettings.released(window=9)) == "DragSettings.released(window=9)"


def test_what_is_open_comes_from_the_model():
    resolved = DragSettings.paper(iterations=2).resolve(SPEC)
    assert resolved.learning_rate == 0.1
    assert resolved.denoising_step == 2
    assert resolved.layers == (1, 2)
    assert resolved.iterations == 2
    assert resolved.resolve(SPEC) == resolved
    own = DragSettings(learning_rate=0.5, denoising_step=0, layers=(3,)).resolve(SPEC)
    assert (own.learning_rate, own.denoising_step, own.layers) == (0.5, 0, (3,))


COARSE = dataclasses.replace(
    SPEC, cutoffs=(0.5, 1.0), upsampling=3, prediction_weight=0.5, warm_start=True
)


def test_one_field_changes_one_thing():
    assert DragSettings(iterations=6).resolve(COARSE) == dataclasses.replace(
        DragSettings().resolve(COARSE), iterations=6
    )


def test_settings_take_what_the_paper_fixes_from_the_model():
    settings = DragSettings(iterations=2)
    assert settings.resolve(SPEC) == DragSettings.paper(iterations=2).resolve(SPEC)
    resolved = settings.resolve(COARSE)
    assert (resolved.cutoffs, resolved.upsampling, resolved.cells) == ((0.5, 1.0), 3, 3)
    assert resolved.low_passes == (LowPass(0.5), LowPass(1.0))
    assert resolved.prediction_weight == 0.5
    assert resolved.warm_start is True
    changes = {"cutoffs": (0.5, 1), "upsampling": 3, "prediction_weight": 0.5}
    changes["warm_start"] = True
    assert resolved == DragSettings.paper(iterations=2, **changes).resolve(COARSE)
    own = DragSettings(cutoffs=(0.3,), upsampling=1, prediction_weight=0).resolve(COARSE)
    assert (own.cutoffs, own.upsampling, own.prediction_weight) == ((0.3,), 1, 0.0)
    unfiltered = dataclasses.replace(COARSE, cutoffs=None)
    assert settings.resolve(unfiltered).low_passes == (LowPass(1.0),)
    assert DragSettings(cutoffs=False).resolve(COARSE).low_passes == (LowPass(1.0),)
    # A preset is not overruled.
    for preset in (DragSettings.paper(), DragSettings.released()):
        assert preset.resolve(COARSE).cutoffs == (0.2, 0.4, 0.6, 1.0)
        assert preset.resolve(COARSE).upsampling == preset.upsampling
        assert preset.resolve(COARSE).prediction_weight == 0.0
        assert preset.resolve(COARSE).warm_start is False
    with pytest.raises(ValueError, match=r"resolve\(spec\)"):
        settings.low_passes  # noqa: B018


@pytest.mark.parametrize(
    "changes",
    [{"warm_start": False}, {"iterations": 0}, {"segment_pixels": 16}, {"segment_degrees": 8}],
)
def test_no_warm_start_of_the_models_where_none_is_wanted_or_possible(changes):
    assert DragSettings(**changes).resolve(COARSE).warm_start is False


def test_settings_of_earlier_archives_keep_their_meaning():
    old = {
        name: value for name, value in DragSettings.paper().to_json().items() if name != "version"
    }
    off = {"rectification": None, "focus": None, "constraint": None, "cutoffs": None}
    assert DragSettings.from_json(old) == DragSettings.paper()
    assert DragSettings.from_json({}) == DragSettings.paper()
    assert DragSettings.from_json(old | off) == DragSettings.paper(**dict.fromkeys(off, False))
    suited = {"cutoffs": "suited", "upsampling": None, "prediction_weight": None}
    assert DragSettings.from_json(old | suited) == DragSettings(warm_start=False)
    second = DragSettings().to_json() | {"version": 2}
    del second["warm_start"]
    assert DragSettings.from_json(second) == DragSettings(warm_start=False)
    with pytest.raises(ValueError, match="version of settings must be 1 to 3, got 4"):
        DragSettings.from_json({"version": 4})


def test_what_the_model_lacks_is_refused():
    with pytest.raises(ValueError, match=r"layers \[4, 9\].*'tiny'.*0 to 3"):
        DragSettings(layers=(4, 1, 9)).resolve(SPEC)
    with pytest.raises(ValueError, match=r"denoising_step.*0 to 3, got 4"):
        DragSettings(denoising_step=4).resolve(SPEC)


@pytest.mark.parametrize(
    "settings",
    [
        DragSettings(),
        DragSettings.paper(),
        DragSettings.released(),
        DragSettings(
            rectification=False, focus=False, constraint=False, cutoffs=False, layers=(1,)
        ),
    ],
)
def test_json_both_ways(settings):
    assert DragSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_a_field_that_constraints_once_had_is_passed_over():
    old = DragSettings.paper(constraint=0.5).to_json()
    old["constraint"] = {"weight": 0.5, "predictions": False, "spare_handles": True}
    del old["epsilon"], old["nearest_features"]
    assert DragSettings.from_json(old) == DragSettings.paper(constraint=0.5)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (None, TypeError, "dictionary"),
        ({"iteration": 4}, ValueError, "iteration"),
        ({"focus": {"beta": 1.0}}, ValueError, "beta"),
        ({"iterations": -1}, ValueError, "-1"),
        ({"loss": "huber"}, ValueError, "huber"),
    ],
)
def test_bad_json_is_refused(data, error, message):
    with pytest.raises(error, match=message):
        DragSettings.from_json(data)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("iterations", -1, ValueError),
        ("iterations", 2.5, TypeError),
        ("iterations", True, TypeError),
        ("learning_rate", float("nan"), ValueError),
        ("learning_rate", 0.0, ValueError),
        ("learning_rate", "fast", TypeError),
        ("denoising_step", -1, ValueError),
        ("layers", (), ValueError),
        ("layers", (1, 1), ValueError),
        ("layers", (-1,), ValueError),
        ("layers", 3, TypeError),
        ("layers", "12", TypeError),
        ("cutoffs", (), ValueError),
        ("cutoffs", (0.2, 0.0), ValueError),
        ("cutoffs", (0.2, 1.5), ValueError),
        ("cutoffs", (float("nan"),), ValueError),
        ("cutoffs", 0.4, TypeError),
        ("filter_order", 0, ValueError),
        ("rectification", -2, ValueError),
        ("rectification", "on", TypeError),
        ("rectification", True, TypeError),
        ("focus", 0, ValueError),
        ("focus", Rectification(), TypeError),
        ("constraint", -1.0, ValueError),
        ("loss", None, ValueError),
        ("segment_pixels", 0, ValueError),
        ("segment_degrees", float("inf"), ValueError),
        ("weight_decay", -0.1, ValueError),
        ("fresh_optimizer", 1, TypeError),
        ("gradient_clip", 0.0, ValueError),
        ("upsampling", 0, ValueError),
        ("nearest_masks", "yes", TypeError),
        ("nearest_features", 1, TypeError),
        ("epsilon", 0.0, ValueError),
        ("prediction_blocks", -1, ValueError),
        ("prediction_weight", -1, ValueError),
        ("prediction_weight", "much", TypeError),
    ],
)
def test_bad_values_are_refused_by_name(field, value, error):
    part = {"rectification": "neighbours", "focus": "alpha", "constraint": "weight"}.get(field)
    with pytest.raises(error, match=f"{field}|{part}"):
        DragSettings(**{field: value})


def test_unknown_fields_are_refused():
    with pytest.raises(TypeError, match="iteration"):
        DragSettings.paper(iteration=3)


def test_long_drags_fall_into_segments():
    released = DragSettings.released()
    assert released.segments(0.0, 0.0) == 1
    assert released.segments(16.0, 0.0) == 1
    assert released.segments(31.9, 0.0) == 1  # rounded down
    assert released.segments(32.0 - 1e-9, 0.0) == 2
    assert released.segments(10.0, 17.0) == 2
    assert released.segments(50.0, -17.0) == 3
    assert DragSettings.paper().segments(500.0, 90.0) == 1


@pytest.mark.parametrize("limits", [{"segment_pixels": 1e-300}, {"segment_degrees": 1e-3}])
def test_segments_without_number_are_refused(limits):
    settings = DragSettings.paper(**limits)
    with pytest.raises(ValueError, match=f"{next(iter(limits))} must split .* at most 1000"):
        settings.segments(12.0, 12.0)
    assert settings.segments(0.0, 0.0) == 1


def test_numpys_booleans_will_do_and_become_pythons():
    focus = Focus(on_gradient=np.True_)
    constraint = Constraint(predictions=np.True_)
    rectification = Rectification(per_frame=np.True_)
    settings = DragSettings(
        fresh_optimizer=np.True_,
        focus=focus,
        constraint=constraint,
        rectification=rectification,
    )
    assert DragSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_the_former_name_of_the_default_keeps_its_meaning():
    with pytest.warns(DeprecationWarning, match=r"is DragSettings\(...\) now"):
        old = DragSettings.suited(iterations=6, rectification=None, cutoffs=None)
    assert old == DragSettings(iterations=6, rectification=False, cutoffs=False)
    with pytest.warns(DeprecationWarning, match="False switches"):
        assert DragSettings.suited() == DragSettings()

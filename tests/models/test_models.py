"""Models by name, and what a model says about itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dragstream import models
from dragstream.drags.geometry import FrameClock, Grid
from dragstream.models.base import ModelSpec


def spec(**changes):
    values = {
        "name": "tiny",
        "grid": Grid.of(32, 48),
        "clock": FrameClock(4, 16.0),
        "latent_channels": 4,
        "frames_per_block": 3,
        "sigmas": (1.0, 0.75, 0.5),
        "denoising_step": 1,
        "learning_rate": 0.04,
        "layers": (1, 2),
        "num_layers": 3,
    }
    return ModelSpec(**(values | changes))


def test_a_spec_is_a_value():
    assert spec() == spec()
    assert hash(spec()) == hash(spec())


@pytest.mark.parametrize(
    "changes",
    [
        {"sigmas": ()},
        {"sigmas": (0.9, 0.5)},
        {"sigmas": (1.0, 0.5, 0.5)},
        {"sigmas": (1.0, 0.5, 0.0)},
        {"denoising_step": 3},
        {"denoising_step": -1},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"layers": ()},
        {"layers": (1, 3)},
        {"num_layers": 0},
        {"frames_per_block": 0},
        {"latent_channels": 0},
        {"cutoffs": ()},
        {"cutoffs": (0.2, 1.5)},
        {"cutoffs": (0.0, 0.5)},
        {"upsampling": 0},
        {"prediction_weight": -0.1},
        {"prediction_weight": float("nan")},
    ],
)
def test_contradictions_are_named(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        spec(**changes)


def test_unknown_models_are_refused_with_what_there_is():
    with pytest.raises(ValueError, match=r"'wan9'.*playground"):
        models.load("wan9")
    with pytest.raises(TypeError, match="string"):
        models.load(3)
    assert "playground" in models.available()


def test_a_known_model_is_loaded_by_its_module(monkeypatch):
    loaded = object()
    monkeypatch.setattr("dragstream.models.playground.load", lambda: loaded)
    assert models.load("playground") is loaded


def test_importing_the_room_does_not_import_torch():
    code = "import sys, dragstream.models as m; dir(m); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_classes_are_found_when_asked_for():
    assert models.ModelSpec is ModelSpec
    assert set(models.__all__) == set(dir(models))
    assert all(getattr(models, name) for name in models.__all__)
    with pytest.raises(AttributeError, match="Nothing"):
        _ = models.Nothing

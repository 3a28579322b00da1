"""What other code makes torch's defaults changes no bit."""

import contextlib
import hashlib

import numpy as np
import pytest
import torch

import dragstream as ds
from dragstream.metrics.frechet import frechet_distance
from dragstream.metrics.perceptual import LPIPS, _alexnet
from dragstream.models.playground import draw, world
from dragstream.models.playground.model import Playground
from dragstream.models.wan.assembly import load
from dragstream.models.wan.tiny import write_tiny

PROMPT = "a red critter rests beside a blue box in a meadow"


@contextlib.contextmanager
def double():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextlib.contextmanager
def meta():
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


pytestmark = pytest.mark.usefixtures("one_thread")
DEFAULTS = {"float64": double, "meta": meta}


def bits(stream):
    """Latents, frames and features."""
    digest = hashlib.sha256(stream.latents.numpy().tobytes())
    digest.update(stream.frames.tobytes())
    for cutoff in (None, 0.3):
        for features in stream.features(cutoff=cutoff).values():
            digest.update(features.numpy().tobytes())
    return digest.hexdigest()


def playground():
    """A picture, a step, an animation and an edit of the packaged model."""
    picture = draw(PROMPT, seed=41)
    stream = ds.Stream(Playground.from_folder(), PROMPT, seed=2, image=picture)
    stream.step()
    critter = ds.Drag(ds.regions.disc((139, 122), 42), ds.Translation.by(20, 0))
    box = ds.Drag(ds.regions.disc((60, 110), 20), ds.Rotation((60, 110), 30))
    stream.animate([critter], settings=ds.DragSettings(iterations=1))
    keep = ds.regions.box(0, 0, 40, 40)
    stream.edit([critter, box], keep=keep, settings=ds.DragSettings(iterations=1))
    stream.edit([critter], settings=ds.DragSettings.released(iterations=1))
    return bits(stream)


def test_the_packaged_model_gives_the_same_bits():
    expected = playground()
    for default in DEFAULTS.values():
        with default():
            assert playground() == expected


@pytest.mark.parametrize("default", DEFAULTS)
def test_a_model_from_before_gives_the_same_bits(default):
    model = Playground.from_folder()
    wanted = ds.Stream(model, PROMPT, seed=4).step()
    with DEFAULTS[default]():
        found = ds.Stream(model, PROMPT, seed=4).step()
    assert torch.equal(found.latents, wanted.latents)
    assert np.array_equal(found.frames, wanted.frames)


@pytest.mark.parametrize("default", DEFAULTS)
def test_scenes_are_the_same(default):
    def scenes():
        drawn = world.sample_scenes(torch.Generator("cpu").manual_seed(3), 12, 6)
        return [*world.render_with_masks(drawn), drawn.x.numpy(), drawn.pan.numpy()]

    wanted = scenes()
    with DEFAULTS[default]():
        found = scenes()
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)


@pytest.mark.parametrize("default", DEFAULTS)
def test_a_public_model_gives_the_same_bits(tmp_path, default):
    folder = write_tiny(tmp_path / "tiny")

    def made():
        model = load(folder, device="cpu", cache=False, progress=False)
        stream = ds.Stream(model, "a fox", seed=1)
        stream.step()
        drag = ds.Drag(ds.regions.disc((14, 14), 6), ds.Translation.by(12, 4))
        stream.edit([drag], settings=ds.DragSettings(iterations=1))
        return bits(stream)

    wanted = made()
    with DEFAULTS[default]():
        assert made() == wanted


@pytest.mark.parametrize("default", DEFAULTS)
def test_metrics_give_the_same_numbers(tmp_path, default):
    weights = tmp_path / "alexnet.pth"
    torch.manual_seed(0)
    torch.save({f"features.{k}": v for k, v in _alexnet().state_dict().items()}, weights)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 2, 40, 48, 3), dtype=np.uint8)
    features = np.random.default_rng(1).normal(size=(2, 30, 4))

    def measured():
        return (
            LPIPS(weights)(*pictures).tolist(),
            frechet_distance(*features, "normal").distance,
        )

    wanted = measured()
    with DEFAULTS[default]():
        assert measured() == wanted


def test_plans_are_the_same():
    wanted = ds.plan("self-forcing", height=480, width=832, device="cuda").peak(dragged=True)
    with double():
        found = ds.plan("self-forcing", height=480, width=832, device="cuda").peak(dragged=True)
    assert found == wanted

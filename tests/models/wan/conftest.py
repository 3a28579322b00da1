"""Tiny random models in the released layouts, written and loaded once."""

from __future__ import annotations

import hashlib

import pytest
import torch

from dragstream.models.wan.assembly import load
from dragstream.models.wan.tiny import write_tiny
from dragstream.stream.stream import Stream


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """The models are so small that threads would only wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """The cache folder of the loaded models."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """A folder for each kind of release, by name."""
    names = ("self-forcing", "causvid", "longlive", "wan2.1")
    root = tmp_path_factory.mktemp("tiny")
    return {name: write_tiny(root / name, name) for name in names}


@pytest.fixture(scope="session")
def models(folders, cache):
    """The model in each folder."""
    return {
        name: load(folder, device="cpu", cache=cache, progress=False)
        for name, folder in folders.items()
    }


@pytest.fixture(scope="session")
def model(models):
    return models["self-forcing"]


def bits(stream):
    """All that a stream holds, as a digest."""
    digest = hashlib.sha256(stream.prompt.encode())
    for block in stream.blocks:
        digest.update(repr((block.mode, block.prompt, block.part, block.drift)).encode())
        for tensor in (block.latents, *block.noisy):
            digest.update(tensor.numpy().tobytes())
        digest.update(block.frames.tobytes())
    return digest.hexdigest()


@pytest.fixture(name="bits", scope="session")
def bits_fixture():
    return bits


@pytest.fixture
def stream(model):
    return Stream(model, "a red ball", seed=3)


@pytest.fixture
def noisy(model):
    """A block of noise."""
    return block_of(model)


def block_of(model, seed=0, frames=None):
    spec = model.spec
    shape = (
        1,
        frames or spec.frames_per_block,
        spec.latent_channels,
        spec.grid.latent_height,
        spec.grid.latent_width,
    )
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(name="block_of", scope="session")
def block_of_fixture():
    return block_of

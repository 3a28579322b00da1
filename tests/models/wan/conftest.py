"""Tiny random models in the released layouts, written and loaded once."""

from __future__ import annotations

import hashlib
import shutil

import pytest
import torch
from diffusers.pipelines.wan.pipeline_wan import WanPipeline
from transformers import AutoTokenizer, UMT5EncoderModel

import dragstream as ds
from dragstream.models.wan.assembly import load
from dragstream.models.wan.tiny import write_tiny
from dragstream.stream.stream import Stream


@pytest.fixture(autouse=True, scope="module")
def _one_thread(one_thread):
    pass


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


@pytest.fixture
def copied(folders, tmp_path):
    """Our own copy of the Self-Forcing folder."""
    folder = tmp_path / "model"
    shutil.copytree(folders["self-forcing"], folder)
    return folder


def quick(name, cache=None, **options):
    """A model on the CPU; by default nothing of it is kept."""
    where = False if cache is None else cache
    return load(name, **({"device": "cpu", "cache": where, "progress": False} | options))


@pytest.fixture(name="quick", scope="session")
def quick_fixture():
    return quick


@pytest.fixture(scope="session")
def models(folders, cache):
    """The model in each folder."""
    return {name: quick(folder, cache) for name, folder in folders.items()}


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


def pipeline(folder, **parts):
    """diffusers' pipeline with the text encoder of a folder, and parts of one's own."""
    return WanPipeline(
        tokenizer=AutoTokenizer.from_pretrained(folder / "tokenizer"),
        text_encoder=UMT5EncoderModel.from_pretrained(folder / "text_encoder"),
        **({"vae": None, "scheduler": None} | parts),
    )


@pytest.fixture(name="pipeline", scope="session")
def pipeline_fixture():
    return pipeline


@pytest.fixture
def drags():
    """A disc inside the frame, to the right."""
    return [ds.Drag(ds.regions.disc(center=(14, 14), radius=6), ds.Translation.by(12, 4))]


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

"""A tiny model with random weights: a real causal Wan, and a decoder that remembers."""

import hashlib
import math
import threading

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dragstream.drags import regions
from dragstream.drags.geometry import FrameClock, Grid
from dragstream.drags.motions import Drag, Rotation, Translation
from dragstream.models.base import ModelSpec
from dragstream.models.causal_wan import CausalWan
from dragstream.stream.events import Status
from dragstream.stream.live import LiveStream
from dragstream.stream.stream import Stream

WORDS = ("red", "blue", "ball", "slides", "jumps")
CHANNELS = 4
FRAMES = 3


class TinyModel:
    """48x32 pixels, 3x2 tokens a frame, a few latent frames a block, 2 video frames a latent one.

    It sees 7 latent frames, the first of them for ever, so a stream of 3 blocks already forgets.
    """

    def __init__(self, weights=0, *, remembers=True, frames=FRAMES):
        self.spec = ModelSpec(
            name="tiny",
            grid=Grid.of(32, 48),
            clock=FrameClock(temporal_factor=2, frame_rate=8.0),
            latent_channels=CHANNELS,
            frames_per_block=frames,
            sigmas=(1.0, 0.9, 0.7, 0.4),
            denoising_step=1,
            learning_rate=0.05,
            layers=(1, 2),
            num_layers=3,
        )
        self.weights = weights
        self.remembers = remembers
        self.calls = []  # names of the passes, in order
        config = {
            "num_layers": 3,
            "num_heads": 2,
            "head_dim": 12,
            "ffn_dim": 32,
            "text_dim": 8,
            "freq_dim": 16,
            "latent_channels": CHANNELS,
            "window": 7,
            "sink": 1,
            "frames_per_block": frames,
        }
        with torch.random.fork_rng():
            torch.manual_seed(weights)
            self.wan = CausalWan.from_config(config).requires_grad_(requires_grad=False)
            for parameter in self.wan.parameters():  # loud enough that every input matters
                parameter.copy_(torch.randn_like(parameter) * 0.3)

    def encode_text(self, prompt):
        words = prompt.split()
        unknown = [word for word in words if word not in WORDS]
        if not words or unknown:
            raise ValueError(f"the words are {', '.join(WORDS)}; got {prompt!r}")
        rows = torch.eye(len(WORDS), 8)
        return torch.stack([rows[WORDS.index(word)] for word in words])[None] * 3

    def new_context(self, text):
        return self.wan.new_context(text)

    def with_text(self, context, text):
        return self.wan.with_text(context, text)

    def denoise(self, latents, sigma, context):
        self.calls.append("denoise")
        return self.wan.denoise(latents, sigma, context)

    def commit(self, latents, context):
        self.calls.append("commit")
        return self.wan.commit(latents, context)

    def read(self, *args, **kwargs):
        self.calls.append("read")
        return self.wan.read(*args, **kwargs)

    def decode(self, latents, state=None):
        """Each video frame is the present latents plus half of the last ones decoded."""
        self.calls.append("decode")
        before, frames = state, []
        for present in latents[0]:
            image = present[:3] if before is None else present[:3] + 0.5 * before[:3]
            count = 1 if before is None else 2
            pixels = F.interpolate(image[None], scale_factor=8)[0].permute(1, 2, 0)
            frames += [((pixels.tanh() + 1) * 127.5).round().byte().numpy()] * count
            before = present if self.remembers else torch.zeros_like(present)
        return np.stack(frames), before if self.remembers else None

    def encode_image(self, image):
        pixels = torch.from_numpy(image.copy()).float() / 127.5 - 1
        latents = F.avg_pool2d(pixels.permute(2, 0, 1)[None], 8)
        latents = torch.cat([latents, latents[:, :1]], dim=1)
        return latents[:, None].expand(1, FRAMES, -1, -1, -1).clone()

    def fingerprint(self):
        return hashlib.sha256(f"tiny {self.weights}".encode()).hexdigest()


def trace(stream):
    """Everything that a stream is, as bytes: two streams with one trace are bit for bit equal."""
    parts = [stream.prompt.encode(), str(stream.seed).encode()]
    for block in stream.blocks:
        parts += [repr((block.index, block.mode, block.prompt, block.part, block.drift)).encode()]
        parts += [repr((block.drags, block.keep, block.settings)).encode()]
        parts += [tensor.numpy().tobytes() for tensor in (block.latents, *block.noisy)]
        parts += [block.frames.tobytes()]
        for item in block.iterations:
            parts += [repr((item.index, item.segment, item.loss, item.cutoff)).encode()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.fixture(autouse=True, scope="module")
def _one_thread(one_thread):
    pass


@pytest.fixture(scope="session")
def tiny():
    """The class, to make other models of."""
    return TinyModel


@pytest.fixture(name="trace", scope="session")
def trace_fixture():
    return trace


@pytest.fixture(scope="session")
def model():
    return TinyModel()


@pytest.fixture
def stream(model):
    return Stream(model, "red ball", seed=7)


@pytest.fixture(scope="session")
def drags():
    """A disc to the right and a box turned, both inside the frame and apart."""
    return [
        Drag(regions.disc(center=(14, 12), radius=6), Translation.by(12, 4)),
        Drag(regions.box(30, 14, 44, 28), Rotation(center=(37, 21), degrees=30)),
    ]


@pytest.fixture(scope="module")
def two(model):
    """Two plain blocks, to fork."""
    stream = Stream(model, "red ball", seed=7)
    stream.run(2, progress=False)
    return stream


@pytest.fixture
def lively():
    """What makes live streams, shown as fast as they go, and stops them after the test."""
    made, before = [], set(threading.enumerate())

    def make(stream, frame_rate=math.inf):
        made.append(LiveStream(stream, frame_rate))
        return made[-1]

    yield make
    for live in made:
        live.stop()
        assert live.status is Status.STOPPED
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if thread.name == "LiveStream"]


@pytest.fixture(scope="module")
def full(model, drags):
    """A stream with every kind of block in it."""
    from tests.stream.takes import filled  # here: some tests run this file from elsewhere

    return filled(model, drags)


@pytest.fixture(scope="module")
def saved(full, tmp_path_factory):
    """The archive of that stream."""
    return full.save(tmp_path_factory.mktemp("archive") / "take-1.dragstream")

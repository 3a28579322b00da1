"""A causal Wan written out naively, in float64 and without a cache that could be wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from diffusers.models.embeddings import get_timestep_embedding

TINY = {
    "num_layers": 3,
    "num_heads": 2,
    "head_dim": 12,
    "ffn_dim": 40,
    "text_dim": 10,
    "freq_dim": 16,
    "latent_channels": 4,
    "frames_per_block": 2,
    "window": 5,
    "sink": 1,
}


@dataclass(frozen=True)
class Butterworth:
    """A low-pass of order 4 with its cutoff in cycles per sample."""

    cutoff: float

    def gain(self, rows, columns):
        y, x = torch.fft.fftfreq(rows)[:, None], torch.fft.fftfreq(columns)[None]
        return 1 / (1 + ((x**2 + y**2) / self.cutoff**2) ** 4)

    def __call__(self, maps):
        gain = self.gain(*maps.shape[2:4]).to(maps)[..., None]
        return torch.fft.ifft2(torch.fft.fft2(maps, dim=(2, 3)) * gain, dim=(2, 3)).real


def _layer_norm(x, weight=None, bias=None):
    return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias, 1e-6)


def _rms_norm(x, weight):
    return x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt() * weight


class NaiveWan:
    """One block after another; frame f of layer l leaves its keys and values in `seen[l][f]`."""

    def __init__(self, wan):
        self.config = wan.config
        self.weights = {k: v.double() for k, v in wan.transformer.state_dict().items()}
        self.seen = [{} for _ in range(wan.config.num_layers)]

    def linear(self, name, x):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def heads(self, x):
        return x.unflatten(-1, (self.config.num_heads, -1))

    def rotate(self, x, frame, rows, columns):
        """x: (rows * columns, heads, head_dim) of one frame."""
        dim = self.config.head_dim
        across = 2 * (dim // 6)
        widths = (dim - 2 * across, across, across)
        out = x.clone()
        for token in range(rows * columns):
            channel = 0
            for position, width in zip((frame, *divmod(token, columns)), widths, strict=True):
                for pair in range(width // 2):
                    angle = position * 10_000.0 ** (-2 * pair / width)
                    a, b = x[token, :, channel], x[token, :, channel + 1]
                    out[token, :, channel] = a * math.cos(angle) - b * math.sin(angle)
                    out[token, :, channel + 1] = a * math.sin(angle) + b * math.cos(angle)
                    channel += 2
        return out

    def attend(self, query, key, value):
        """(tokens, heads, head_dim) each."""
        scores = torch.einsum("qhd,khd->hqk", query, key) / math.sqrt(query.shape[-1])
        return torch.einsum("hqk,khd->qhd", scores.softmax(-1), value).flatten(1)

    def visible(self, start, new):
        window, sink, total = self.config.window, self.config.sink, start + new
        return [
            frame
            for frame in range(total)
            if window is None or total <= window or frame < sink or frame >= total - (window - sink)
        ]

    def self_attention(self, layer, x, start, size, *, tapped, low_pass):
        name, (rows, columns) = f"blocks.{layer}.attn1", size
        norm = lambda x, which: _rms_norm(x, self.weights[f"{name}.norm_{which}.weight"])  # noqa: E731
        seen, query = dict(self.seen[layer]), []
        for i, hidden in enumerate(x):
            key = self.heads(norm(self.linear(f"{name}.to_k", hidden), "k"))
            value = self.heads(self.linear(f"{name}.to_v", hidden))
            seen[start + i] = self.rotate(key, start + i, rows, columns), value
            q = self.heads(norm(self.linear(f"{name}.to_q", hidden), "q"))
            query.append(self.rotate(q, start + i, rows, columns))
        query = torch.cat(query)
        pairs = [seen[frame] for frame in self.visible(start, len(x))]
        out = self.attend(query, *(torch.cat(part) for part in zip(*pairs, strict=True)))
        tap = None
        if tapped:
            constant = [[part.detach() for part in pair] for pair in pairs]
            if low_pass is not None:
                constant = [[self.filtered(p, size, low_pass) for p in pair] for pair in constant]
            tap = self.attend(query, *(torch.cat(part) for part in zip(*constant, strict=True)))
            tap = tap.reshape(1, len(x), rows, columns, -1)
        new = {start + i: seen[start + i] for i in range(len(x))}
        return self.linear(f"{name}.to_out.0", out).reshape(x.shape), tap, new

    def filtered(self, x, size, low_pass):
        return low_pass(x.flatten(1).reshape(1, 1, *size, -1)).reshape(x.shape)

    def cross_attention(self, layer, x, words):
        name = f"blocks.{layer}.attn2"
        query = _rms_norm(self.linear(f"{name}.to_q", x), self.weights[f"{name}.norm_q.weight"])
        key = _rms_norm(self.linear(f"{name}.to_k", words), self.weights[f"{name}.norm_k.weight"])
        value = self.linear(f"{name}.to_v", words)
        out = self.attend(*(self.heads(part) for part in (query.flatten(0, 1), key, value)))
        return self.linear(f"{name}.to_out.0", out).reshape(x.shape)

    def embed(self, latents):
        rows, columns = self.config.patch
        kernel = self.weights["patch_embedding.weight"].flatten(1)
        patches = latents[0].unfold(2, rows, rows).unfold(3, columns, columns)
        size = patches.shape[2:4]
        tokens = patches.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)
        return tokens @ kernel.T + self.weights["patch_embedding.bias"], size

    def time(self, sigma):
        waves = get_timestep_embedding(
            torch.tensor([sigma * 1000]),
            self.config.freq_dim,
            flip_sin_to_cos=True,
            downscale_freq_shift=0,
        ).double()
        name = "condition_embedder.time_embedder"
        silu = torch.nn.functional.silu
        time = self.linear(f"{name}.linear_2", silu(self.linear(f"{name}.linear_1", waves)))
        return time, self.linear("condition_embedder.time_proj", silu(time)).reshape(6, -1)

    def words(self, text):
        name = "condition_embedder.text_embedder"
        hidden = self.linear(f"{name}.linear_1", text[0].double())
        hidden = torch.nn.functional.gelu(hidden, approximate="tanh")
        return self.linear(f"{name}.linear_2", hidden)

    def unpatch(self, x, time, size):
        table = self.weights["scale_shift_table"][0]
        out = _layer_norm(x) * (1 + table[1] + time[0]) + table[0] + time[0]
        out = self.linear("proj_out", out).reshape(len(x), *size, *self.config.patch, -1)
        return out.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)[None]

    def block(self, latents, sigma, text, start, *, taps=(), low_pass=None, commit=False):
        """x0 and taps of a block that starts at frame `start`; `commit` leaves keys and values."""
        latents = latents.double()
        x, size = self.embed(latents)
        time, modulation = self.time(sigma)
        words, features = self.words(text), {}
        for layer in range(self.config.num_layers):
            name = f"blocks.{layer}"
            shift, scale, gate, shift2, scale2, gate2 = (
                self.weights[f"{name}.scale_shift_table"][0] + modulation
            )
            normed = _layer_norm(x) * (1 + scale) + shift
            out, tap, new = self.self_attention(
                layer, normed, start, size, tapped=layer in taps, low_pass=low_pass
            )
            if layer in taps:
                features[layer] = tap
            if commit:
                self.seen[layer] |= new
            x = x + out * gate
            normed = _layer_norm(
                x, self.weights[f"{name}.norm2.weight"], self.weights[f"{name}.norm2.bias"]
            )
            x = x + self.cross_attention(layer, normed, words)
            normed = _layer_norm(x) * (1 + scale2) + shift2
            hidden = self.linear(f"{name}.ffn.net.0.proj", normed)
            hidden = torch.nn.functional.gelu(hidden, approximate="tanh")
            x = x + self.linear(f"{name}.ffn.net.2", hidden) * gate2
        return latents - sigma * self.unpatch(x, time, size), features


@pytest.fixture
def naive():
    return NaiveWan


@pytest.fixture
def butterworth():
    return Butterworth


@pytest.fixture
def tiny():
    return dict(TINY)

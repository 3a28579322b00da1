"""`inspect`: what a file of weights is, from its header; and the same in errors of `ds.load`."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import dragstream as ds
from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.causal_wan import CausalWan
from dragstream.models.checkpoints import released_name
from dragstream.models.inspection import inspect
from dragstream.models.wan.sizes import SIZES

_SIZES = {"num_layers": 3, "num_heads": 2, "head_dim": 12, "ffn_dim": 20, "text_dim": 6}


@pytest.fixture(scope="module")
def original():
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        state = CausalWan.from_config(_SIZES).transformer.state_dict()
    return {released_name(name).removeprefix("model."): weight for name, weight in state.items()}


def test_state_dicts_are_described(original, tmp_path):
    narrow = {name: weight.to(torch.float8_e4m3fn) for name, weight in original.items()}
    torch.save({"generator": original, "generator_ema": narrow, "step": 3}, tmp_path / "a.pt")
    found = inspect(tmp_path / "a.pt")
    plain, averaged = found.transformers
    assert (found.kind, found.files, found.adapter, found.entries) == ("pickle", 1, None, ("step",))
    assert found.size == (tmp_path / "a.pt").stat().st_size
    assert (plain.key, plain.averaged, plain.dtypes) == ("generator", False, ("float32",))
    assert (averaged.key, averaged.averaged) == ("generator_ema", True)
    assert averaged.dtypes == ("float8_e4m3fn",)
    assert (plain.layout, plain.num_layers, plain.channels) == ("original", 3, 24)
    assert (plain.ffn_dim, plain.latent_channels) == (20, 16)
    assert plain.parameters == sum(weight.numel() for weight in original.values())
    assert found.releases == ()
    for text in (repr(found), found._repr_html_(), found.summary()):
        assert "3 layers, 24 channels, ffn 20, 16 latent channels" in text
        assert "averaged (EMA)" in text


def test_only_the_header_is_read(original, tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({f"model.{name}": weight for name, weight in original.items()}, path)
    whole = inspect(path)
    header = 8 + int.from_bytes(path.read_bytes()[:8], "little")
    with path.open("r+b") as file:  # the same file with a hole for weights
        file.truncate(header)
        file.truncate(whole.size)
    assert inspect(path) == whole
    assert whole.transformers[0].layout == "original"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"a\.safetensors is damaged: .*incomplete"):
        inspect(path)


def test_releases_of_the_same_sizes_are_named(tmp_path):
    with torch.device("meta"):
        sizes = SIZES["Wan-AI/Wan2.1-T2V-1.3B-Diffusers"].transformer
        wan = CausalWan(CausalWanConfig.of(sizes)).to(torch.bfloat16)
    state = wan.transformer.state_dict()
    # A sparse file: a header and a hole of 2.8 GB for the weights.
    path = tmp_path / "chunkwise" / "causal_forcing.pt"
    path.parent.mkdir()
    sparse(path, state)
    found = inspect(path)
    (it,) = found.transformers
    assert (it.layout, it.num_layers, it.channels, it.dtypes) == (
        "diffusers",
        30,
        1536,
        ("bfloat16",),
    )
    assert it.parameters == 1_418_996_800
    assert found.releases[0] == "causal-forcing"
    assert {"self-forcing", "longlive", "causvid"} < set(found.releases)


def sparse(path, state):
    import json

    header, start = {}, 0
    for name, weight in state.items():
        stop = start + weight.numel() * weight.itemsize
        header[name] = {"dtype": "BF16", "shape": list(weight.shape), "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + start)


def test_models_of_another_kind_are_named(original, tmp_path):
    images = original | {"blocks.0.cross_attn.k_img.weight": torch.zeros(2, 2)}
    save_file(images, tmp_path / "a.safetensors")
    found = inspect(tmp_path / "a.safetensors")
    assert found.transformers[0].foreign == ("image conditioning (I2V)",)
    assert "not of a text-to-video Wan: image conditioning (I2V)" in repr(found)
    save_file({"encoder.conv.weight": torch.zeros(1)}, tmp_path / "b.safetensors")
    other = inspect(tmp_path / "b.safetensors")
    assert (other.transformers, other.entries) == ((), ("encoder.conv.weight",))
    assert "no weights of a Wan transformer" in repr(other)


def test_adapters_are_described(tmp_path):
    factors = {}
    for layer in range(3):
        stem = f"diffusion_model.blocks.{layer}.self_attn.q"
        factors[f"{stem}.lora_down.weight"] = torch.zeros(4 + layer // 2, 24)
        factors[f"{stem}.lora_up.weight"] = torch.zeros(24, 4 + layer // 2)
        factors[f"{stem}.alpha"] = torch.tensor(2.0)
    save_file(factors, tmp_path / "a.safetensors")
    found = inspect(tmp_path / "a.safetensors")
    assert (found.adapter.ranks, found.adapter.changes) == ((4, 5), 3)
    assert "rank 4, 5, changes 3 weights" in repr(found)


def test_pickled_code_is_not_run(tmp_path):
    class Spy:
        def __reduce__(self):
            return Path.touch, (tmp_path / "run",)

    for save in (torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))):
        save({"generator": Spy()}, tmp_path / "a.pt")
        for call in (inspect, ds.load):
            with pytest.raises(ValueError, match="no readable checkpoint"):
                call(tmp_path / "a.pt")
    assert not (tmp_path / "run").exists()


def test_loading_a_file_says_what_it_is_and_how_to_load_it(original, tmp_path):
    torch.save({"model": original}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=r"file of weights, .*3 layers, 24 channels.*checkpoint="):
        ds.load(tmp_path / "a.pt")
    with pytest.raises(ValueError, match=r"holds no model that is known.*3 layers, 24 channels"):
        ds.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="no file"):
        inspect(tmp_path / "none.pt")

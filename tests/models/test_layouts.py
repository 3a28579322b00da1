"""Layouts of checkpoints: each file gives the same weights as the plain one, or a clear error."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from dragstream.models.causal_wan import CausalWan
from dragstream.models.checkpoints import is_diffusers, read_released, released_name

_TINY = {"num_layers": 2, "num_heads": 2, "head_dim": 12, "ffn_dim": 8, "text_dim": 6}
_TINY |= {"freq_dim": 4, "latent_channels": 4}


@pytest.fixture(scope="module")
def state():
    """Weights by diffusers' names."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        return CausalWan.from_config(_TINY).transformer.state_dict()


@pytest.fixture(scope="module")
def original(state):
    """The same weights by the original names."""
    return {released_name(name).removeprefix("model."): weight for name, weight in state.items()}


def prefixed(weights, prefix):
    return {prefix + name: weight for name, weight in weights.items()}


def assert_same(path, state, **choice):
    loaded = CausalWan.from_released(path, _TINY, **choice).transformer.state_dict()
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], state[name]) for name in state)


def shards(folder, weights, count=3):
    names = sorted(weights)
    files = [f"model-{n:05d}-of-{count:05d}.safetensors" for n in range(1, count + 1)]
    places = {name: files[index % count] for index, name in enumerate(names)}
    for file in files:
        save_file({n: weights[n].contiguous() for n in names if places[n] == file}, folder / file)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return index


@pytest.mark.parametrize(
    "key", [None, "model", "state_dict", "generator", "generator_ema", "module", "ema"]
)
@pytest.mark.parametrize("naming", ["original", "diffusers"])
def test_state_dicts_under_any_key(key, naming, state, original, tmp_path):
    weights = original if naming == "original" else state
    path = tmp_path / "a.pt"
    torch.save(weights if key is None else {key: weights, "step": 3, "config": {"a": 1}}, path)
    assert_same(path, state)


@pytest.mark.parametrize(
    "prefix",
    [
        "model.",
        "module.",
        "_orig_mod.",
        "_fsdp_wrapped_module.",
        "_checkpoint_wrapped_module.",
        "diffusion_model.",
        "transformer.",
        "model.diffusion_model.",
        "module._orig_mod.model._fsdp_wrapped_module.",
    ],
)
@pytest.mark.parametrize("naming", ["original", "diffusers"])
def test_prefixes_are_removed(prefix, naming, state, original, tmp_path):
    weights = original if naming == "original" else state
    save_file(prefixed(weights, prefix), tmp_path / "a.safetensors")
    assert_same(tmp_path / "a.safetensors", state)


def test_wrappers_inside_names_are_removed(state, original, tmp_path):
    wrapped = {
        name.replace(
            "blocks.1.", "blocks.1._fsdp_wrapped_module._checkpoint_wrapped_module."
        ): weight
        for name, weight in original.items()
    }
    torch.save({"model": {"generator": wrapped}}, tmp_path / "a.pt")
    assert_same(tmp_path / "a.pt", state)


@pytest.mark.parametrize("given", ["index", "shard", "folder", "folder without index"])
def test_shards_are_joined(given, state, original, tmp_path):
    index = shards(tmp_path, prefixed(original, "model."))
    if given == "folder without index":
        index.unlink()
    shard = tmp_path / "model-00002-of-00003.safetensors"
    assert_same({"index": index, "shard": shard}.get(given, tmp_path), state)


def test_the_contents_decide_and_not_the_name(state, original, tmp_path):
    save_file(original, tmp_path / "a.pt")
    torch.save(original, tmp_path / "b.safetensors")
    assert_same(tmp_path / "a.pt", state)
    assert_same(tmp_path / "b.safetensors", state)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.bfloat16])
def test_narrow_weights_are_cast(dtype, state, original, tmp_path):
    narrow = {name: weight.to(dtype) for name, weight in original.items()}
    wanted = {name: weight.to(dtype).float() for name, weight in state.items()}
    save_file(narrow, tmp_path / "a.safetensors")
    torch.save({"model": narrow}, tmp_path / "a.pt")
    assert_same(tmp_path / "a.safetensors", wanted)
    assert_same(tmp_path / "a.pt", wanted)


def test_scales_of_float8_weights_are_applied(state, original, tmp_path):
    name, row = "blocks.0.self_attn.q.weight", "blocks.1.ffn.0.weight"
    scaled = original | {
        name: (original[name] / 4).to(torch.float8_e4m3fn),
        name.replace(".weight", ".scale_weight"): torch.tensor(4.0),
        row: (original[row] / 2).to(torch.float8_e4m3fn),
        row.replace(".weight", ".weight_scale"): torch.full((8,), 2.0),
        "scaled_fp8": torch.zeros(2).to(torch.float8_e4m3fn),
    }
    save_file(scaled, tmp_path / "a.safetensors")
    loaded, _ = read_released(tmp_path / "a.safetensors")
    for place, file, scale in (
        ("blocks.0.attn1.to_q.weight", name, 4),
        ("blocks.1.ffn.net.0.proj.weight", row, 2),
    ):
        assert torch.equal(loaded[place], (scaled[file].float() * scale).bfloat16())
        torch.testing.assert_close(loaded[place].float(), state[place], rtol=0.08, atol=0.02)
    assert loaded.keys() == state.keys()


def test_two_state_dicts_in_one_mapping_are_told_apart(state, original, tmp_path):
    other = {name: weight + 1 for name, weight in original.items()}
    both = prefixed(original, "generator_ema.model.") | prefixed(other, "generator.model.")
    save_file(both, tmp_path / "a.safetensors")
    assert_same(tmp_path / "a.safetensors", state, ema=True)
    assert_same(tmp_path / "a.safetensors", state, key="generator_ema")
    torch.save({"model": original, "state_dict": other}, tmp_path / "b.pt")
    with pytest.raises(ValueError, match=r"b\.pt: it holds 2 state dicts: 'model', 'state_dict'"):
        read_released(tmp_path / "b.pt", ema=True)
    assert_same(tmp_path / "b.pt", state, key="model")


# ---------------------------------------------------------------------- bad files


def test_missing_shards_are_named(original, tmp_path):
    index = shards(tmp_path, original)
    (tmp_path / "model-00002-of-00003.safetensors").unlink()
    other = tmp_path / "model-00001-of-00003.safetensors"
    for given in (index, tmp_path, other):
        with pytest.raises(FileNotFoundError, match=r"lacks 1 of 3 shards: model-00002-of-00003"):
            read_released(given)


def test_an_index_reads_files_beside_it_only(original, tmp_path):
    (tmp_path / "inner").mkdir()
    save_file(original, tmp_path / "outer.safetensors")
    index = tmp_path / "inner" / "model.safetensors.index.json"
    for places in (dict.fromkeys(original, "../outer.safetensors"), {}, [1], {"a": 1}):
        index.write_text(json.dumps({"weight_map": places}))
        with pytest.raises(ValueError, match="no index of shards"):
            read_released(index)


@pytest.mark.parametrize("keep", [0, 5, 200, 3000, -1])
def test_truncated_safetensors_are_refused(keep, original, tmp_path):
    path = tmp_path / "a.safetensors"
    save_file(original, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"a\.safetensors is damaged: \w+"):
        read_released(path)


def test_one_damaged_shard_is_named(original, tmp_path):
    index = shards(tmp_path, original)
    shard = tmp_path / "model-00003-of-00003.safetensors"
    shard.write_bytes(shard.read_bytes()[:-4])
    with pytest.raises(ValueError, match=r"model-00003-of-00003\.safetensors is damaged"):
        read_released(index)


def test_a_weight_in_two_shards_is_refused(original, tmp_path):
    shards(tmp_path, original)
    save_file(original, tmp_path / "model-00003-of-00003.safetensors")
    with pytest.raises(ValueError, match="twice, the second time in model-00003"):
        read_released(tmp_path)


def test_folders_of_several_files_are_refused(original, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must hold one file of weights.*: no weights"):
        read_released(tmp_path)
    for name in ("a", "b"):
        save_file(original, tmp_path / f"{name}.safetensors")
    with pytest.raises(FileNotFoundError, match=r"a\.safetensors, b\.safetensors"):
        read_released(tmp_path)


def test_a_folder_of_the_original_wan_is_read_with_its_shards(state, original, tmp_path):
    shards(tmp_path, original)
    config = {"_class_name": "WanModel", "dim": 24, "num_heads": 2, "num_layers": 2}
    (tmp_path / "config.json").write_text(json.dumps(config))
    torch.save({"text": torch.zeros(2)}, tmp_path / "models_t5_umt5-xxl-enc-bf16.pth")
    assert not is_diffusers(tmp_path)
    assert_same(tmp_path, state)

"""From files to models: released layouts, folders, the hub's cache; and what is refused."""

from __future__ import annotations

import errno
import json
import logging
import shutil
from types import SimpleNamespace

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file

import dragstream as ds
from dragstream.models import loading
from dragstream.models.causal_wan import CausalWan
from dragstream.models.checkpoints import read_diffusers
from dragstream.models.wan import assembly, sources, tiny
from dragstream.models.wan import cache as cache_module
from dragstream.models.wan.assembly import load
from dragstream.models.wan.cache import cache_folder
from dragstream.models.wan.device_map import DeviceMap
from dragstream.models.wan.releases import RELEASES
from dragstream.models.wan.sources import Hub
from dragstream.models.wan.tiny import write_tiny

SIZES = {"height": 32, "width": 48, "layers": (1, 2)}


def same_weights(first, second):
    a, b = (wan.transformer.state_dict() for wan in (first, second))
    return all(torch.equal(a[name], b[name]) for name in a | b)


# ---------------------------------------------------------------------- layouts


def test_released_files_and_diffusers_folders_hold_the_same_model(
    model, folders, cache, tmp_path, quick
):
    folder = folders["self-forcing"]
    released = json.dumps(sorted(torch.load(folder / RELEASES["self-forcing"].file)))
    assert released == '["generator_ema"]'
    sizes, state = read_diffusers(folder / "transformer")
    window = {"window": 21, "sink": 3, "frames_per_block": 3}
    plain = CausalWan.from_state(state, sizes | window)
    assert same_weights(model.wan, plain)
    assert model.wan.config == plain.config
    bare = tmp_path / "bare"  # neither a note nor a released file: Wan 2.1's own layout
    shutil.copytree(folders["wan2.1"], bare)
    (bare / "dragstream.json").unlink()
    made = quick(bare, cache, **SIZES, frames_per_block=3, steps=2)
    assert (made.spec.name, made.spec.most_blocks) == ("wan2.1", 1)


def test_parts_may_come_from_different_places(model, folders, cache, quick):
    folder = folders["self-forcing"]
    file = folder / RELEASES["self-forcing"].file
    from_file = quick("self-forcing", cache, checkpoint=file, base=folder, **SIZES)
    from_folder = quick("self-forcing", cache, checkpoint=folder, base=folder, **SIZES)
    assert same_weights(from_file.wan, model.wan)
    assert same_weights(from_folder.wan, model.wan)
    assert from_file.spec.name == "self-forcing"
    assert from_file.fingerprint() == model.fingerprint()


def test_a_release_of_ones_own_is_no_code(folders, cache, quick):
    mine = RELEASES["self-forcing"].changed({"name": "mine", "window": 9, "sink": 3, **SIZES})
    folder = folders["self-forcing"]
    file = folder / RELEASES["self-forcing"].file
    model = quick(mine, cache, checkpoint=file, base=folder)
    assert (model.spec.name, model.wan.config.window) == ("mine", 9)
    assert len(ds.Stream(model, "a red ball").run(4, progress=False)) == 4


def test_an_adapter_is_merged_into_the_weights(models, folders):
    folder, wan = folders["longlive"], models["longlive"].wan
    base = load_file(folder / "transformer" / "diffusion_pytorch_model.safetensors")
    factors = torch.load(folder / RELEASES["longlive"].lora)["generator_lora"]
    for name, key in (
        ("blocks.1.attn1.to_q.weight", "blocks.1.self_attn.q"),
        ("blocks.0.attn2.to_out.0.weight", "blocks.0.cross_attn.o"),
        ("blocks.2.ffn.net.2.weight", "blocks.2.ffn.2"),
    ):
        down, up = (factors[f"base_model.model.{key}.lora_{half}.weight"] for half in "AB")
        wanted = base[name] + up @ down
        torch.testing.assert_close(wan.transformer.state_dict()[name], wanted)
        assert not torch.equal(wanted, base[name])
    name = "blocks.0.norm2.weight"
    assert torch.equal(wan.transformer.state_dict()[name], base[name])


# ---------------------------------------------------------------------- copies


def test_later_loads_read_a_copy(copied, tmp_path, monkeypatch, quick):
    cache = tmp_path / "cache"
    first = quick(copied, cache)
    (kept,) = (cache / "weights").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(assembly, "read_released", lambda _path, **_choice: pytest.fail("read again"))
        assert same_weights(quick(copied, cache).wan, first.wan)
    path = copied / RELEASES["self-forcing"].file
    content = torch.load(path)
    content["generator_ema"]["model.head.head.bias"] += 1
    torch.save(content, path)
    changed = quick(copied, cache)  # another file in the same place
    assert not same_weights(changed.wan, first.wan)
    assert len(list((cache / "weights").iterdir())) == 2
    kept.write_bytes(b"damaged")
    assert same_weights(quick(copied, cache).wan, changed.wan)
    narrow = quick(copied, cache, dtype="bfloat16")
    assert narrow.wan.transformer.proj_out.weight.dtype == torch.bfloat16


def test_without_room_nothing_is_copied(copied, tmp_path, monkeypatch, caplog, quick):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(cache_module, "free_disk", lambda _folder: 1000)
    quick(copied, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.safetensors"))
    assert "no copy of the weights" in caplog.text
    quick(copied)


def test_the_cache_folder_can_be_named(tmp_path, monkeypatch):
    monkeypatch.setenv("DRAGSTREAM_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("DRAGSTREAM_CACHE")
    assert cache_folder().name == "dragstream"


# ---------------------------------------------------------------------- the hub


@pytest.fixture
def hub(folders, tmp_path, monkeypatch):
    """The hub's cache on this machine with both repositories, and no network."""
    root = tmp_path / "hub"
    for repository, source in (
        ("gdhe17/Self-Forcing", folders["self-forcing"] / "checkpoints"),
        ("Wan-AI/Wan2.1-T2V-1.3B-Diffusers", folders["self-forcing"]),
    ):
        place = root / f"models--{repository.replace('/', '--')}"
        snapshot = place / "snapshots" / ("a" * 40)
        inner = snapshot / "checkpoints" if source.name == "checkpoints" else snapshot
        shutil.copytree(source, inner)
        (place / "refs").mkdir()
        (place / "refs" / "main").write_text("a" * 40)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(root))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return root


def test_what_was_downloaded_is_used_without_a_network(hub, model, cache, quick):
    loaded = quick("self-forcing", cache, **SIZES)
    assert same_weights(loaded.wan, model.wan)
    pinned = Hub("gdhe17/Self-Forcing", "a" * 40)
    assert pinned.file("checkpoints/self_forcing_dmd.pt").is_file()
    assert hub.is_dir()


def test_what_is_missing_is_named_with_the_command_that_gets_it(hub, cache, quick):
    command = "hf download zhuhz22/Causal-Forcing chunkwise/causal_forcing.pt"
    with pytest.raises(FileNotFoundError, match=command):
        quick("causal-forcing", cache, **SIZES)
    shutil.rmtree(next(hub.rglob("vae")))
    with pytest.raises(FileNotFoundError, match=r"hf download Wan-AI/.* --include 'vae/\*'"):
        quick("self-forcing", cache, **SIZES)
    with pytest.raises(FileNotFoundError, match="--revision v9"):
        quick("self-forcing", cache, revision="v9", **SIZES)


def test_an_incomplete_folder_is_not_taken_for_complete(hub, cache, quick):
    folder = next(hub.rglob("text_encoder"))
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    model = quick("self-forcing", cache, **SIZES)
    with pytest.raises(FileNotFoundError, match="text_encoder"):
        model.encode_text("a prompt that was never encoded")


@pytest.mark.usefixtures("hub")
def test_a_download_that_does_not_fit_is_refused_with_sizes(cache, monkeypatch, quick):
    files = [SimpleNamespace(rfilename="chunkwise/causal_forcing.pt", size=6 * 10**9)]
    api = SimpleNamespace(model_info=lambda *_args, **_kwargs: SimpleNamespace(siblings=files))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: api)
    monkeypatch.setattr("dragstream.models.wan.room.free_disk", lambda _folder: 10**9)
    with pytest.raises(OSError, match=r"takes 6\.0 GB in .*hub, where 1\.0 GB are free") as it:
        quick("causal-forcing", cache, **SIZES)
    assert it.value.errno == errno.ENOSPC


class NoRouteError(Exception):
    """What an HTTP library raises that nobody has heard of: no OSError and no ValueError."""


def fail(*_args, **_kwargs):
    raise NoRouteError("no route to the hub\nand more")


@pytest.mark.parametrize("while_downloading", [False, True])
@pytest.mark.usefixtures("hub")
def test_a_network_that_fails_is_told(cache, monkeypatch, quick, while_downloading):
    """Repository, file, what went wrong, and what to do: also for errors of the hub's client."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    info = SimpleNamespace(siblings=[])
    ask = (lambda *_args, **_kwargs: info) if while_downloading else fail
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: SimpleNamespace(model_info=ask))
    download = huggingface_hub.snapshot_download

    def snapshot(*args, local_files_only, **kwargs):
        call = download if local_files_only else fail
        return call(*args, local_files_only=local_files_only, **kwargs)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    with pytest.raises(FileNotFoundError) as caught:
        quick("causal-forcing", cache, **SIZES)
    message = str(caught.value)
    release = RELEASES["causal-forcing"]
    assert f"{release.file} of {release.repository}@main" in message
    assert "(NoRouteError: no route to the hub)" in message
    assert f"`hf download {release.repository} {release.file}`" in message
    assert "checkpoint=..., base=..." in message


# ---------------------------------------------------------------------- what is refused


def test_wrong_weights_are_refused_with_the_file(copied, folders, tmp_path, quick):
    path = copied / RELEASES["self-forcing"].file
    content = torch.load(path)
    weights = content["generator_ema"]
    fewer = {k: v for k, v in weights.items() if k != "model.blocks.1.ffn.0.bias"}
    for state, message in (
        (fewer, r"self_forcing_dmd\.pt: .* lacks model\.blocks\.1\.ffn\.0\.bias"),
        (weights | {"model.extra": torch.zeros(1)}, r"unexpected model\.extra"),
    ):
        torch.save({"generator": state}, path)
        with pytest.raises(ValueError, match=message):
            quick(copied, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.safetensors"))
    torch.save({"generator": {f"_fsdp_wrapped_module.{k}": v for k, v in weights.items()}}, path)
    with pytest.raises(ValueError, match="lacks"):
        quick(copied, base=folders["self-forcing"], checkpoint=_smaller(copied))
    assert quick(copied).spec.name == "tiny-self-forcing"  # names of sharded training


def _smaller(folder):
    """The first two layers of the released file, as another file."""
    state = torch.load(folder / RELEASES["self-forcing"].file)["generator"]
    path = folder / "smaller.pt"
    torch.save({"generator": {k: v for k, v in state.items() if "blocks.2." not in k}}, path)
    return path


def test_parts_of_different_models_are_refused(copied, quick):
    config = json.loads((copied / "vae" / "config.json").read_text())
    path = copied / "transformer" / "config.json"
    sizes = json.loads(path.read_text())
    path.write_text(json.dumps(sizes | {"in_channels": 8, "out_channels": 8}))
    assert config["z_dim"] == 4
    with pytest.raises(ValueError, match="other shape"):
        quick(copied)
    weights = copied / "transformer" / "diffusion_pytorch_model.safetensors"
    state = load_file(weights)
    state["patch_embedding.weight"] = state["patch_embedding.weight"].repeat(1, 2, 1, 1, 1)
    state["proj_out.weight"] = state["proj_out.weight"].repeat(2, 1)
    state["proj_out.bias"] = state["proj_out.bias"].repeat(2)
    save_file(state, weights)
    with pytest.raises(ValueError, match="8 latent channels and the VAE on 4"):
        quick(copied, checkpoint=copied / "transformer")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"windows": 9}, TypeError, "no windows; it has name"),
        ({"height": 33}, ValueError, "height must be a multiple of 16"),
        ({"layers": (7,)}, ValueError, "layers"),
        ({"dtype": "int8"}, ValueError, "floating point"),
        ({"checkpoint": "nowhere.pt"}, FileNotFoundError, r"nowhere\.pt"),
        ({"base": "./nowhere"}, FileNotFoundError, "nowhere"),
        ({"device_map": "cpu"}, TypeError, "DeviceMap"),
        ({"cache": 3}, TypeError, "cache"),
    ],
)
def test_bad_options_are_named(copied, options, error, message, quick):
    with pytest.raises(error, match=message):
        quick(copied, **options)


def test_a_missing_gpu_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="no CUDA device"):
        DeviceMap(device="cuda").resolved()
    where = DeviceMap().resolved()
    assert (str(where.device), where.dtype, where.vae_dtype) == ("cpu", *[torch.float32] * 2)
    mixed = DeviceMap(device="cpu", dtype="bfloat16").resolved()
    assert (mixed.dtype, mixed.vae_dtype) == (torch.bfloat16, torch.float32)


def test_layers_are_compiled_where_that_is_asked_for(folders, cache, quick, monkeypatch):
    compiled = []
    monkeypatch.setattr(assembly, "compile_layers", compiled.append)
    plain = quick(folders["self-forcing"], cache)
    assert compiled == []
    model = quick(folders["self-forcing"], cache, compile=True)
    assert compiled == [model.wan]
    assert model.fingerprint() == plain.fingerprint()  # archives fit both


def test_folders_that_hold_nothing_known_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"holds no model that is known.*self_forcing_dmd\.pt"):
        load(tmp_path)
    with pytest.raises(ValueError, match="no folder and no released model: self-forcing"):
        load(tmp_path / "nowhere")


def test_too_little_memory_is_told_before_anything_is_read(copied, monkeypatch, quick):
    monkeypatch.setattr("dragstream.models.wan.room.free_memory", lambda _device: 1000)
    monkeypatch.setattr(assembly, "read_released", lambda _path, **_choice: pytest.fail("read"))
    with pytest.raises(MemoryError, match=r"the transformer takes 0\.1 MB on cpu, .*bfloat16"):
        quick(copied)


def test_one_repository_is_pinned_as_a_whole():
    wan, forcing = RELEASES["wan2.1"], RELEASES["self-forcing"]
    assert assembly._base(None, wan, None, "v2") == Hub(wan.base, "v2")
    assert assembly._base(None, forcing, None, "v2") == Hub(forcing.base)
    assert assembly._base("a/b@v3", forcing, None, "v2") == Hub("a/b", "v3")


# ---------------------------------------------------------------------- ds.load, ds.models


def test_names_and_folders_reach_the_wan_models(folders, cache):
    folder = folders["self-forcing"]
    model = ds.load(str(folder), device="cpu", cache=cache, progress=False)
    assert model.spec.name == "tiny-self-forcing"
    with pytest.raises(TypeError, match="takes dtype and attention, got device"):
        ds.load("playground", device="cpu")
    with pytest.raises(ValueError, match="unknown model 'wan9'"):
        ds.load("wan9")
    with pytest.raises(TypeError, match="got 3"):
        ds.load(3)


def test_what_can_be_loaded_is_a_table():
    table = ds.models.available()
    assert {"playground", "self-forcing", "causvid", "wan2.1", "longlive"} <= set(table)
    lines = repr(table).splitlines()
    assert lines[0].split()[0] == "name"
    assert any(line.startswith("self-forcing ") and "GB" in line for line in lines)
    page = table._repr_html_()
    assert page.count("<tr") == 1 + len(table)
    row = ("<b>", "a & b", "", "")
    assert "&lt;b&gt;" in loading.Catalogue([row])._repr_html_()


def test_tiny_models_repeat_and_differ_by_seed(tmp_path, folders):
    first = load_file(folders["self-forcing"] / "vae" / "diffusion_pytorch_model.safetensors")
    again = write_tiny(tmp_path / "a") / "vae" / "diffusion_pytorch_model.safetensors"
    other = write_tiny(tmp_path / "b", seed=1) / "vae" / "diffusion_pytorch_model.safetensors"
    assert all(torch.equal(first[name], weight) for name, weight in load_file(again).items())
    assert not torch.equal(first["quant_conv.weight"], load_file(other)["quant_conv.weight"])
    with pytest.raises(ValueError, match="release must be one of"):
        write_tiny(tmp_path / "c", "sora")


def test_the_command_writes_what_the_function_writes(tmp_path, quick):
    tiny.main([str(tmp_path / "tiny"), "--release", "causvid", "--height", "48"])
    model = quick(tmp_path / "tiny")
    assert model.spec.name == "tiny-causvid"
    assert (model.spec.grid.height, model.spec.grid.width) == (48, 48)
    with pytest.raises(SystemExit):
        tiny.main([str(tmp_path / "other"), "--release", "sora"])


@pytest.mark.parametrize(
    ("names", "complete"),
    [
        ((), False),
        (("config.json",), False),  # fetched by itself, for the sizes
        (("config.json", "model.safetensors"), True),
        (("tokenizer.json",), True),
        (("config.json", "model-00001-of-00002.safetensors"), False),
        (("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"), True),
    ],
)
def test_a_half_downloaded_folder_is_told_from_a_whole_one(tmp_path, names, complete):
    for name in names:
        (tmp_path / name).write_text("{}")
    assert sources._complete(tmp_path) is complete

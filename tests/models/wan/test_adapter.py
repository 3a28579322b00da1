"""Low-rank adapters: read from each layout, merged with strengths, refused if they do not fit."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from dragstream.models.wan.adapter import merge, read_adapter
from dragstream.models.wan.releases import RELEASES

NAMES = {
    "blocks.0.attn1.to_q.weight": "blocks.0.self_attn.q",
    "blocks.1.attn2.to_out.0.weight": "blocks.1.cross_attn.o",
    "blocks.2.ffn.net.0.proj.weight": "blocks.2.ffn.0",
}
"""Weights that the tests' adapters change, by diffusers' names, and their original names."""

SIZES = {"height": 32, "width": 48, "layers": (1, 2)}


@pytest.fixture
def state():
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(6, 4, generator=generator) for name in NAMES}


@pytest.fixture
def pairs():
    """Factors (down, up) of rank 2 by diffusers' names."""
    generator = torch.Generator().manual_seed(1)
    return {
        name: (torch.randn(2, 4, generator=generator), torch.randn(6, 2, generator=generator))
        for name in NAMES
    }


def named(pairs, stem, down=".lora_A.weight", up=".lora_B.weight"):
    """The factors under the names of a layout; `stem` makes a stem from a diffusers name."""
    factors = {}
    for name, (a, b) in pairs.items():
        factors[stem(name) + down], factors[stem(name) + up] = a, b
    return factors


def original(prefix):
    return lambda name: prefix + NAMES[name]


def diffusers(prefix):
    return lambda name: prefix + name.removesuffix(".weight")


LAYOUTS = {
    "peft": (original("base_model.model."),),
    "peft with the adapter's name": (
        original("base_model.model.model."),
        ".lora_A.default.weight",
        ".lora_B.default.weight",
    ),
    "peft under FSDP": (original("_fsdp_wrapped_module.base_model.model._orig_mod."),),
    "diffusers": (diffusers("transformer."),),
    "ComfyUI": (original("diffusion_model."), ".lora_down.weight", ".lora_up.weight"),
    "bare": (original(""), ".lora.down.weight", ".lora.up.weight"),
    "underscores, original": (
        lambda name: f"lora_unet_{NAMES[name]}".replace(".", "_"),
        ".lora_down.weight",
        ".lora_up.weight",
    ),
    "underscores, diffusers": (
        lambda name: f"lora_unet_{name.removesuffix('.weight')}".replace(".", "_"),
        ".lora_down.weight",
        ".lora_up.weight",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("container", ["safetensors", "pt", "generator_lora"])
def test_each_layout_gives_the_same_weights(layout, container, state, pairs, tmp_path):
    factors = named(pairs, *LAYOUTS[layout])
    path = tmp_path / "a.bin"
    if container == "safetensors":
        save_file(factors, path)
    else:
        torch.save(factors if container == "pt" else {container: factors, "step": 1}, path)
    result = merge(state, read_adapter(path))
    for name, (down, up) in pairs.items():
        torch.testing.assert_close(result[name], state[name] + up @ down)


def test_scales_and_strengths_multiply(state, pairs, tmp_path):
    factors = named(pairs, original(""))
    factors |= {f"{NAMES[name]}.alpha": torch.tensor(1.0) for name in NAMES}
    save_file(factors, tmp_path / "a.safetensors")
    adapter = read_adapter(tmp_path / "a.safetensors")
    name = "blocks.0.attn1.to_q.weight"
    down, up = pairs[name]
    for choice, scale in (({}, 0.5), ({"strength": 3.0}, 1.5)):
        result = merge(state, adapter, **choice)
        torch.testing.assert_close(result[name], state[name] + scale * up @ down)
    narrow = merge({key: weight.bfloat16() for key, weight in state.items()}, adapter)
    wanted = (state[name].bfloat16().float() + 0.5 * up @ down).bfloat16()
    assert torch.equal(narrow[name], wanted)
    stored = {key: weight.to(torch.float8_e4m3fn) for key, weight in state.items()}
    wide = merge(stored, adapter)[name]
    assert wide.dtype == torch.bfloat16
    torch.testing.assert_close(wide, (stored[name].float() + 0.5 * up @ down).bfloat16())


def test_an_adapter_that_fits_nothing_lists_what_it_changes(state, pairs, tmp_path):
    other = {f"double_blocks.{n}.img_attn.{half}": x for n in range(7) for half, x in halves()}
    save_file(other, tmp_path / "a.safetensors")
    with pytest.raises(
        ValueError,
        match=r"\(rank 2\) changes 7 weights, of which the checkpoint lacks 7: double_blocks\.0\."
        r"img_attn, .* and 2 more",
    ):
        merge(state, read_adapter(tmp_path / "a.safetensors"))
    deeper = named(pairs, original("")) | dict(halves("blocks.39.self_attn.q."))
    save_file(deeper, tmp_path / "b.safetensors")
    with pytest.raises(ValueError, match=r"4 weights, .* lacks 1: blocks\.39\.self_attn\.q"):
        merge(state, read_adapter(tmp_path / "b.safetensors"))
    wide = {name: torch.zeros(6, 5) for name in state}
    save_file(named(pairs, original("")), tmp_path / "c.safetensors")
    with pytest.raises(
        ValueError,
        match=r"blocks\.0\.attn1\.to_q\.weight by \(6, 2\) x \(2, 4\), where the .* has \(6, 5\)",
    ):
        merge(wide, read_adapter(tmp_path / "c.safetensors"))


def halves(stem=""):
    return [
        (f"{stem}lora_A.weight", torch.zeros(2, 4)),
        (f"{stem}lora_B.weight", torch.zeros(6, 2)),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a.lora_A.weight": torch.zeros(2, 4)}, "lacks one of two factors of a"),
        ({"blocks.0.weight": torch.zeros(2)}, r"0 mappings of factors, blocks\.0\.weight"),
        ({}, "0 mappings of factors, nothing"),
        (dict(halves("a.")) | {"a.dora_scale": torch.zeros(3)}, "'a.dora_scale' is no factor"),
        (
            {"a.lora_A.weight": torch.zeros(2, 4), "a.lora_B.weight": torch.zeros(6, 3)},
            "two factors of a have different ranks",
        ),
        ({"x": dict(halves("a.")), "y": dict(halves("b."))}, "2 mappings of factors, x, y"),
    ],
)
def test_other_files_are_refused(content, message, tmp_path):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=rf"a\.pt holds no adapter: .*{message}"):
        read_adapter(tmp_path / "a.pt")


def test_pickled_code_is_not_run(tmp_path):
    class Spy:
        def __reduce__(self):
            return Path.touch, (tmp_path / "run",)

    (tmp_path / "a.pt").write_bytes(pickle.dumps({"a.lora_A.weight": Spy()}))
    with pytest.raises(ValueError, match="no readable checkpoint"):
        read_adapter(tmp_path / "a.pt")
    assert not (tmp_path / "run").exists()


# ---------------------------------------------------------------------- through ds.load


def test_several_adapters_with_strengths_are_merged_on_load(folders, model, tmp_path, quick):
    folder = folders["self-forcing"]
    name, key = "blocks.0.attn1.to_q.weight", "blocks.0.self_attn.q"
    before = model.wan.transformer.state_dict()[name]
    rows, columns = before.shape
    changes = []
    for index, layout in enumerate(
        (".lora_A.weight .lora_B.weight", ".lora_down.weight .lora_up.weight")
    ):
        down, up = torch.randn(2, columns), torch.randn(rows, 2)
        endings = layout.split()
        save_file({key + endings[0]: down, key + endings[1]: up}, tmp_path / f"{index}.safetensors")
        changes.append(up @ down)
    first, second = (tmp_path / f"{index}.safetensors" for index in range(2))
    cache = tmp_path / "cache"
    file = folder / RELEASES["self-forcing"].file
    for lora, scales in (
        (first, (1, 0)),
        ((str(first), 0.5), (0.5, 0)),
        ([first, (second, -2)], (1, -2)),
    ):
        options = {"checkpoint": file, "base": folder, "lora": lora, **SIZES}
        loaded = quick("self-forcing", cache, **options).wan.transformer.state_dict()[name]
        wanted = before + scales[0] * changes[0] + scales[1] * changes[1]
        torch.testing.assert_close(loaded, wanted)
    diffusers_folder = quick("wan2.1", checkpoint=folder, base=folder, lora=first, **SIZES)
    loaded = diffusers_folder.wan.transformer.state_dict()[name]
    torch.testing.assert_close(loaded, before + changes[0])
    for lora, error in (([], ValueError), (3, TypeError), ((first, "a"), FileNotFoundError)):
        with pytest.raises(error, match="lora"):
            quick("self-forcing", checkpoint=file, base=folder, lora=lora, **SIZES)
    with pytest.raises(TypeError, match="strength"):
        quick("self-forcing", checkpoint=file, base=folder, lora=(first, None), **SIZES)

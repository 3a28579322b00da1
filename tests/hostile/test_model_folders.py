"""Model folders that would run code, take all memory, or are damaged."""

from __future__ import annotations

import builtins
import io
import json
import shutil
import sys

import pytest

import dragstream as ds
from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.playground.model import WEIGHTS, Playground
from dragstream.models.wan.tiny import write_tiny
from dragstream.widgets.segment_anything import SegmentAnything

CLASSES = (
    *("AutoConfig", "AutoModel", "AutoTokenizer", "AutoImageProcessor", "AutoProcessor"),
    *("AutoModelForMaskGeneration", "AutoencoderKLWan", "WanTransformer3DModel"),
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("tiny") / "wan", "wan2.1")


@pytest.fixture
def folder(tiny, tmp_path):
    return shutil.copytree(tiny, tmp_path / "wan")


def load(folder):
    return ds.load(folder, cache=False, progress=False)


def change(path, **fields):
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def plant(folder, mark):
    """Code that leaves a mark, named by every config of a folder, under every name that may be."""
    code = f"open({str(mark)!r}, 'a').write(__name__)\nclass Custom: pass\n"
    for part in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        for name in ("custom", "modeling", "tokenization", "__init__", "conftest", "sitecustomize"):
            (part / f"{name}.py").write_text(code)
        for config in part.glob("*.json"):
            if config.name not in ("tokenizer.json", "dragstream.json"):
                names = dict.fromkeys(CLASSES, "custom.Custom")
                names["AutoTokenizer"] = ["custom.Custom", "custom.Custom"]
                change(config, auto_map=names, custom_pipelines={"x": "custom"})


@pytest.fixture
def yes(monkeypatch):
    """Whoever asks hears yes."""
    asked = []
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n" * 100))
    monkeypatch.setattr(builtins, "input", lambda *words: asked.append(words) or "y")
    return asked


def test_code_in_a_model_folder_is_never_run(folder, tmp_path, yes):
    mark = tmp_path / "owned"
    plant(folder, mark)
    model = load(folder)
    assert model.encode_text("a ball").shape[0] == 1
    ds.Stream(model, "a ball", seed=0).step()
    assert yes == []
    assert not mark.exists()


def test_a_tokenizer_of_an_unknown_class_is_refused(folder, tmp_path, yes):
    plant(folder, tmp_path / "owned")
    change(folder / "tokenizer" / "tokenizer_config.json", tokenizer_class="Custom" * 1000)
    with pytest.raises(ValueError, match="tokenizer_class must be one of T5Tokenizer") as caught:
        load(folder)
    assert len(str(caught.value)) < 500
    assert yes == []
    assert not (tmp_path / "owned").exists()


def test_code_in_a_sam_folder_is_never_run(tmp_path, yes):
    from transformers import SamConfig, SamModel

    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = SamConfig(
        vision_config=small
        | {"image_size": 32, "patch_size": 8, "output_channels": 16, "mlp_dim": 16}
        | {"window_size": 2, "global_attn_indexes": [0]},
        prompt_encoder_config={"hidden_size": 16, "image_size": 32, "patch_size": 8}
        | {"image_embedding_size": 4},
        mask_decoder_config=small | {"mlp_dim": 16, "iou_head_hidden_dim": 16},
    )
    folder = tmp_path / "sam"
    SamModel(config).save_pretrained(folder)
    plant(folder, tmp_path / "owned")
    SegmentAnything(folder)
    assert yes == []
    assert not (tmp_path / "owned").exists()
    (folder / "model.safetensors").write_bytes(b"junk")
    with pytest.raises(ValueError, match="sam holds no SAM that can be read"):
        SegmentAnything(folder)


ABSURD = {
    "transformer": ("num_layers", "num_attention_heads", "attention_head_dim", "ffn_dim"),
    "vae": ("base_dim", "z_dim", "num_res_blocks"),
    "text_encoder": ("num_layers", "d_model", "d_ff", "vocab_size", "num_heads"),
    "scheduler": ("num_train_timesteps",),
}


@pytest.mark.parametrize(
    ("part", "name"), [(part, name) for part in ABSURD for name in ABSURD[part]]
)
def test_absurd_sizes_are_refused_before_anything_is_built(folder, part, name, monkeypatch):
    from torch import nn

    (config,) = (folder / part).glob("*config.json")
    change(config, **{name: 2**40})
    built = []
    for kind in (nn.Linear, nn.Conv3d):
        plain = kind.__init__
        monkeypatch.setattr(
            kind, "__init__", lambda *a, plain=plain, **k: (built.append(1), plain(*a, **k))[1]
        )
    with pytest.raises(ValueError, match=rf"{config.name}.*{name} must be at most") as caught:
        load(folder)
    assert str(folder) in str(caught.value)
    assert part != "transformer" or built == []


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        ("transformer", {"num_layers": 100}),
        ("vae", {"base_dim": 4096}),
        ("text_encoder", {"num_layers": 500, "d_model": 60_000, "d_ff": 200_000}),
    ],
)
def test_more_weights_than_the_files_hold_are_never_made_up(folder, part, fields, monkeypatch):
    from torch import nn

    change(folder / part / "config.json", **fields)
    made, to_empty = [], nn.Module.to_empty
    monkeypatch.setattr(
        nn.Module, "to_empty", lambda m, **k: (made.append(type(m).__name__), to_empty(m, **k))[1]
    )
    with pytest.raises(ValueError, match=r"describes [0-9]+ weights|does not fit the config"):
        load(folder)
    assert {"transformer": "CausalWan", "vae": "AutoencoderKLWan"}.get(part) not in made


@pytest.mark.parametrize("name", ["num_layers", "head_dim", "ffn_dim", "window", "patch"])
def test_configs_from_python_are_bounded_too(name):
    sizes = {"num_layers": 1, "num_heads": 1, "head_dim": 2, "ffn_dim": 2, "text_dim": 2}
    absurd = (2**40, 2) if name == "patch" else 2**40
    with pytest.raises(ValueError, match=f"{name} must be at most"):
        CausalWanConfig.of(sizes | {name: absurd})


DAMAGE = {
    "empty": b"",
    "no JSON": b"{",
    "deep": b"[" * 100_000,
    "deep object": b'{"a":' * 100_000,
    "no object": b"[1]",
    "no text": b"\xff\xfe\x00",
    "not finite": b'{"eps": NaN}',
    "large": b'{"a": "' + b"x" * 2**21 + b'"}',
    "a long number": b'{"num_layers": ' + b"9" * 5000 + b"}",
}
CONFIGS = (
    "dragstream.json",
    "transformer/config.json",
    "vae/config.json",
    "text_encoder/config.json",
    "tokenizer/tokenizer_config.json",
    "scheduler/scheduler_config.json",
)


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", CONFIGS)
def test_a_damaged_config_is_named(folder, name, damage):
    path = folder / name
    path.write_bytes(DAMAGE[damage])
    with pytest.raises(ValueError, match=path.name) as caught:
        load(folder)
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize("data", [b"", b"junk", bytes(100), b"\xff" * 100])
@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder", "tokenizer"])
def test_damaged_weights_and_tokenizers_are_named(folder, part, data):
    (path,) = [*(folder / part).glob("*.safetensors"), *(folder / part).glob("tokenizer.json")]
    path.write_bytes(data)
    with pytest.raises(ValueError, match=part) as caught:
        load(folder)
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        ("text_encoder", {"attn_implementation": "somebody/kernels"}),
        ("text_encoder", {"quantization_config": {"quant_method": "bitsandbytes"}}),
    ],
)
def test_code_of_others_is_not_fetched(folder, part, fields):
    change(folder / part / "config.json", **fields)
    with pytest.raises(ValueError, match="asks for code of others"):
        load(folder)


def test_the_playgrounds_config_is_read_alike(tmp_path):
    folder = shutil.copytree(WEIGHTS, tmp_path / "playground")
    config = json.loads((folder / "config.json").read_text())
    for transformer, message in (
        ({"num_layers": 2**40}, "num_layers must be at most"),
        ({"num_layers": 400, "ffn_dim": 100_000}, "more weights than the files"),
    ):
        changed = config | {"transformer": config["transformer"] | transformer}
        (folder / "config.json").write_text(json.dumps(changed))
        with pytest.raises(ValueError, match=message):
            Playground.from_folder(folder)

"""Reading weights: whole, or refused with the names of what is wrong."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.causal_wan import CausalWan
from dragstream.models.checkpoints import NAMES, read_diffusers

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def config():
    return json.loads((GOLDEN / "causal_wan_a.json").read_text())


@pytest.fixture(scope="module")
def weights():
    return torch.load(GOLDEN / "causal_wan_a.pt", weights_only=True)["generator_ema"]


def saved(path, content):
    torch.save(content, path)
    return path


def same_weights(a, b):
    a, b = a.transformer.state_dict(), b.transformer.state_dict()
    return all(torch.equal(a[name], b[name]) for name in a | b)


def test_a_released_checkpoint_is_frozen_and_in_evaluation_mode(config):
    wan = CausalWan.from_released(GOLDEN / "causal_wan_a.pt", config)
    assert not any(weight.requires_grad for weight in wan.parameters())
    assert not any(weight.is_meta for weight in wan.parameters())
    assert not wan.training
    narrow = CausalWan.from_released(GOLDEN / "causal_wan_a.pt", config, dtype=torch.bfloat16)
    assert {weight.dtype for weight in narrow.parameters()} == {torch.bfloat16}


def test_averaged_weights_are_chosen_by_an_argument(config, weights, tmp_path):
    zeros = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    both = saved(tmp_path / "a.pt", {"generator": zeros, "generator_ema": weights, "critic": zeros})
    golden = CausalWan.from_released(GOLDEN / "causal_wan_a.pt", config)
    for choice in ({"ema": True}, {"key": "generator_ema"}):
        assert same_weights(CausalWan.from_released(both, config, **choice), golden)
    plain = CausalWan.from_released(both, config, ema=False)
    assert not any(weight.any() for weight in plain.transformer.state_dict().values())
    with pytest.raises(ValueError, match=r"'generator', 'generator_ema'; choose with ema=True or"):
        CausalWan.from_released(both, config)
    with pytest.raises(
        ValueError, match=r"key must be one of 'generator', .*'critic', got 'other'"
    ):
        CausalWan.from_released(both, config, key="other")
    single = saved(tmp_path / "b.pt", {"generator": weights, "step": 7})
    for ema in (None, True, False):  # nothing to choose from
        assert same_weights(CausalWan.from_released(single, config, ema=ema), golden)


@pytest.mark.parametrize(
    "name",
    [
        "model.blocks.0.self_attn.q.weight",
        "model.blocks.5.cross_attn.norm_k.weight",
        "model.blocks.3.norm3.bias",
        "model.blocks.2.modulation",
        "model.blocks.1.ffn.2.bias",
        "model.head.modulation",
        "model.head.head.weight",
        "model.time_projection.1.bias",
        "model.text_embedding.0.weight",
        "model.patch_embedding.weight",
    ],
)
def test_missing_and_misshapen_weights_are_named(config, weights, tmp_path, name):
    fewer = {key: value for key, value in weights.items() if key != name}
    with pytest.raises(ValueError, match=rf"lacks {name} "):
        CausalWan.from_released(saved(tmp_path / "a.pt", {"generator": fewer}), config)
    bent = weights | {name: weights[name][..., :-1]}
    with pytest.raises(ValueError, match=rf"other shape: {name} .* instead of"):
        CausalWan.from_released(saved(tmp_path / "b.pt", {"generator": bent}), config)


def test_unexpected_weights_are_named(config, weights, tmp_path):
    extra = weights | {"model.blocks.9.self_attn.q.weight": torch.zeros(2)}
    with pytest.raises(ValueError, match=r"unexpected model\.blocks\.9\.self_attn\.q\.weight"):
        CausalWan.from_released(saved(tmp_path / "a.pt", {"generator": extra}), config)
    twice = weights | {"head.head.bias": torch.zeros(64)}
    with pytest.raises(ValueError, match=r"unexpected head\.head\.bias"):
        CausalWan.from_released(saved(tmp_path / "b.pt", {"generator": twice}), config)
    whole = weights | {"model.head.head.bias": torch.zeros(64, dtype=torch.int64)}
    with pytest.raises(ValueError, match=r"not plain floating point: model\.head\.head\.bias"):
        CausalWan.from_released(saved(tmp_path / "c.pt", {"generator": whole}), config)


@pytest.mark.parametrize("kind", [torch.Tensor.to_sparse, lambda weight: weight.to("meta")])
def test_weights_that_are_no_plain_arrays_are_named(config, weights, tmp_path, kind):
    odd = weights | {"model.head.head.bias": kind(weights["model.head.head.bias"])}
    path = saved(tmp_path / "a.pt", {"generator": odd})
    with pytest.raises(ValueError, match=r"not plain floating point: model\.head\.head\.bias"):
        CausalWan.from_released(path, config)


def test_another_config_is_refused(config):
    with pytest.raises(ValueError, match=r"lacks model\.blocks\.6.* and \d+ more"):
        CausalWan.from_released(GOLDEN / "causal_wan_a.pt", config | {"num_layers": 7})
    with pytest.raises(ValueError, match="unexpected"):
        CausalWan.from_released(GOLDEN / "causal_wan_a.pt", config | {"num_layers": 5})
    with pytest.raises(ValueError, match="other shape"):
        CausalWan.from_released(GOLDEN / "causal_wan_a.pt", config | {"num_heads": 3})


def test_foreign_files_are_refused(config, weights, tmp_path):
    for content in ([1, 2], torch.zeros(3), {"weights": [weights]}, {"generator": [1]}, {}):
        with pytest.raises(ValueError, match=r"a\.pt"):
            CausalWan.from_released(saved(tmp_path / "a.pt", content), config)
    odd = {"generator": weights | {"model.x.weight": 1}}
    with pytest.raises(ValueError, match=r"unexpected model\.x\.weight"):
        CausalWan.from_released(saved(tmp_path / "a.pt", odd), config)
    with pytest.raises(FileNotFoundError):
        CausalWan.from_released(tmp_path / "none.pt", config)


@pytest.mark.parametrize("keep", [0, 10, 1000, 500_000, 2_777_000])
def test_damaged_files_are_refused(config, tmp_path, keep):
    path = tmp_path / "a.pt"
    path.write_bytes((GOLDEN / "causal_wan_a.pt").read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"a\.pt is no readable checkpoint: \w+"):
        CausalWan.from_released(path, config)


def test_pickled_code_is_not_run(config, tmp_path):
    class Spy:
        def __reduce__(self):
            return Path.touch, (tmp_path / "run",)

    path = tmp_path / "a.pt"
    path.write_bytes(pickle.dumps({"generator": Spy()}))
    with pytest.raises(ValueError, match="no readable checkpoint"):
        CausalWan.from_released(path, config)
    torch.save({"generator": Spy()}, path)
    with pytest.raises(ValueError, match="no readable checkpoint: Unsupported global") as it:
        CausalWan.from_released(path, config)
    for advice in ("trust", "safe_globals", "weights_only"):  # to read it after all
        assert advice not in str(it.value)
    assert not (tmp_path / "run").exists()


def diffusers_sizes(config):
    sizes = {name: getattr(config, ours) for name, ours in NAMES.items()}
    return sizes | {"patch_size": (1, *config.patch), "out_channels": config.latent_channels}


def diffusers_folder(folder, wan, **changes):
    sizes = {"_class_name": "WanTransformer3DModel"} | diffusers_sizes(wan.config) | changes
    (folder / "config.json").write_text(json.dumps(sizes))
    save_file(wan.transformer.state_dict(), folder / "diffusion_pytorch_model.safetensors")
    return folder


def test_diffusers_folders(tiny, tmp_path):
    wan = CausalWan.from_config(tiny)
    folder = diffusers_folder(tmp_path, wan)
    sizes, state = read_diffusers(folder)
    window = {"window": 5, "sink": 1, "frames_per_block": 2}
    again = CausalWan.from_state(state, sizes | window)
    assert again.config == wan.config
    assert same_weights(again, wan)


def test_other_diffusers_folders_are_refused(tiny, tmp_path):
    def read(folder):
        sizes, state = read_diffusers(folder)
        return CausalWan.from_state(state, sizes)

    wan = CausalWan.from_config(tiny)
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        read(tmp_path)
    for changes, message in (
        ({"_class_name": "UNet2DModel"}, "does not describe"),
        ({"patch_size": [2, 2, 2]}, "patch_size"),
        ({"patch_size": None}, "patch_size"),
        ({"out_channels": 9}, "channels out"),
        ({"num_layers": 2}, "unexpected"),
    ):
        with pytest.raises(ValueError, match=message):
            read(diffusers_folder(tmp_path, wan, **changes))
    diffusers_folder(tmp_path, wan)
    path = tmp_path / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged"):
        read(tmp_path)


def test_a_state_makes_the_same_model_again(tiny):
    wan = CausalWan.from_config(tiny)
    again = CausalWan.from_state(wan.transformer.state_dict(), tiny)
    assert same_weights(wan, again)
    assert wan.fingerprint() == again.fingerprint()
    with torch.no_grad():
        again.transformer.proj_out.bias[0] += 1
    assert wan.fingerprint() != again.fingerprint()
    wider = CausalWan.from_state(wan.transformer.state_dict(), tiny | {"window": 6})
    assert wan.fingerprint() != wider.fingerprint()
    state = wan.transformer.state_dict()
    del state["proj_out.bias"]
    with pytest.raises(ValueError, match=r"lacks proj_out\.bias$"):
        CausalWan.from_state(state, tiny)


# ---------------------------------------------------------------------- sizes


def test_a_config_reads_what_it_knows(config):
    sizes = CausalWanConfig.of(config)
    assert (sizes.window, sizes.sink, sizes.frames_per_block) == (9, 3, 3)
    assert (sizes.latent_channels, sizes.channels) == (16, 96)
    assert CausalWanConfig.of(sizes) is sizes


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"num_layers": 0}, ValueError),
        ({"num_heads": -2}, ValueError),
        ({"head_dim": 7}, ValueError),
        ({"head_dim": 12.0}, TypeError),
        ({"ffn_dim": "40"}, TypeError),
        ({"freq_dim": 15}, ValueError),
        ({"window": 0}, ValueError),
        ({"window": 4, "sink": 3}, ValueError),
        ({"sink": -1}, ValueError),
        ({"sink": True}, TypeError),
        ({"patch": (2, 2, 2)}, ValueError),
        ({"patch": (0, 2)}, ValueError),
        ({"eps": 0.0}, ValueError),
        ({"eps": float("nan")}, ValueError),
    ],
)
def test_bad_sizes_are_named(tiny, changes, error):
    with pytest.raises(error, match=list(changes)[-1]):
        CausalWanConfig.of(tiny | changes)


def test_missing_sizes_are_named(tiny):
    del tiny["ffn_dim"]
    with pytest.raises(ValueError, match="lacks ffn_dim"):
        CausalWanConfig.of(tiny)
    with pytest.raises(TypeError, match="mapping"):
        CausalWanConfig.of([tiny])


def test_what_a_block_sees(tiny):
    sizes = CausalWanConfig.of(tiny)  # window 5, sink 1
    assert sizes.visible_ranges(0, 2) == ((0, 0),)
    assert sizes.visible_ranges(3, 2) == ((0, 3),)
    assert sizes.visible_ranges(4, 2) == ((0, 1), (2, 4))
    assert sizes.visible_ranges(100, 2) == ((0, 1), (98, 100))
    assert (sizes.room(0), sizes.room(2), sizes.room(100)) == (5, 4, 4)
    assert CausalWanConfig.of(tiny | {"window": None}).visible_ranges(100, 2) == ((0, 100),)

"""Strict reading of a Wan transformer's weights, from released files and Diffusers folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dragstream.drags.checks import short_repr
from dragstream.drags.files import expanded
from dragstream.drags.reading import located
from dragstream.models.config_files import read_config
from dragstream.models.state_dicts import State, choose_state, dequantised, find_states
from dragstream.models.weight_files import find_files, read_tree

_CONFIG = "config.json"
_TRANSFORMER = "WanTransformer3DModel"
_NAMED_AT_MOST = 5

NAMES = {
    "num_layers": "num_layers",
    "num_attention_heads": "num_heads",
    "attention_head_dim": "head_dim",
    "ffn_dim": "ffn_dim",
    "text_dim": "text_dim",
    "freq_dim": "freq_dim",
    "in_channels": "latent_channels",
    "eps": "eps",
}
"""Our names of the sizes in a config of diffusers."""


def read_released(
    path: str | Path, *, ema: bool | None = None, key: str | None = None
) -> tuple[State, dict[str, str]]:
    """Read the state dict of a transformer from a file, or from a folder of shards.

    The file is a safetensors file or a pickle (only tensors are unpickled), the state dict bare or
    under a key, its names those of the original Wan or diffusers', with or without the prefixes of
    training; see `dragstream.models.state_dicts`.
    """
    files = find_files(path)
    tree = read_tree(files)
    states = find_states(tree)
    if not states:
        raise ValueError(
            f"{files.shown.name} holds no weights of a Wan transformer, "
            f"but {listed(tree) or 'nothing'}"
        )
    with located(files.shown.name, ValueError):
        found = choose_state(states, ema=ema, key=key)
    convert = str if found.layout == "diffusers" else diffusers_name
    state: State = {}
    origins: dict[str, str] = {}
    for name, weight in dequantised(found.weights).items():
        state[convert(name)], origins[convert(name)] = weight, found.origins[name]
    odd = {name: torch.empty(0) for name in found.rest}  # reported as unexpected
    return state | odd, origins | {name: name for name in odd}


def diffusers_name(name: str) -> str:
    """Convert a weight's name of the original layout to Diffusers' name."""
    from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers

    # Only names are converted, one at a time, so that errors can give the names in the file.
    return str(next(iter(convert_wan_transformer_to_diffusers({name: torch.empty(1, 1, 1, 1)}))))


def read_diffusers(folder: str | Path) -> tuple[dict[str, Any], State]:
    """Read a transformer's folder in the Diffusers layout: `config.json` and safetensors."""
    config, state = read_folder(folder, _TRANSFORMER)
    return _sizes(config, expanded(folder, "folder") / _CONFIG), dequantised(state)


def is_diffusers(path: Path) -> bool:
    """Check for a transformer's folder in the Diffusers layout, by the class name in its config."""
    config = path / _CONFIG
    return config.is_file() and read_config(config).get("_class_name") == _TRANSFORMER


def read_sizes(path: str | Path) -> dict[str, Any]:
    """Read a transformer's sizes from its `config.json`, with the keys of `CausalWanConfig`."""
    return _sizes(_read_config(Path(path), _TRANSFORMER), Path(path))


def read_folder(folder: str | Path, kind: str) -> tuple[dict[str, Any], State]:
    """Read a folder in the Diffusers layout: `config.json` and safetensors, maybe in shards."""
    folder = expanded(folder, "folder")
    config = _read_config(folder / _CONFIG, kind)
    if not any(folder.glob("*.safetensors*")):
        raise FileNotFoundError(f"{folder} holds no safetensors")
    with located(f"{folder} holds a damaged file", ValueError):
        return config, read_tree(find_files(folder))


def _read_config(path: Path, kind: str) -> dict[str, Any]:
    config = read_config(path)
    if config.get("_class_name") != kind:
        raise ValueError(f"{path} does not describe a model of class {kind}")
    return config


def _sizes(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    missing = [name for name in (*NAMES, "patch_size") if name not in config]
    if missing:
        raise ValueError(f"{path} lacks {listed(missing)}")
    patch = config["patch_size"]
    if not isinstance(patch, list) or len(patch) != 3 or patch[0] != 1:
        raise ValueError(f"{path}: patch_size must be (1, rows, columns), got {short_repr(patch)}")
    if config.get("out_channels", config["in_channels"]) != config["in_channels"]:
        raise ValueError(f"{path} describes a model with other channels out than in")
    return {ours: config[name] for name, ours in NAMES.items()} | {"patch": tuple(patch[1:])}


def load_strictly(
    model: nn.Module, state: Mapping[str, Tensor], origins: Mapping[str, str] | None = None
) -> None:
    """Copy weights into a model; names and shapes must match exactly.

    Args and exceptions are those of `check_fit`, which runs before any weight is changed.
    """
    check_fit(model, state, origins)
    model.load_state_dict(state)


def check_fit(
    model: nn.Module, state: Mapping[str, Tensor], origins: Mapping[str, str] | None = None
) -> None:
    """Check that the names and shapes of weights match a model exactly."""
    wanted = model.state_dict()
    names = origins or {}
    original = any(".self_attn." in origin for origin in names.values())
    missing = [name for name in wanted if name not in state]
    extra = [names.get(name, name) for name in state if name not in wanted]
    wrong = [
        f"{names.get(name, name)} {tuple(state[name].shape)} instead of {tuple(weight.shape)}"
        for name, weight in wanted.items()
        if name in state and state[name].shape != weight.shape
    ]
    strange = [
        f"{names.get(name, name)} {weight.dtype} {weight.layout} on {weight.device}"
        for name, weight in state.items()
        if weight.is_meta or weight.layout != torch.strided or not weight.is_floating_point()
    ]
    complaints = [
        f"{what} {listed(which)}"
        for what, which in (
            ("it lacks", [_both(name) if original else name for name in missing]),
            ("it has unexpected", extra),
            ("of other shape:", wrong),
            ("not plain floating point:", strange),
        )
        if which
    ]
    if complaints:
        raise ValueError(f"the checkpoint does not fit the config: {'; '.join(complaints)}")


def released_name(name: str) -> str:
    """Convert a Diffusers weight name to the released one; unknown names are returned unchanged."""
    released = name
    for new, old in _RELEASED.items():
        released = released.replace(new, old)
    return f"model.{released}" if diffusers_name(released) == name else name


def _both(name: str) -> str:
    """Format a weight's name as released, and its Diffusers name."""
    released = released_name(name)
    return name if released == name else f"{released} ({name})"


# The inverse of the converter's name table.
_RELEASED = {
    "condition_embedder.time_embedder.linear_1": "time_embedding.0",
    "condition_embedder.time_embedder.linear_2": "time_embedding.2",
    "condition_embedder.text_embedder.linear_1": "text_embedding.0",
    "condition_embedder.text_embedder.linear_2": "text_embedding.2",
    "condition_embedder.time_proj": "time_projection.1",
    "attn1": "self_attn",
    "attn2": "cross_attn",
    ".to_out.0.": ".o.",
    ".to_q.": ".q.",
    ".to_k.": ".k.",
    ".to_v.": ".v.",
    "proj_out": "head.head",
    ".scale_shift_table": ".modulation",
    "scale_shift_table": "head.modulation",
    "ffn.net.0.proj": "ffn.0",
    "ffn.net.2": "ffn.2",
    "norm2": "norm3",
}


def listed(names: Iterable[object]) -> str:
    """Join the first few names, and count the others."""
    shown = [str(name) for name in names]
    more = len(shown) - _NAMED_AT_MOST
    rest = f" and {more} more" if more > 0 else ""
    return ", ".join(shown[:_NAMED_AT_MOST]) + rest

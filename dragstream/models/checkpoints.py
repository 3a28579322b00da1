"""Strict reading of a Wan transformer's weights, from released files and Diffusers folders."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from dragstream.drags.checks import short_repr, truncate
from dragstream.drags.files import expanded
from dragstream.models.config_files import read_config

State = dict[str, Tensor]

_GENERATORS = ("generator_ema", "generator")
"""Keys of the weights in released files; the averaged weights are preferred."""

_PREFIX = "model."

_WRAPPER = "_fsdp_wrapped_module."
"""A name component that sharded training may leave in weight names."""

_CONFIG = "config.json"
_TRANSFORMER = "WanTransformer3DModel"
_NAMED_AT_MOST = 5


def read_released(path: str | Path) -> tuple[State, dict[str, str]]:
    """Read a released checkpoint: a pickled dict with `generator_ema` or `generator`.

    Only tensors are unpickled (`weights_only=True`).

    Returns:
        Weights in the Diffusers layout, and the name of each in the file.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is damaged or of another kind.
    """
    path = expanded(path)
    content = read_pickled(path)
    name = next((name for name in _GENERATORS if name in content), None)
    if name is None:
        raise ValueError(
            f"{path.name} holds neither {' nor '.join(_GENERATORS)}, "
            f"but {_listed(content) or 'nothing'}"
        )
    released = content[name]
    if not isinstance(released, Mapping) or not released:
        raise ValueError(f"{name} of {path.name} is not a dict of weights")
    foreign = [key for key, value in released.items() if not isinstance(value, Tensor)]
    if foreign:
        raise ValueError(f"{name} of {path.name} holds values that are no tensors: {foreign[:5]}")
    return _to_diffusers({str(key): value for key, value in released.items()})


def read_pickled(path: str | Path) -> dict[str, Any]:
    """Read a dict that torch saved; tensors are memory-mapped.

    Only tensors and plain values are unpickled (`weights_only=True`).

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is damaged, or does not hold a dict.
    """
    path = _existing(path)
    try:
        # Memory-mapped: released files hold more than the weights read here.
        content = torch.load(
            path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
        )
    except Exception as error:  # damaged files make torch and pickle raise many types
        raise ValueError(f"{path.name} is no readable checkpoint: {_reason(error)}") from error
    if not isinstance(content, Mapping):
        kind = type(content).__name__
        raise ValueError(f"{path.name} holds a {kind}, not named weights")  # noqa: TRY004 - its content
    return dict(content)


def _reason(error: Exception) -> str:
    """Return the reason of a read error, without torch's advice to read the file unsafely."""
    lines = str(error).partition("WeightsUnpickler error:")[2] or str(error)
    reason = lines.strip().partition("\n")[0].partition(" Please use ")[0]
    return reason or type(error).__name__


def _to_diffusers(released: State) -> tuple[State, dict[str, str]]:
    state: State = {}
    origins: dict[str, str] = {}
    for name, weight in released.items():
        new = diffusers_name(name.replace(_WRAPPER, "").removeprefix(_PREFIX))
        if new in state:
            new = name  # a duplicate of the same weight: reported as unexpected
        state[new], origins[new] = weight, name
    return state, origins


def diffusers_name(name: str) -> str:
    """Convert a weight's name of the original layout to Diffusers' name."""
    from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers

    # Only names are converted, one at a time, so that errors can give the names in the file.
    return str(next(iter(convert_wan_transformer_to_diffusers({name: torch.empty(1, 1, 1, 1)}))))


def read_diffusers(folder: str | Path) -> tuple[dict[str, Any], State]:
    """Read a transformer's folder in the Diffusers layout: `config.json` and safetensors.

    Returns:
        The config with the keys of `CausalWanConfig`, and the weights.

    Raises:
        FileNotFoundError: The folder lacks its config or weights.
        ValueError: A file is damaged, or describes another kind of model.
    """
    config, state = read_folder(folder, _TRANSFORMER)
    return _sizes(config, expanded(folder, "folder") / _CONFIG), state


def read_sizes(path: str | Path) -> dict[str, Any]:
    """Read the sizes of a transformer from its `config.json`, with the keys of `CausalWanConfig`.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is damaged, or describes another kind of model.
    """
    return _sizes(_read_config(Path(path), _TRANSFORMER), Path(path))


def read_folder(folder: str | Path, kind: str) -> tuple[dict[str, Any], State]:
    """Read a folder in the Diffusers layout: `config.json` and safetensors, maybe in shards.

    Args:
        folder: The folder.
        kind: The class name that the config must have.

    Raises:
        FileNotFoundError: The folder lacks its config or weights.
        ValueError: A file is damaged, or describes another kind of model.
    """
    folder = expanded(folder, "folder")
    config = _read_config(folder / _CONFIG, kind)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"{folder} holds no safetensors")
    try:
        state = {name: weight for file in files for name, weight in load_file(file).items()}
    except Exception as error:  # damaged files make the reader raise many types
        raise ValueError(truncate(f"{folder} holds a damaged file: {error}")) from error
    return config, state


def _read_config(path: Path, kind: str) -> dict[str, Any]:
    config = read_config(path)
    if config.get("_class_name") != kind:
        raise ValueError(f"{path} does not describe a model of class {kind}")
    return config


def _sizes(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    names = {
        "num_layers": "num_layers",
        "num_attention_heads": "num_heads",
        "attention_head_dim": "head_dim",
        "ffn_dim": "ffn_dim",
        "text_dim": "text_dim",
        "freq_dim": "freq_dim",
        "in_channels": "latent_channels",
        "eps": "eps",
    }
    missing = [name for name in (*names, "patch_size") if name not in config]
    if missing:
        raise ValueError(f"{path} lacks {_listed(missing)}")
    patch = config["patch_size"]
    if not isinstance(patch, list) or len(patch) != 3 or patch[0] != 1:
        raise ValueError(f"{path}: patch_size must be (1, rows, columns), got {short_repr(patch)}")
    if config.get("out_channels", config["in_channels"]) != config["in_channels"]:
        raise ValueError(f"{path} describes a model with other channels out than in")
    return {ours: config[name] for name, ours in names.items()} | {"patch": tuple(patch[1:])}


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
    """Check that the names and shapes of weights match a model exactly.

    Args:
        model: The model; it may be on the meta device.
        state: Weights by the model's names.
        origins: Names of the weights in their file, for error messages.

    Raises:
        ValueError: Missing or unexpected names, other shapes, or weights that are not plain
            floating point tensors; the message names them.
    """
    wanted = model.state_dict()
    names = origins or {}
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
        f"{what} {_listed(which)}"
        for what, which in (
            ("it lacks", [_both(name) if names else name for name in missing]),
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
    return f"{_PREFIX}{released}" if diffusers_name(released) == name else name


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


def _listed(names: Iterable[object]) -> str:
    shown = [str(name) for name in names]
    more = len(shown) - _NAMED_AT_MOST
    rest = f" and {more} more" if more > 0 else ""
    return ", ".join(shown[:_NAMED_AT_MOST]) + rest


def _existing(path: str | Path) -> Path:
    path = expanded(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    return path

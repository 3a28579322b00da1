"""Bounded reading of JSON files in model folders, which are untrusted (`read_config`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from dragstream.drags.checks import short_repr
from dragstream.drags.reading import located

MOST_BYTES = 2**20
"""Maximum size of a file, in bytes."""

MOST_VALUES = 1024
"""Maximum length of a list or an object."""

LARGEST_SIZE = 2**22
"""The largest integer allowed in a config, unless `LARGEST` has a lower bound."""

LARGEST = {
    **dict.fromkeys(
        ("num_layers", "num_hidden_layers", "num_decoder_layers", "num_res_blocks"), 512
    ),
    **dict.fromkeys(("num_heads", "num_attention_heads"), 1024),
    **dict.fromkeys(("head_dim", "attention_head_dim", "d_kv"), 4096),
    **dict.fromkeys(("text_dim", "freq_dim", "d_model", "hidden_size", "latent_channels"), 2**16),
    **dict.fromkeys(("base_dim", "z_dim", "in_channels", "out_channels", "dim_mult"), 2**14),
    **dict.fromkeys(("ffn_dim", "d_ff", "intermediate_size", "mlp_dim"), 2**18),
    **dict.fromkeys(("num_train_timesteps", "image_size"), 100_000),
    "frames_per_block": 1024,
    "patch": 64,
    "window": 1_000_000,
    "sink": 1_000_000,
}
"""The largest allowed sizes of a model, by their names in configs."""

_FOREIGN = ("attn_implementation", "_attn_implementation", "quantization_config")
"""Config keys that would make transformers fetch or import foreign code."""


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path} has more than {MOST_BYTES} bytes")
    with located(f"{path} is damaged", ValueError, RecursionError, OSError):
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refused)
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no object, but {short_repr(content)}")  # noqa: TRY004 - its content
    return content


def read_config(path: Path) -> dict[str, Any]:
    """Read the config of a part of a model and check its sizes against `LARGEST`."""
    config = read_json(path)
    foreign = [name for name in _FOREIGN if config.get(name) is not None]
    if foreign:
        raise ValueError(f"{path}: {foreign[0]} asks for code of others, which is not loaded")
    with located(str(path), ValueError):
        check_sizes(config)
    return config


def check_sizes(value: object, name: str = "", depth: int = 0) -> None:
    """Reject sizes beyond those of any model, before anything is built."""
    most = LARGEST.get(name, LARGEST_SIZE)
    if isinstance(value, int) and abs(value) > most:
        raise ValueError(f"{name} must be at most {most}, got {short_repr(value)}")
    if not isinstance(value, Mapping | list | tuple):
        return
    if len(value) > MOST_VALUES:
        raise ValueError(f"{name or 'it'} may hold at most {MOST_VALUES} values, got {len(value)}")
    if depth > 16:
        raise ValueError(f"{name} nests too deeply")
    if isinstance(value, Mapping):
        for key, item in value.items():
            check_sizes(item, str(key), depth + 1)
    else:
        for item in value:
            check_sizes(item, name, depth + 1)


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")

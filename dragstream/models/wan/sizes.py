"""Sizes of the released models' parts, for memory planning before any download.

They are copied from the `config.json` of each part, by hub repository in the Diffusers layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dragstream.drags.files import expanded
from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.config_files import read_config


@dataclass(frozen=True)
class Sizes:
    """Configs of the parts of a Wan."""

    transformer: Mapping[str, Any]  # the keys of `CausalWanConfig` that determine its size
    # the keys of diffusers' `AutoencoderKLWan`; missing keys have its defaults
    vae: Mapping[str, Any] = field(default_factory=dict)
    # the keys of transformers' `UMT5Config` that determine its number of weights
    text: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_folder(cls, folder: str | Path) -> Sizes:
        """Read the configs in a folder in the Diffusers layout."""
        from dragstream.models.checkpoints import read_sizes

        folder = expanded(folder, "folder")
        return cls(
            read_sizes(folder / "transformer" / "config.json"),
            _config(folder / "vae" / "config.json"),
            _config(folder / "text_encoder" / "config.json"),
        )

    def causal(self, window: Mapping[str, Any]) -> CausalWanConfig:
        """Return the transformer's config with window, sink and frames of a block."""
        return CausalWanConfig.of({**self.transformer, **window})

    def text_weights(self) -> int:
        """The number of weights of a UMT5 encoder; 0 if its sizes are unknown."""
        text = self.text
        if not text:
            return 0
        width, inner = text["d_model"], text["num_heads"] * text["d_kv"]
        attention = 4 * width * inner + text["relative_attention_num_buckets"] * text["num_heads"]
        layer = attention + 3 * width * text["d_ff"] + 2 * width
        return int(text["num_layers"] * layer + text["vocab_size"] * width + width)


def _config(path: Path) -> dict[str, Any]:
    """Read a part's config without diffusers' metadata; empty if there is none."""
    if not path.is_file():
        return {}
    return {name: value for name, value in read_config(path).items() if not name.startswith("_")}


_WAN_1_3B = Sizes(
    transformer={
        "num_layers": 30,
        "num_heads": 12,
        "head_dim": 128,
        "ffn_dim": 8960,
        "text_dim": 4096,
        "freq_dim": 256,
        "latent_channels": 16,
        "patch": (2, 2),
    },
    text={
        "d_model": 4096,
        "d_kv": 64,
        "d_ff": 10240,
        "num_heads": 64,
        "num_layers": 24,
        "vocab_size": 256384,
        "relative_attention_num_buckets": 32,
    },
)

_WAN_14B = Sizes(
    transformer={**_WAN_1_3B.transformer, "num_layers": 40, "num_heads": 40, "ffn_dim": 13824},
    text=_WAN_1_3B.text,
)

_WAN_5B = Sizes(
    transformer={
        **_WAN_1_3B.transformer,
        "num_heads": 24,
        "ffn_dim": 14336,
        "latent_channels": 48,
    },
    vae={
        "base_dim": 160,
        "decoder_base_dim": 256,
        "z_dim": 48,
        "in_channels": 12,
        "out_channels": 12,
        "is_residual": True,
        "patch_size": 2,
        "scale_factor_spatial": 16,
        # Statistics of the latents; they do not change the size.
        "latents_mean": [0.0] * 48,
        "latents_std": [1.0] * 48,
    },
    text=_WAN_1_3B.text,
)

SIZES: dict[str, Sizes] = {
    "Wan-AI/Wan2.1-T2V-1.3B-Diffusers": _WAN_1_3B,
    "Wan-AI/Wan2.1-T2V-14B-Diffusers": _WAN_14B,
    "Wan-AI/Wan2.2-TI2V-5B-Diffusers": _WAN_5B,
}
"""Sizes by repository."""

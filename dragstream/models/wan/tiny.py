"""A command that writes a tiny random model in the released layout, for tests of loading.

`python -m dragstream.models.wan.tiny tiny-wan` writes a folder that `ds.load` reads.

Loading it runs the same code as the public weights (released `.pt` file or Diffusers folders,
tokenizer, text encoder, VAE, scheduler), in a second on a CPU; it generates noise instead of
videos. Names of files, keys and config fields equal the public ones; only sizes differ.
"""

from __future__ import annotations

import argparse
import itertools
import json
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from safetensors.torch import save_file
from torch import Tensor, nn

from dragstream.drags.checks import check_choice
from dragstream.drags.extras import needed
from dragstream.drags.failures import exit_on_failure
from dragstream.drags.files import expanded
from dragstream.models.checkpoints import released_name
from dragstream.models.wan.release import Release
from dragstream.models.wan.releases import NOTE, RELEASES
from dragstream.models.wan.sizes import SIZES

_TEXT_DIM = 16
_CHANNELS = 4
_WIDE = 6
"""Latent channels of the tiny Wan 2.2, other than those of the tiny Wan 2.1."""

_RANK = 2
_LINEAR = ("attn1", "attn2", "ffn")
"""The parts of a block whose matrices an adapter modifies."""


def write_tiny(
    folder: str | Path,
    release: str = "self-forcing",
    *,
    seed: int = 0,
    height: int | None = None,
    width: int | None = None,
    num_layers: int = 3,
) -> Path:
    """Write a tiny random model as a folder that `ds.load` reads.

    The folder has the layout of the hub repository of the release's base (`transformer`, `vae`,
    `text_encoder`, `tokenizer`, `scheduler`, `model_index.json`), the released `.pt` file at its
    path in the release's own repository, and a `dragstream.json` with the sizes.

    Args:
        folder: The output folder; created if missing.
        release: The released model to imitate.
        seed: Seed of the weights.
        height: Frame height in pixels, a multiple of 16 (for Wan 2.2: of 32); None: 2 of them.
        width: Frame width in pixels, likewise; None: 3 of them.
        num_layers: Layers of the transformer.

    Returns:
        The folder.

    Raises:
        ValueError: An unknown release.
        ImportError: transformers is not installed (extra `wan`).
    """
    check_choice(release, RELEASES, "release")
    root, like = expanded(folder, "folder"), RELEASES[release]
    root.mkdir(parents=True, exist_ok=True)
    wide = bool(SIZES[like.base].vae.get("is_residual"))
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        transformer = _transformer(num_layers, _WIDE if wide else _CHANNELS)
        transformer.save_pretrained(root / "transformer")
        if like.file is not None:
            _write_released(root, like, transformer)
        _vae(wide=wide).save_pretrained(root / "vae")
        _write_text(root)
    UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    ).save_pretrained(root / "scheduler")
    _write_json(root / "model_index.json", {"_class_name": "WanPipeline"})
    unit = 32 if wide else 16
    _write_json(root / NOTE, _note(like, height or 2 * unit, width or 3 * unit, num_layers))
    return root


def _note(like: Release, height: int, width: int, num_layers: int) -> dict[str, Any]:
    note: dict[str, Any] = {
        "like": like.name,
        "name": f"tiny-{like.name}",
        "summary": "a tiny random model in the released layout",
        "height": height,
        "width": width,
        "layers": sorted({num_layers // 2, num_layers - 1}),
    }
    if like.guidance is not None:
        note["frames_per_block"] = 3
        note["guidance"] = {"steps": 4}
    return note


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _shaken(model: nn.Module, scale: float) -> None:
    """Randomise all weights: fresh biases and modulations are 0, and would have no effect."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight), alpha=scale)


def _transformer(num_layers: int, channels: int) -> WanTransformer3DModel:
    model: WanTransformer3DModel = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=channels,
        out_channels=channels,
        text_dim=_TEXT_DIM,
        freq_dim=16,
        ffn_dim=32,
        num_layers=num_layers,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        eps=1e-6,
        rope_max_seq_len=64,
    )
    _shaken(model, 0.1)
    return model


def _vae(*, wide: bool) -> AutoencoderKLWan:
    """Make a VAE of Wan 2.1's kind; if `wide` of 2.2's: residual, with 2 x 2 patches, factor 16."""
    if wide:
        kind: dict[str, Any] = {
            "decoder_base_dim": 4,
            "in_channels": 12,
            "out_channels": 12,
            "is_residual": True,
            "patch_size": 2,
            "scale_factor_spatial": 16,
            "latents_mean": [0.1 * index for index in range(_WIDE)],
            "latents_std": [1.0 + 0.1 * index for index in range(_WIDE)],
        }
    else:
        kind = {"latents_mean": [-0.2, 0.1, 0.3, 0.0], "latents_std": [1.2, 0.8, 1.0, 1.5]}
    model: AutoencoderKLWan = AutoencoderKLWan(
        base_dim=4,
        z_dim=_WIDE if wide else _CHANNELS,
        dim_mult=[1, 1, 2, 2],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        **kind,
    )
    _shaken(model, 0.05)
    return model


def _write_released(root: Path, like: Release, transformer: nn.Module) -> None:
    """Write the weights under their released names, and an adapter if the release has one."""
    state = {released_name(name): weight for name, weight in transformer.state_dict().items()}
    path = root / str(like.file)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        bare = {name.removeprefix("model."): weight for name, weight in state.items()}
        save_file({name: weight.contiguous() for name, weight in bare.items()}, path)
    else:
        torch.save({"generator_ema" if like.ema else "generator": state}, path)
    if like.lora is None:
        return
    factors: dict[str, Tensor] = {}
    for name, weight in transformer.state_dict().items():
        if weight.ndim == 2 and any(part in name for part in _LINEAR):
            stem = released_name(name).removeprefix("model.").removesuffix(".weight")
            rows, columns = weight.shape
            factors[f"base_model.model.{stem}.lora_A.weight"] = torch.randn(_RANK, columns) * 0.1
            factors[f"base_model.model.{stem}.lora_B.weight"] = torch.randn(rows, _RANK) * 0.1
    torch.save({"generator_lora": factors}, root / like.lora)


def _write_text(root: Path) -> None:
    """Write UMT5 and a tokenizer with single characters and pairs of letters as tokens."""
    needed("transformers", "a text encoder needs transformers", "wan")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

    marks = ["<pad>", "</s>", "<unk>"]
    letters = ["\u2581", *(chr(code) for code in range(33, 127))]
    # Pairs, so that captions of a hundred words stay below the 512 tokens of the public models.
    pairs = ["".join(pair) for pair in itertools.product(string.ascii_lowercase, repeat=2)]
    pieces = [(mark, 0.0) for mark in marks] + [(piece, -4.0) for piece in (*letters, *pairs)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=marks[0], eos_token=marks[1], unk_token=marks[2]
    )
    fast.save_pretrained(root / "tokenizer")
    config = UMT5Config(
        vocab_size=len(pieces),
        d_model=_TEXT_DIM,
        d_kv=8,
        d_ff=32,
        num_layers=1,
        num_heads=2,
        relative_attention_num_buckets=8,
        feed_forward_proj="gated-gelu",
    )
    UMT5EncoderModel(config).save_pretrained(root / "text_encoder")


@exit_on_failure()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; `--help` lists its options."""
    parser = argparse.ArgumentParser(
        prog="python -m dragstream.models.wan.tiny",
        description="Write a tiny random model in a released layout, for ds.load.",
    )
    parser.add_argument("folder", help="where to; made if need be")
    parser.add_argument("--release", default="self-forcing", choices=RELEASES, help="which layout")
    for name, default in (("seed", 0), ("height", None), ("width", None), ("num_layers", 3)):
        option = f"--{name.replace('_', '-')}"
        shown = "the smallest" if default is None else default
        parser.add_argument(option, type=int, default=default, help=f"by default {shown}")
    write_tiny(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()

"""Prompt embeddings by UMT5 from transformers, cached on disk."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from dragstream.drags.checks import check_choice, check_int, check_kind
from dragstream.drags.extras import needed
from dragstream.drags.reading import located
from dragstream.models.config_files import read_config, read_json
from dragstream.models.defaults import cpu_by_default, warn_of_slow_bfloat16
from dragstream.models.wan.cache import read_tensors, write_tensors
from dragstream.models.wan.room import need_memory
from dragstream.models.wan.sizes import Sizes
from dragstream.models.wan.sources import Source, signature
from dragstream.models.weight_files import find_files, read_tree

_log = logging.getLogger(__name__)

_EMBEDDING = "embedding"
_TOKENIZERS = {
    "T5Tokenizer": "T5TokenizerFast",
    "T5TokenizerFast": "T5TokenizerFast",
    "PreTrainedTokenizerFast": "PreTrainedTokenizerFast",
    "TokenizersBackend": "PreTrainedTokenizerFast",
}
"""The allowed tokenizer classes in configs, and the transformers class for each."""


def clean(prompt: str) -> str:
    """Normalise a prompt as in training: text repaired, HTML unescaped, single spaces.

    Diffusers silently skips the repair if ftfy is not installed; here ftfy is required.
    """
    needed("ftfy", "cleaning prompts as the models expect needs ftfy", "wan")
    from diffusers.pipelines.wan.pipeline_wan import prompt_clean

    return str(prompt_clean(prompt))


class TextEncoder:
    """UMT5 with its tokenizer, loaded only while in use.

    A prompt's embeddings (1, tokens, text_dim) are 0 after the prompt's own length. They are cached
    on disk under a digest of the cleaned prompt and the encoder, so that the encoder, the largest
    part of the model, is read (and downloaded) only for new prompts.
    """

    def __init__(
        self,
        source: Source,
        *,
        tokens: int = 512,
        folder: Path | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.bfloat16,
        keep: bool = False,
    ) -> None:
        self.source = source
        self.tokens = check_int(tokens, "tokens", least=1)
        self.folder = folder
        self.device = torch.device(device)
        self.dtype = dtype
        self.keep = keep
        self._parts: tuple[Any, Any] | None = None

    @torch.no_grad()
    def __call__(self, prompt: str) -> Tensor:
        """Encode a prompt as embeddings (1, tokens, text_dim), on the CPU."""
        cleaned = clean(check_kind(prompt, str, "prompt"))
        path = self._path(cleaned)
        kept = None if path is None else read_tensors(path)
        if kept is not None and _EMBEDDING in kept:
            return kept[_EMBEDDING].clone()
        embedding = self._encode(cleaned)
        if path is not None:
            try:
                write_tensors(path, {_EMBEDDING: embedding})
            except (OSError, SafetensorError) as error:
                _log.info("the embedding of %r is not kept: %s", cleaned, error)
        return embedding

    def identity(self) -> str:
        """Compute a digest of the encoder's config, the same on every machine."""
        config = self.source.file("text_encoder/config.json").read_bytes()
        return hashlib.sha256(config + f"{self.tokens}".encode()).hexdigest()

    def _path(self, cleaned: str) -> Path | None:
        if self.folder is None:
            return None
        parts = [self.source.identity, self.identity(), str(self.dtype), cleaned]
        local = Path(self.source.identity) / "text_encoder"
        if local.is_dir():  # files may be replaced under the same name
            parts.append(signature(sorted(local.glob("*.safetensors"))))
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return self.folder / "text" / f"{digest}.safetensors"

    @cpu_by_default()
    def _encode(self, cleaned: str) -> Tensor:
        tokenizer, encoder = self._parts or self._load()
        try:
            read = tokenizer(
                [cleaned],
                padding="max_length",
                max_length=self.tokens,
                truncation=False,
                add_special_tokens=True,
                return_attention_mask=True,
                return_tensors="pt",
            )
            length = int(read.attention_mask.sum())
            if length > self.tokens:
                raise ValueError(
                    f"a prompt may have at most {self.tokens} tokens, this one has {length}: "
                    f"{cleaned[:60]!r}..."
                )
            ids, mask = (x.to(self.device) for x in (read.input_ids, read.attention_mask))
            embedding: Tensor = encoder(ids, attention_mask=mask).last_hidden_state
            embedding = embedding.cpu().clone()
            embedding[:, length:] = 0
        finally:
            self._parts = (tokenizer, encoder) if self.keep else None
        if not torch.isfinite(embedding).all():
            raise ValueError(f"the text encoder of {self.source.identity} gives values not finite")
        return embedding

    def _load(self) -> tuple[Any, Any]:
        transformers = needed("transformers", "the text encoder needs transformers", "wan")
        tokenizer_folder = self.source.folder("tokenizer")
        folder = self.source.folder("text_encoder")
        with located(f"{folder} holds a damaged file", ValueError, OSError):
            weights = read_tree(find_files(folder), data=False).values()
        held = sum(weight.numel() for weight in weights)
        advice = "encode prompts on a machine with more (they are cached), or close other programs"
        size = held * self.dtype.itemsize
        need_memory(size, torch.device("cpu"), "the text encoder", advice)
        _check_described(folder, held)
        advice = 'text_dtype="float32" takes twice the memory (prompts are cached)'
        warn_of_slow_bfloat16(self.device, self.dtype, advice)
        tokenizer = _tokenizer(tokenizer_folder)
        with located(f"{folder} holds no UMT5 encoder that can be read", Exception):
            encoder = transformers.UMT5EncoderModel.from_pretrained(
                folder,
                dtype=self.dtype,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
            )
        _check_tied(encoder, folder)
        return tokenizer, encoder.requires_grad_(requires_grad=False).eval().to(self.device)


def _tokenizer(folder: Path) -> Any:
    """Load a folder's tokenizer by a class of transformers, never by one in the folder."""
    import transformers

    name = read_json(folder / "tokenizer_config.json").get("tokenizer_class", "T5Tokenizer")
    check_choice(name, _TOKENIZERS, f"{folder}: tokenizer_class")
    kind: Any = getattr(transformers, _TOKENIZERS[name])
    with located(f"{folder} holds no tokenizer that can be read", Exception):
        return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def _check_described(folder: Path, held: int) -> None:
    """Check that a config describes about as many weights as the files hold."""
    text = read_config(folder / "config.json")
    with located(f"{folder / 'config.json'} describes no UMT5", KeyError, TypeError):
        described = Sizes({}, text=text).text_weights()
    if described > 2 * held:
        raise ValueError(
            f"{folder / 'config.json'} describes {described} weights, the files hold {held}"
        )


def _check_tied(encoder: Any, folder: Path) -> None:
    """Check that the input embeddings use the weights in the file."""
    shared, used = encoder.shared.weight, encoder.encoder.embed_tokens.weight
    tied = shared.data_ptr() == used.data_ptr() or torch.equal(shared, used)
    if not tied or not bool((used != 0).any()):
        import transformers

        raise ValueError(
            f"transformers {transformers.__version__} read {folder} without tying the word "
            f"embeddings to the weights in the file, so every prompt would be noise; versions 5.0 "
            f"and 5.1 do that: pip install --upgrade transformers"
        )

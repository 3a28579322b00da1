"""Which part of a model works where, and in which arithmetic: `Placement`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from dragstream.drags.checks import switch, whole
from dragstream.models.causal_economy import Economy


@dataclass(frozen=True)
class Placement:
    """Where the parts of a Wan are.

    Args:
        device: The transformer's; None means a CUDA device if there is one, else the CPU.
        dtype: The transformer's; None means bfloat16 on a CUDA device, float32 elsewhere.
        vae_device: The VAE's; None means the transformer's.
        vae_dtype: The VAE's; None means the transformer's, but float32 on a CPU.
        text_device: Where prompts are encoded.
        text_dtype: The text encoder's.
        keep_text: Leave the text encoder in memory after use.
        decoder_states: How many of the VAE's memories of what came before stay on its device: 2
            serve an edit as well as the next block; with 0 they visit it.
        economy: How the transformer saves memory.
        undo: How many blocks back streams keep the model's memory, unless they are told otherwise
            (see `Stream`); each takes memory of the device.
        compile: Whether the transformer's layers are compiled, see
            `dragstream.models.causal_compile`.

    Raises:
        TypeError, RuntimeError: A device or dtype that does not exist.
        ValueError: A dtype that is not floating point; a CUDA device where there is none; fewer
            than 0 states or 1 block.
    """

    device: torch.device | str | None = None
    dtype: torch.dtype | str | None = None
    vae_device: torch.device | str | None = None
    vae_dtype: torch.dtype | str | None = None
    text_device: torch.device | str = "cpu"
    text_dtype: torch.dtype | str = torch.bfloat16
    keep_text: bool = False
    decoder_states: int = 2
    economy: Economy = field(default_factory=Economy)
    undo: int = 1
    compile: bool = False

    def __post_init__(self) -> None:
        whole(self.decoder_states, "decoder_states", least=0)
        whole(self.undo, "undo", least=1)
        switch(self.compile, "compile")

    def resolved(self) -> Placement:
        """The same with nothing left open."""
        device = _device(self.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        dtype = read_dtype(
            self.dtype or (torch.bfloat16 if device.type == "cuda" else torch.float32)
        )
        vae_device = device if self.vae_device is None else _device(self.vae_device)
        vae_dtype = torch.float32 if vae_device.type == "cpu" else dtype
        return Placement(
            device,
            dtype,
            vae_device,
            vae_dtype if self.vae_dtype is None else read_dtype(self.vae_dtype),
            _device(self.text_device),
            read_dtype(self.text_dtype),
            self.keep_text,
            self.decoder_states,
            self.economy,
            self.undo,
            self.compile,
        )


def _device(named: Any) -> torch.device:
    device = torch.device(named)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"there is no CUDA device here for {str(device)!r}; device='cpu' works")
    return device


def read_dtype(named: Any) -> torch.dtype:
    """A floating point dtype of torch, or a ValueError; `named` may be its name."""
    dtype = getattr(torch, named, None) if isinstance(named, str) else named
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ValueError(f"dtype must be a floating point type of torch, got {named!r}")
    return dtype

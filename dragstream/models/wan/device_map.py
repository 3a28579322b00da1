"""Device and dtype of each part of a model: `DeviceMap`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from dragstream.drags.checks import check_bool, check_int
from dragstream.models.attention_backends import check_name
from dragstream.models.causal_offload import OffloadConfig
from dragstream.models.causal_quantised import KINDS
from dragstream.models.defaults import read_dtype


@dataclass(frozen=True)
class DeviceMap:
    """Device and dtype of the parts of a Wan.

    Args:
        device: The transformer's device; None means a CUDA device if there is one, else the CPU.
        dtype: The transformer's dtype, or its name ("bfloat16", "bf16", ...); None means bfloat16
            on a CUDA device, float32 elsewhere.
        vae_device: The VAE's device; None means the transformer's.
        vae_dtype: Dtype of the VAE and of a small decoder; None means float32 on a CPU, else the
            transformer's.
        text_device: The text encoder's device.
        text_dtype: The text encoder's dtype.
        keep_text: If set, the text encoder stays in memory after use.
        decoder_states: Number of the VAE decoder's states that stay on its device: 2 suffice for an
            edit and the next block; with 0 they are copied to it for each use.
        offload: The transformer's memory saving options.
        undo: Blocks that streams keep for undo by default (see `Stream`); each takes device memory.
        compile: If set, the transformer's layers are compiled, see `causal_compile`.
        attention: Name of the attention in passes without gradients, see `attention_backends`; None
            means the default for device and dtype.
        weights: "fp8" or "int8" stores the matrices of the transformer's layers in 8 bits, see
            `causal_quantised`; None stores them in `dtype`.
        kv_cache: "int8" stores keys and values of finished blocks in 8 bits; None in `dtype`.

    Raises:
        TypeError, RuntimeError, ValueError: An unknown device, dtype or name, or one that does not
            work here; fewer than 0 states or 1 block.
    """

    device: torch.device | str | None = None
    dtype: torch.dtype | str | None = None
    vae_device: torch.device | str | None = None
    vae_dtype: torch.dtype | str | None = None
    text_device: torch.device | str = "cpu"
    text_dtype: torch.dtype | str = torch.bfloat16
    keep_text: bool = False
    decoder_states: int = 2
    offload: OffloadConfig = field(default_factory=OffloadConfig)
    undo: int = 1
    compile: bool = False
    attention: str | None = None
    weights: str | None = None
    kv_cache: str | None = None

    def __post_init__(self) -> None:
        check_int(self.decoder_states, "decoder_states", least=0)
        check_int(self.undo, "undo", least=1)
        check_bool(self.compile, "compile")
        if self.attention is not None:
            check_name(self.attention)
        for name, kinds in (("weights", KINDS), ("kv_cache", ("int8",))):
            value: object = getattr(self, name)
            if value is not None and value not in kinds:
                raise ValueError(f"{name} must be None or {' or '.join(kinds)}, got {value!r}")

    def changed(self, changes: Mapping[str, Any]) -> tuple[DeviceMap, dict[str, Any]]:
        """Replace fields, those of `offload` among them; also return the other changes."""
        own, saving = (
            {name: value for name, value in changes.items() if name in kind.__dataclass_fields__}
            for kind in (DeviceMap, OffloadConfig)
        )
        where = replace(self, **own)
        rest = {name: changes[name] for name in changes if name not in own and name not in saving}
        return replace(where, offload=replace(where.offload, **saving)), rest

    def resolved(self, *, here: bool = True) -> DeviceMap:
        """Return the device map with defaults resolved; a plan is for devices that may be absent.

        Devices are then strings, and dtypes those of torch.
        """
        usual = "cuda" if torch.cuda.is_available() or not here else "cpu"
        device = _device(self.device or usual, here=here)
        vae_device = _device(self.vae_device or device, here=here)
        dtype = read_dtype(
            self.dtype or (torch.bfloat16 if device.startswith("cuda") else torch.float32)
        )
        return replace(
            self,
            device=device,
            dtype=dtype,
            vae_device=vae_device,
            vae_dtype=read_dtype(
                self.vae_dtype or (torch.float32 if vae_device == "cpu" else dtype)
            ),
            text_device=_device(self.text_device, here=here),
            text_dtype=read_dtype(self.text_dtype),
        )


def _device(named: Any, *, here: bool) -> str:
    device = torch.device(named)
    if here and device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"there is no CUDA device here for {str(device)!r}; device='cpu' works")
    return str(device)

"""Attention of passes without gradients, by name.

"sdpa" is torch's `scaled_dot_product_attention`, "math" matrix products with a softmax between.
Other names are those of diffusers' dispatcher (`diffusers.models.attention_dispatch`), such as
"flash", "sage", "xformers" and "flex", where their packages are installed. Names that end in "_hub"
are left out: they download code while they run.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from dragstream.drags.checks import check_choice, check_kind
from dragstream.models import matrix_attention
from dragstream.models.defaults import bfloat16_on_cpu, has_amx

Backend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Attention of queries to keys and values, (batch, tokens, heads, head_dim) each; the output is
shaped like the queries."""

_TOLERANCE = 0.05
"""Largest relative deviation from torch's attention, as that of 8-bit kernels."""


def sdpa(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Compute torch's scaled dot-product attention."""
    query, key, value = (part.transpose(1, 2) for part in (query, key, value))
    return F.scaled_dot_product_attention(query, key, value).transpose(1, 2)


def matrices(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Compute attention as matrix products, see `matrix_attention`."""
    query, key, value = (part.transpose(1, 2) for part in (query, key, value))
    return matrix_attention.attend(query, key, value).transpose(1, 2)


def by_default(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Compute torch's attention, but matrix products for bfloat16 on a CPU without AMX.

    With AMX torch's fused attention multiplies tiles in bfloat16, without it in float32.
    """
    products = bfloat16_on_cpu(query.device, query.dtype) and not has_amx()
    return (matrices if products else sdpa)(query, key, value)


_OWN: dict[str, Backend] = {"sdpa": sdpa, "math": matrices}


def find_backend(
    name: str | None, *, device: torch.device, dtype: torch.dtype, head_dim: int
) -> Backend:
    """Return the attention of a name, after a trial on the device.

    Args:
        name: "sdpa", "math", or one of diffusers' dispatcher; None for `by_default`.
        device: Device of the tensors.
        dtype: Their dtype.
        head_dim: Channels of a head.

    Raises:
        TypeError: `name` is neither a string nor None.
        ValueError: An unknown name, or attention that does not work on the device.
        ImportError: A package is missing; the message says which.
    """
    if name is None:
        return by_default
    check_name(name)
    if name in _OWN:
        return _OWN[name]
    try:
        return _dispatched(name, device, dtype, head_dim)
    except (ImportError, ValueError) as error:
        here = ", ".join(available(device, dtype, head_dim))
        raise type(error)(f"attention={name!r}: {error}; on {device} there are {here}") from error


def check_name(name: object) -> None:
    """Raise a TypeError or ValueError unless an attention of this name is known."""
    check_choice(check_kind(name, str, "attention"), (*_OWN, *_dispatcher_names()), "attention")


def available(
    device: torch.device, dtype: torch.dtype = torch.bfloat16, head_dim: int = 64
) -> tuple[str, ...]:
    """Return the names of the attentions that work on a device, by trials of a few tokens."""
    found = [*_OWN]
    for name in _dispatcher_names():
        try:
            _dispatched(name, device, dtype, head_dim)
        except (ImportError, ValueError):
            continue
        found.append(name)
    return tuple(found)


def _dispatcher_names() -> tuple[str, ...]:
    from diffusers.models.attention_dispatch import AttentionBackendName

    names = (backend.value for backend in AttentionBackendName)
    return tuple(name for name in names if not name.endswith("_hub") and name != "native")


def _dispatched(name: str, device: torch.device, dtype: torch.dtype, head_dim: int) -> Backend:
    """Return an attention of diffusers' dispatcher that agrees with torch's on the device."""
    from diffusers.models.attention_dispatch import (
        AttentionBackendName,
        attention_backend,
        dispatch_attention_fn,
    )

    backend = AttentionBackendName(name)
    try:
        with attention_backend(backend):  # checks the packages
            pass
    except RuntimeError as error:
        raise ImportError(" ".join(str(error).split())) from error
    attend: Backend = functools.partial(dispatch_attention_fn, backend=backend)
    waves = torch.linspace(0, 40, 3 * 128 * 2 * head_dim, dtype=torch.float32, device=device).sin()
    parts = waves.to(dtype).reshape(3, 1, 128, 2, head_dim).unbind()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, wanted = attend(*parts).float(), sdpa(*parts).float()
    except Exception as error:  # kernels fail in many ways
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"it does not work with {dtype} and heads of {head_dim} channels: {reason}"
        ) from error
    if not (found - wanted).norm() <= _TOLERANCE * wanted.norm():
        raise ValueError("its results differ from those of torch's attention")
    return attend

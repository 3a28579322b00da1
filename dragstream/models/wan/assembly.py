"""Loading of a public Wan: the parts are found, read, validated and assembled."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tqdm.auto import tqdm

from dragstream.drags.checks import check_finite, check_kind, check_sequence
from dragstream.drags.files import expanded
from dragstream.drags.reading import located
from dragstream.models.causal_compile import compile_layers
from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.causal_quantised import quantise_layers
from dragstream.models.causal_wan import CausalWan
from dragstream.models.checkpoints import (
    check_fit,
    is_diffusers,
    read_diffusers,
    read_released,
    read_sizes,
)
from dragstream.models.defaults import cpu_by_default, warn_of_slow_bfloat16
from dragstream.models.inspection import described, find_release
from dragstream.models.plan import Plan, check_quantised, plan_for
from dragstream.models.state_dicts import State
from dragstream.models.wan.adapter import AdapterFile, merge, read_adapter
from dragstream.models.wan.bidirectional import BidirectionalWan, Single, SolvedWan, Steps
from dragstream.models.wan.cache import cache_folder, converted
from dragstream.models.wan.context_policy import (
    Averaging,
    Recaching,
    Restarting,
    Rolling,
)
from dragstream.models.wan.device_map import DeviceMap
from dragstream.models.wan.model import Wan
from dragstream.models.wan.preview import PREVIEW_REPOSITORY, PREVIEWS, PreviewDecoder
from dragstream.models.wan.release import TIMESTEPS, Release
from dragstream.models.wan.room import need_memory
from dragstream.models.wan.sources import Folder, Hub, Source, signature
from dragstream.models.wan.text import TextEncoder
from dragstream.models.wan.vae import VideoAutoencoder
from dragstream.models.weight_files import find_files

TRANSFORMER = "transformer"
"""The transformer's folder in the Diffusers layout."""


@dataclass(frozen=True)
class Files:
    """Sources of the parts of a model."""

    base: Source  # source of sizes, VAE, text encoder, tokenizer and scheduler
    weights: Source  # source of the transformer's weights and its adapter
    checkpoint: Path | None = None  # the file or folder of the weights in place of the release's
    key: str | None = None  # the key of the state dict in the file, if it has several
    lora: tuple[AdapterFile, ...] | None = None  # adapters in place of the release's
    preview: Path | None = None  # the file of a small decoder; None for none
    cache: Path | None = None  # the folder for converted weights and encoded prompts


def read_transformer(release: Release, files: Files, dtype: torch.dtype) -> CausalWan:
    """Read the transformer to the CPU, from a released file or a folder, its adapter merged."""
    given = files.checkpoint
    if given is not None and given.is_dir() and (given / TRANSFORMER).is_dir():
        given = given / TRANSFORMER
    if given is None and release.file is None:
        given = files.weights.folder(TRANSFORMER)
    if given is not None and is_diffusers(given):
        sizes, state = read_diffusers(given)
        config = CausalWanConfig.of(sizes | release.causal)
        _need_ram(config, dtype)
        state = _merged(state, files.lora or ())
        with located(str(given), ValueError, SafetensorError):
            return CausalWan.from_state(state, config, dtype=dtype)
    config = CausalWanConfig.of(
        read_sizes(files.base.file(f"{TRANSFORMER}/config.json")) | release.causal
    )
    path = given or files.weights.file(release.file or "")
    adapters = files.lora
    if adapters is None:
        adapters = () if release.lora is None else (AdapterFile(files.weights.file(release.lora)),)

    def read() -> State:
        with torch.device("meta"):
            wanted = CausalWan(config)
        try:
            state, origins = read_released(path, ema=release.ema, key=files.key)
            check_fit(wanted.transformer, state, origins)
        except ValueError as error:
            found = described(path)
            raise ValueError(f"{path}: {error}{found and f' ({found})'}") from error
        return _merged(state, adapters)

    _need_ram(config, dtype)
    state = converted(_digest(path, adapters, release, files.key), read, dtype, files.cache)
    return CausalWan.from_state(state, config, dtype=dtype)


def _digest(
    path: Path, adapters: tuple[AdapterFile, ...], release: Release, key: str | None
) -> str:
    """Compute the name of the cached copy: it changes with the files and with what is read."""
    parts = [path, *(adapter.path for adapter in adapters)]
    files = [file for part in parts for file in find_files(part).paths]
    choices = (release.ema, key, [adapter.strength for adapter in adapters])
    return hashlib.sha256(f"{signature(files)} {choices}".encode()).hexdigest()[:32]


def _merged(state: State, adapters: tuple[AdapterFile, ...]) -> State:
    for adapter in adapters:
        factors = read_adapter(adapter.path)
        with located(str(adapter.path), ValueError):
            state = merge(state, factors, adapter.strength)
    return state


def _need_ram(config: CausalWanConfig, dtype: torch.dtype) -> None:
    """Check that the transformer fits into main memory, where all weights are loaded first."""
    with torch.device("meta"):
        count = sum(weight.numel() for weight in CausalWan(config).parameters())
    need_memory(
        count * dtype.itemsize,
        torch.device("cpu"),
        "the transformer",
        "close other programs, or load it with dtype='bfloat16'",
    )


Adapters = str | Path | tuple[str | Path, float] | Sequence[str | Path | tuple[str | Path, float]]
"""One adapter file or several, each a path or (path, strength)."""

_SCHEDULER = "scheduler/scheduler_config.json"


@cpu_by_default()
def load(
    name: str | Path | Release | Plan,
    *,
    checkpoint: str | Path | None = None,
    key: str | None = None,
    base: str | Path | None = None,
    lora: Adapters | None = None,
    preview: str | Path | None = None,
    revision: str | None = None,
    cache: bool | str | Path = True,
    device_map: DeviceMap | None = None,
    progress: bool = True,
    **changes: Any,
) -> Wan:
    """Load a public Wan model: `load("self-forcing", checkpoint="sf.pt", base="Wan2.1-folder")`.

    Args:
        name: One of `RELEASES`, a release of your own, a plan (`ds.plan`), or a folder in the
            Diffusers layout, maybe with a released `.pt` file and a `dragstream.json`, a note.
        checkpoint: A local file or folder of the transformer's weights in place of the release's;
            `ds.models.inspect` says what it holds.
        key: The key of the state dict, if the file has several (`ema=` chooses averaged weights).
        base: A local Diffusers folder with everything else, or a repository "owner/name@revision".
        lora: A local adapter (LoRA) in place of the release's, or several, with strengths:
            `"a.safetensors"`, `["a.safetensors", ("b.pt", 0.5)]`.
        preview: A small and fast decoder for frames: its file, or a name of `PREVIEWS` ("taew2_1"),
            which is downloaded. The VAE still encodes, and is `model.vae`.
        revision: Branch, tag or commit of the release's repository on the hub.
        cache: Cache weights and encoded prompts: True, False, or the cache folder.
        device_map: Device of each part; by default a CUDA device, in bfloat16.
        progress: Show progress bars.
        changes: Fields to replace of `DeviceMap` (`dtype`, ...), its `OffloadConfig`, `Release`
            (`window`, ...), and for Wan 2.1 of `Guidance` (`steps`, ...).

    Raises:
        TypeError, ValueError: An unknown name, field or value; a damaged file, another model's.
        FileNotFoundError: A missing file that cannot be downloaded; the message names it.
        MemoryError, OSError: Weights or a download do not fit; the message has sizes.
        ImportError, RuntimeError: A missing package (extra `wan` or `quant`) or compiler.
    """
    if isinstance(name, Plan):
        name.check()
        device_map, changes = device_map or name.device_map, name.changes | changes
        name = name.source
    where, changes = check_kind(device_map or DeviceMap(), DeviceMap, "device_map").changed(changes)
    release, folder = find_release(name)
    release, own = release.changed(changes), Folder(folder) if folder else None
    check_quantised(where, release)
    files = Files(
        base=_base(base, release, own, revision),
        weights=own or Hub(release.repository or release.base, revision),
        checkpoint=None if checkpoint is None else _present(checkpoint, "checkpoint"),
        key=key,
        lora=None if lora is None else _adapters(lora),
        preview=None if preview is None else _preview(preview),
        cache=_kept(cache),
    )
    return assemble(release, files, where, progress=progress)


def assemble(
    release: Release, files: Files, device_map: DeviceMap, *, progress: bool = True
) -> Wan:
    """Read the parts of a model and assemble them."""
    where = device_map.resolved()
    device, dtype = torch.device(where.device or "cpu"), where.dtype
    for prefix in ("", "vae_"):
        placed = torch.device(getattr(where, f"{prefix}device"))
        advice = f'load with {prefix}dtype="float32"'
        warn_of_slow_bfloat16(placed, getattr(where, f"{prefix}dtype"), advice)
    with tqdm(total=4, desc=f"loading {release.name}", disable=not progress, leave=False) as bar:
        wan = read_transformer(release, files, dtype)  # type: ignore[arg-type]
        if where.weights is not None:
            quantise_layers(wan.transformer.blocks, where.weights)
        wan.int8_cache = where.kv_cache is not None
        bar.update()
        vae = VideoAutoencoder.from_folder(files.base.folder("vae"), dtype=where.vae_dtype)  # type: ignore[arg-type]
        bar.update()
        text = TextEncoder(
            files.base,
            tokens=release.tokens,
            folder=files.cache,
            device=where.text_device,
            dtype=where.text_dtype,  # type: ignore[arg-type]
            keep=where.keep_text,
        )
        preview = None
        if files.preview is not None:
            kind: Any = where.vae_dtype
            statistics = (vae.mean, vae.std)
            preview = PreviewDecoder.from_file(files.preview, dtype=kind, statistics=statistics)
            _check_preview(preview, vae)
        bar.update()
        if {device.type, torch.device(where.vae_device or device).type} != {"cpu"}:
            # the weights, and enough for generating and dragging
            plan_for(release, wan.config, dict(vae.vae.config), where).check()
        wan.place(device, where.offload)
        wan.use_attention(where.attention)
        if where.compile:
            compile_layers(wan)
        vae.to(where.vae_device)
        vae.resident = where.decoder_states
        if preview is not None:
            preview.to(device)
        bar.update()
    return _joined(release, files, wan, vae=vae, text=text, preview=preview, undo=where.undo)


def _joined(
    release: Release,
    files: Files,
    wan: CausalWan,
    *,
    vae: VideoAutoencoder,
    text: TextEncoder,
    preview: PreviewDecoder | None,
    undo: int,
) -> Wan:
    guidance, factors = release.guidance, vae.factors
    _check_channels(wan.config, vae)
    parts = {"wan": wan, "vae": vae, "text": text, "preview": preview, "undo": undo}
    if guidance is None and release.solver_steps is None:
        return Wan(
            release.spec(wan.config, factors=factors),
            timesteps=_timesteps(release),
            policy=_policy(release, wan, vae),
            **parts,  # type: ignore[arg-type]
        )
    count = guidance.steps if guidance else release.solver_steps or 1
    shift = guidance.shift if guidance else release.shift
    steps = Steps.from_file(files.base.file(_SCHEDULER), count, shift)
    spec = release.spec(wan.config, factors=factors, sigmas=steps.sigmas)
    if guidance is None:
        return SolvedWan(spec, steps=steps, policy=_policy(release, wan, vae), **parts)
    negative = None
    if guidance.scale > 1:
        negative = text(guidance.negative_prompt).to(wan.transformer.device)
    policy = Single(wan, negative)
    return BidirectionalWan(spec, steps=steps, scale=guidance.scale, policy=policy, **parts)


def _timesteps(release: Release) -> dict[float, float]:
    """Return the network's timestep by noise level, where it differs from sigma * 1000."""
    schedules = (release.schedule(), release.first_schedule())
    pairs = [pair for sigmas, steps in schedules for pair in zip(sigmas, steps, strict=True)]
    return {sigma: step for sigma, step in pairs if sigma * TIMESTEPS != step}


def _policy(release: Release, wan: CausalWan, vae: VideoAutoencoder) -> Rolling:
    if release.limit is not None:
        return Restarting(wan, release.limit, release.overlap, vae.again, release.recached)
    if release.sink_decay is not None:
        return Averaging(wan, release.sink_decay)
    return Recaching(wan) if release.recached else Rolling(wan)


def _check_channels(config: CausalWanConfig, vae: VideoAutoencoder) -> None:
    held = vae.mean.numel()
    if held != config.latent_channels:
        raise ValueError(
            f"the transformer works on {config.latent_channels} latent channels and the VAE on "
            f"{held}: they belong to different models"
        )


def _check_preview(preview: PreviewDecoder, vae: VideoAutoencoder) -> None:
    made, wanted = (preview.channels, preview.factors), (vae.mean.numel(), vae.factors)
    if made != wanted:
        raise ValueError(
            f"the small decoder is of another VAE: it decodes {made[0]} channels to "
            f"{made[1][0]} frames and {made[1][1]} pixels, the VAE {wanted[0]} to "
            f"{wanted[1][0]} and {wanted[1][1]}"
        )


def _base(
    base: str | Path | None, release: Release, own: Folder | None, revision: str | None
) -> Source:
    if base is not None:
        folder = expanded(base, "base")
        if folder.is_dir():
            return Folder(folder)
        if isinstance(base, str) and base.count("/") == 1 and not base.startswith((".", "/", "~")):
            repository, _, pinned = base.partition("@")
            return Hub(repository, pinned or None)
        raise FileNotFoundError(f"base: there is no folder {folder}")
    if own is not None and (own.path / "vae").is_dir():
        return own
    # A revision of a repository with all parts applies to all of them.
    return Hub(release.base, revision if release.repository is None else None)


def _present(path: str | Path, name: str) -> Path:
    found = expanded(path, name)
    if not found.exists():
        raise FileNotFoundError(f"{name}: there is no file or folder {found}")
    return found


def _adapters(lora: Adapters) -> tuple[AdapterFile, ...]:
    one = isinstance(lora, str | Path) or _is_weighted(lora)
    return tuple(
        _adapter(item) for item in check_sequence([lora] if one else lora, "lora", "adapters")
    )


def _adapter(item: Any) -> AdapterFile:
    path, strength = item if _is_weighted(item) else (item, 1.0)
    return AdapterFile(_present(path, "lora"), check_finite(strength, "the strength of an adapter"))


def _is_weighted(item: object) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and not isinstance(item[1], str | Path)


def _preview(preview: str | Path) -> Path:
    if isinstance(preview, str) and preview in PREVIEWS and not Path(preview).exists():
        return Hub(PREVIEW_REPOSITORY).file(f"{preview}.safetensors")
    return _present(preview, "preview")


def _kept(cache: object) -> Path | None:
    if isinstance(cache, bool):
        return cache_folder() if cache else None
    if not isinstance(cache, str | Path):
        raise TypeError(f"cache must be True, False or a folder, got {cache!r}")
    return expanded(cache, "cache")

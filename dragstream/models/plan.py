"""What a Wan will take of a device's memory, before anything is loaded: `plan` and `Plan`.

```python
plan = ds.plan("self-forcing", height=480, width=832)
plan                                    # a table: what will be where, and when
plan.smaller                            # plans that take less, and what each of them costs
model = plan.load()                     # checks the free memory first
stream = ds.Stream(model, prompt="…")  # remembers plan.undo blocks
```

Sizes come from configs, and working memory from rehearsing the passes on torch's meta device; so a
plan needs neither a GPU nor a download.
"""

from __future__ import annotations

import dataclasses
import functools
import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from dragstream.drags.files import expanded
from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.causal_economy import Economy
from dragstream.models.rehearsal import (
    Scenery,
    VaeTakes,
    rehearse_iteration,
    rehearse_transformer,
    rehearse_vae,
)
from dragstream.models.wan.placement import Placement, read_dtype
from dragstream.models.wan.releases import RELEASES, Release
from dragstream.models.wan.room import free_memory, gigabytes
from dragstream.models.wan.sizes import SIZES, Sizes

if TYPE_CHECKING:
    from dragstream.models.wan.model import Wan

_FILTERS = 3
"""Low-passes that filter, of the cutoffs that drags draw from by default."""

_RUNTIME = 600 * 10**6
"""About what a CUDA context and its libraries take, and what the allocator cannot use."""


class When(Enum):
    """What a part of the memory is needed for."""

    TEXT = "a prompt"
    PLAIN = "denoising"
    DRAG = "dragging"
    DECODE = "decoding"


_ALWAYS = frozenset(When)
_BLOCKS = frozenset({When.PLAIN, When.DRAG, When.DECODE})


@dataclass(frozen=True)
class Part:
    """Something that takes memory.

    Attributes:
        name: What it is.
        device: Where it is.
        size: Bytes.
        when: What it is there for.
        dragged: Whether it is there only once something was dragged.
    """

    name: str
    device: str
    size: int
    when: frozenset[When] = _ALWAYS
    dragged: bool = False

    @property
    def moment(self) -> str:
        """When it is there, in words."""
        if self.dragged and len(self.when) > 1:
            return "after a drag"
        if self.when >= _BLOCKS:
            return "always"
        return ", ".join(sorted(moment.value for moment in self.when))


@dataclass(frozen=True)
class Plan:
    """What a model will take, and how it is to be loaded for that.

    Attributes:
        release: The model, with its frame size and window.
        sizes: Configs of its parts.
        placement: Which part works where, and how the transformer saves memory.
        source: What `load` is asked for: a name, a folder or a release.
        original: The release before anything was changed; None for the same.
        saving: What makes it smaller than the plan that it comes from; empty for a first one.
    """

    release: Release
    sizes: Sizes
    placement: Placement
    source: Any = None
    original: Release | None = None
    saving: str = ""

    # ---------------------------------------------------------------------------- what is where

    @property
    def device(self) -> str:
        """Where the transformer works."""
        return str(self.placement.device)

    @property
    def undo(self) -> int:
        """How many blocks back streams remember, unless they are told otherwise."""
        return self.placement.undo

    @property
    def config(self) -> CausalWanConfig:
        """The transformer's config."""
        return self.sizes.causal(self.release.causal)

    @functools.cached_property
    def parts(self) -> tuple[Part, ...]:
        """Everything that takes memory worth naming."""
        return tuple(part for part in self._parts() if part.size > 0)

    def peak(self, *, dragged: bool, device: str | None = None) -> int:
        """The most bytes that a block takes on a device, by default the transformer's.

        Args:
            dragged: A dragged block, or a plain one where nothing was dragged before.
            device: Another device.
        """
        moments = _BLOCKS if dragged else _BLOCKS - {When.DRAG}
        return max(self._needed(moment, dragged, device or self.device) for moment in moments)

    def peak_of_text(self, device: str | None = None) -> int:
        """The most bytes that encoding a prompt takes on a device, by default the text's."""
        return self._needed(When.TEXT, False, device or str(self.placement.text_device))  # noqa: FBT003

    def _needed(self, moment: When, dragged: bool, device: str) -> int:  # noqa: FBT001
        return sum(
            part.size
            for part in self.parts
            if part.device == device and moment in part.when and (dragged or not part.dragged)
        )

    def _parts(self) -> Iterator[Part]:
        where, vae, scenery = self.placement, self._vae(), self._scenery()
        takes = rehearse_transformer(scenery, _FILTERS)
        device, home, economy = self.device, "cpu", self.placement.economy
        swapped = economy.swapped_layers
        staying = takes.rest + (self.config.num_layers - swapped) * takes.layer
        guest = min(swapped, 1) * takes.layer
        yield Part("transformer", device, staying)
        yield Part("swapped layers", home, swapped * takes.layer)
        yield Part("keys and values in sight", device, takes.window, _BLOCKS)
        if self.release.window is not None and takes.window:
            name = f"the same of {self.undo} more for going back"
            yield Part(name, device, self.undo * takes.block, _BLOCKS)
        yield Part("keys and values of the text", device, takes.words, _BLOCKS)
        filtered = takes.filtered if economy.keep_filtered else 0
        yield Part("the same in sight, low-passed", device, filtered, _BLOCKS, dragged=True)
        yield Part("VAE", str(where.vae_device), vae.weights)
        resident = min(where.decoder_states, self.undo + 1)
        states, rest = resident * vae.state, (self.undo + 1 - resident) * vae.state
        yield Part("decoder's memory", str(where.vae_device), states, _BLOCKS)
        yield Part("decoder's memory at rest", home, rest, _BLOCKS)
        passes = max(takes.denoise, takes.commit) + guest
        yield Part("a denoising step", device, passes, frozenset({When.PLAIN}))
        iteration = rehearse_iteration(scenery, checkpointing=economy.checkpointing)
        # Layers that visit are kept for the way back, unless they come again.
        guests = max(0, swapped - (self.config.num_layers - scenery.depth)) * takes.layer
        iteration += min(guests, 2 * takes.layer) if economy.checkpointing else guests
        drag = max(takes.maps + iteration, takes.reference + guest)
        yield Part("an iteration of a drag", device, drag, frozenset({When.DRAG}), dragged=True)
        decoding = vae.decode if resident else vae.visit
        yield Part("decoding a block", str(where.vae_device), decoding, frozenset({When.DECODE}))
        text = self.sizes.text_weights() * read_dtype(where.text_dtype).itemsize
        moments = _ALWAYS if where.keep_text else frozenset({When.TEXT})
        yield Part("text encoder", str(where.text_device), text, moments)
        if device.startswith("cuda"):
            yield Part("CUDA itself, about", device, _RUNTIME)

    def _scenery(self) -> Scenery:
        release = self.release
        full = release.window or release.limit or release.frames_per_block
        return Scenery(
            self.config,
            self._latent_size(),
            full - release.frames_per_block,  # what a new block sees once the window is full
            release.tokens,
            release.layers,
            read_dtype(self.placement.dtype),
        )

    def _vae(self) -> VaeTakes:
        return rehearse_vae(
            _frozen(self.sizes.vae),
            self._latent_size(),
            frames=self.release.frames_per_block,
            dtype=read_dtype(self.placement.vae_dtype),
        )

    def _latent_size(self) -> tuple[int, int]:
        return self.release.height // self.factor, self.release.width // self.factor

    @property
    def factor(self) -> int:
        """Pixels per latent along an axis."""
        known = self.sizes.vae.get("scale_factor_spatial")
        return _spatial_factor() if known is None else int(known)

    # ---------------------------------------------------------------------------- smaller ones

    @functools.cached_property
    def smaller(self) -> tuple[Plan, ...]:
        """Plans that take less and less, each with all the savings of those before it.

        The first ones cost time only, and little; the last ones change what is generated.
        """
        plans: list[Plan] = []
        plan = self
        for name, saved in _SAVINGS:
            changed = saved(plan)
            if changed is not None:
                plan = dataclasses.replace(changed, saving=name)
                plans.append(plan)
        return tuple(plans)

    def fitting(self, free: int, *, dragged: bool = True) -> Plan | None:
        """This plan or the first smaller one whose blocks fit into so many bytes; None if none."""
        plans = (self, *self.smaller)
        return next((plan for plan in plans if plan.peak(dragged=dragged) <= free), None)

    def check(self, free: Mapping[str, int] | None = None) -> None:
        """Make sure that the memory suffices.

        Args:
            free: Free bytes by device; by default what is free now. Devices that are not named,
                or do not tell, are taken to be large enough.

        Raises:
            MemoryError: It does not; the message says how much it takes, and which smaller plan
                would do.
        """
        for device in dict.fromkeys(part.device for part in self.parts):
            known = _free(device) if free is None else free.get(device)
            wanted = max(self.peak(dragged=True, device=device), self.peak_of_text(device))
            if known is not None and wanted > known:
                raise MemoryError(self._refusal(device, wanted, known))

    def _refusal(self, device: str, wanted: int, free: int) -> str:
        told = (
            f"{self.release.name} at {self.release.width}x{self.release.height} takes "
            f"{gigabytes(wanted)} on {device}, where {gigabytes(free)} are free"
        )
        if device != self.device:
            return f"{told}; free some, or put less of it there (see ds.plan)"
        for plan in self.smaller:
            if max(plan.peak(dragged=True), plan.peak_of_text(device)) <= free:
                return f"{told}; this would do: {plan.code()}.load()"
        return f"{told}, and the smallest plan takes {gigabytes(self.smallest.peak(dragged=True))}"

    @property
    def smallest(self) -> Plan:
        """The last of `smaller`, or this one."""
        return self.smaller[-1] if self.smaller else self

    # ---------------------------------------------------------------------------- using it

    @property
    def changes(self) -> dict[str, int]:
        """What `load` is told about frame size and window."""
        released = self.original or self.release
        names = ("height", "width", "window")
        return {
            name: getattr(self.release, name)
            for name in names
            if getattr(self.release, name) != getattr(released, name)
        }

    def load(self, **options: Any) -> Wan:
        """Load the model as planned.

        Args:
            options: Where files are and so on, see `dragstream.models.wan.load`.

        Raises:
            MemoryError: Less memory is free than the plan takes.
            Exception: What `dragstream.models.load` raises.
        """
        from dragstream.models.wan.assembly import load

        self.check()
        return load(self.source, placement=self.placement, **(self.changes | options))

    def code(self) -> str:
        """The call that makes this plan."""
        name = repr(self.source) if isinstance(self.source, str) else "release"
        shown = [name, *(f"{key}={value!r}" for key, value in self.changes.items())]
        base = Placement()
        where, economy = self.placement, self.placement.economy
        for key in ("vae_device", "decoder_states", "keep_text", "undo", "compile"):
            default = self.placement.device if key == "vae_device" else getattr(base, key)
            if getattr(where, key) != default:
                shown.append(f"{key}={getattr(where, key)!r}")
        shown += [
            f"{item.name}={getattr(economy, item.name)!r}"
            for item in dataclasses.fields(Economy)
            if getattr(economy, item.name) != item.default
        ]
        return f"ds.plan({', '.join(shown)})"

    # ---------------------------------------------------------------------------- showing it

    def __str__(self) -> str:
        rows = [_HEADS, *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        return "\n".join([self.title, *lines, *self.summary])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def line(cells: tuple[str, ...], tag: str) -> str:
            style = ' style="text-align: left"'
            inner = "".join(f"<{tag}{style}>{html.escape(cell)}</{tag}>" for cell in cells)
            return f"<tr>{inner}</tr>"

        body = "".join(line(row, "td") for row in self._rows())
        below = "".join(f"<div>{html.escape(said)}</div>" for said in self.summary)
        caption = f'<caption style="text-align: left">{html.escape(self.title)}</caption>'
        head = f"<thead>{line(_HEADS, 'th')}</thead>"
        return f"<table>{caption}{head}<tbody>{body}</tbody></table>{below}"

    @property
    def title(self) -> str:
        """What is planned, in a line."""
        release, where = self.release, self.placement
        return (
            f"{release.name} at {release.width}x{release.height}, {_name(where.dtype)} "
            f"on {where.device}, for Stream(..., undo={self.undo})"
        )

    @property
    def summary(self) -> tuple[str, ...]:
        """What it comes to, and how to make do with less."""
        plain, dragged = (gigabytes(self.peak(dragged=on)) for on in (False, True))
        text = gigabytes(self.peak_of_text())
        lines = [
            f"a plain block takes {plain} on {self.device}, a dragged one {dragged}",
            f"encoding a prompt takes {text} on {self.placement.text_device}, once per prompt",
        ]
        for plan in self.smaller:
            plain, dragged = (gigabytes(plan.peak(dragged=on)) for on in (False, True))
            lines.append(f"smaller: {plain}, dragged {dragged}, {plan.saving}")
        return tuple(lines)

    def _rows(self) -> list[tuple[str, ...]]:
        return [(part.name, part.device, gigabytes(part.size), part.moment) for part in self.parts]


_HEADS = ("part", "where", "memory", "when")


# -------------------------------------------------------------------------------- savings


def _economical(plan: Plan, **changes: Any) -> Plan | None:
    economy = dataclasses.replace(plan.placement.economy, **changes)
    if economy == plan.placement.economy:
        return None
    return dataclasses.replace(plan, placement=dataclasses.replace(plan.placement, economy=economy))


def _states_at_rest(plan: Plan) -> Plan | None:
    where = plan.placement
    if where.decoder_states == 0 or str(where.vae_device) == "cpu":
        return None
    return dataclasses.replace(plan, placement=dataclasses.replace(where, decoder_states=0))


def _upper_swapped(plan: Plan) -> Plan | None:
    upper = plan.config.num_layers - max(plan.release.layers) - 1
    return _swapped(plan, upper)


def _all_swapped(plan: Plan) -> Plan | None:
    return _swapped(plan, plan.config.num_layers)


def _swapped(plan: Plan, layers: int) -> Plan | None:
    if plan.device == "cpu" or layers <= plan.placement.economy.swapped_layers:
        return None
    return _economical(plan, swapped_layers=layers)


def _vae_on_cpu(plan: Plan) -> Plan | None:
    if str(plan.placement.vae_device) == "cpu":
        return None
    where = dataclasses.replace(
        plan.placement,
        vae_device="cpu",
        vae_dtype="float32",
        decoder_states=Placement().decoder_states,
    )
    return dataclasses.replace(plan, placement=where)


def _half_the_window(plan: Plan) -> Plan | None:
    release = plan.release
    if release.window is None:
        return None
    block = release.frames_per_block
    window = max(release.sink + block, release.window // 2 // block * block)
    if window >= release.window:
        return None
    return dataclasses.replace(plan, release=release.changed({"window": window}))


_SAVINGS = (
    (
        "low-passed keys and values made for each drag (milliseconds)",
        lambda plan: _economical(plan, keep_filtered=False),
    ),
    ("the decoder's memory on the CPU between blocks (milliseconds)", _states_at_rest),
    (
        "gradient checkpointing (iterations a third slower)",
        lambda plan: _economical(plan, checkpointing=True),
    ),
    ("the layers above the tapped ones on the CPU (plain passes slower)", _upper_swapped),
    ("all layers on the CPU (every pass slower)", _all_swapped),
    ("half the window (remembers less)", _half_the_window),
    ("the VAE on the CPU (decoding in seconds to minutes)", _vae_on_cpu),
)
"""What can be saved, the cheapest first; each gives the smaller plan, or None where it is one."""


# -------------------------------------------------------------------------------- making one


def plan(
    name: str | Path | Release = "self-forcing",
    *,
    placement: Placement | None = None,
    **changes: Any,
) -> Plan:
    """Plan a model's memory, without loading or downloading anything.

    Args:
        name: One of the released models, a folder in the Diffusers layout, or a release of your
            own.
        placement: Which part works where; by default on a CUDA device in bfloat16, the text
            encoder on the CPU.
        changes: Fields of `Placement` (`undo`, `vae_device`, ...), of its `Economy`
            (`checkpointing`, `swapped_layers`, `keep_filtered`), or of `Release` (`height`,
            `width`, `window`, ...) to be replaced.

    Raises:
        TypeError: A value of the wrong kind, or a field that does not exist.
        ValueError: An unknown name, or values that contradict each other.
        FileNotFoundError: A folder without configs.
    """
    fields = {item.name for item in dataclasses.fields(Placement)}
    saving = {item.name for item in dataclasses.fields(Economy)}
    where = dataclasses.replace(
        placement or Placement(), **{key: changes.pop(key) for key in fields & set(changes)}
    )
    economy = dataclasses.replace(
        where.economy, **{key: changes.pop(key) for key in saving & set(changes)}
    )
    release, sizes = _found(name)
    made = Plan(
        release.changed(changes),
        sizes,
        _settled(where, economy),
        name if isinstance(name, Release) else str(name),
        release,
    )
    return _checked(made)


def plan_for(
    release: Release,
    config: CausalWanConfig,
    vae: Mapping[str, Any],
    placement: Placement,
) -> Plan:
    """The plan of a model whose configs are at hand, its text encoder aside; for loaders.

    Args:
        release: What it is.
        config: The transformer's.
        vae: The VAE's keys.
        placement: Which part works where, nothing left open.
    """
    sizes = Sizes(dataclasses.asdict(config), {k: v for k, v in vae.items() if k[0] != "_"})
    source = release.name if release.name in RELEASES else release
    return Plan(release, sizes, placement, source=source, original=RELEASES.get(release.name))


def _found(name: str | Path | Release) -> tuple[Release, Sizes]:
    if isinstance(name, Release):
        return name, _sizes(name)
    if not isinstance(name, str | Path):
        raise TypeError(f"a model's name must be a string, a path or a Release, got {name!r}")
    if str(name) in RELEASES:
        release = RELEASES[str(name)]
        return release, _sizes(release)
    folder = expanded(name, "name")
    if not folder.is_dir():
        raise ValueError(f"{str(name)!r} is no folder and no released model: {', '.join(RELEASES)}")
    release = Release.of(folder) or RELEASES["self-forcing"]
    return release, Sizes.of_folder(folder)


def _sizes(release: Release) -> Sizes:
    if release.base not in SIZES:
        raise ValueError(
            f"the sizes of {release.base} are not known; plan with a folder that has its configs, "
            f"or one of {', '.join(SIZES)}"
        )
    return SIZES[release.base]


def _settled(where: Placement, economy: Economy) -> Placement:
    """A placement with nothing left open, for a device that need not be here."""
    device = str(where.device or "cuda")
    dtype = where.dtype or ("float32" if device == "cpu" else "bfloat16")
    vae_device = str(where.vae_device or device)
    return dataclasses.replace(
        where,
        device=device,
        dtype=dtype,
        vae_device=vae_device,
        vae_dtype=where.vae_dtype or ("float32" if vae_device == "cpu" else dtype),
        text_device=str(where.text_device),
        economy=economy,
    )


def _checked(made: Plan) -> Plan:
    """The plan, if its values fit each other."""
    config, where = made.config, made.placement
    for dtype in (where.dtype, where.vae_dtype, where.text_dtype):
        read_dtype(dtype)
    if where.economy.swapped_layers > config.num_layers:
        raise ValueError(
            f"swapped_layers must be at most the {config.num_layers} layers of the model, "
            f"got {where.economy.swapped_layers}"
        )
    if max(made.release.layers) >= config.num_layers:
        raise ValueError(f"layers must be in 0..{config.num_layers - 1}, got {made.release.layers}")
    factor = made.factor
    rows, columns = (factor * size for size in config.patch)
    if made.release.height % rows or made.release.width % columns:
        raise ValueError(
            f"height and width must make whole tokens, multiples of {rows} and {columns}, got "
            f"{made.release.height} and {made.release.width}"
        )
    return made


def _name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


def _frozen(config: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """A config that can be kept under."""
    return tuple(
        (key, tuple(value) if isinstance(value, list) else value)
        for key, value in sorted(config.items())
    )


@functools.cache
def _spatial_factor() -> int:
    """Pixels per latent of a VAE whose config does not say."""
    import inspect

    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

    return int(inspect.signature(AutoencoderKLWan).parameters["scale_factor_spatial"].default)


def _free(device: str) -> int | None:
    if device.startswith("cuda") and not torch.cuda.is_available():
        return None
    return free_memory(torch.device(device))

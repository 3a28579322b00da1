"""`SettingsPanel`: a widget to change the constants of the method; its fields as text and back."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from dragstream.drags.checks import check_bool, short_repr
from dragstream.method.focus import Focus
from dragstream.method.loss import Constraint
from dragstream.method.rectification import Rectification
from dragstream.method.settings import DragSettings
from dragstream.widgets.page import PageWidget, one_of, text

if TYPE_CHECKING:
    from dragstream.models.base import ModelSpec

PRESETS: Mapping[str, Callable[[], DragSettings]] = {
    "default": DragSettings,
    "fast": DragSettings.fast,
    "paper": DragSettings.paper,
    "released": DragSettings.released,
}


@dataclass(frozen=True)
class Field:
    """One line of the settings."""

    label: str
    symbol: str  # in the paper
    unit: str
    range: str  # in words
    setting: str  # the field of `DragSettings` that it belongs to
    constant: str | None = None  # the field of that setting's own value, if it has several
    make: Callable[[], Any] | None = None  # the part with its defaults, if it can be switched off
    several: bool = False  # a list of numbers
    step: float | None = None  # change by a click; None if it has to be typed

    @property
    def name(self) -> str:
        """Its name in messages."""
        return self.constant or self.setting

    def value(self, settings: DragSettings) -> Any:
        """Its value; False where it is switched off."""
        part = getattr(settings, self.setting)
        return part if self.constant is None or part is False else getattr(part, self.constant)

    def applied(self, settings: DragSettings, value: Any) -> DragSettings:
        """Settings with another value."""
        if self.constant is not None:
            part: Any = getattr(settings, self.setting)
            if part is False and self.make is not None:
                part = self.make()
            value = dataclasses.replace(part, **{self.constant: value})
        changes: dict[str, Any] = {self.setting: value}
        return dataclasses.replace(settings, **changes)


FIELDS = (
    Field("iterations", "I", "per segment", "0 or more", "iterations", step=1),
    Field("learning rate", "η", "latent units a step", "above 0", "learning_rate", step=0.01),
    Field("denoising step", "T′", "step", "one of the model's", "denoising_step"),
    Field(
        "cutoffs", "ω", "cycles per token", "in (0, 1]; 1 filters nothing", "cutoffs",
        make=lambda: None, several=True,
    ),
    Field(
        "predictions", "x₀", "of the features' weight", "0 or more; 0: features only",
        "prediction_weight", step=0.05,
    ),
    Field(
        "neighbours", "Lₙ", "latent frames", "0 or more; 0: the block itself", "rectification",
        "neighbours", Rectification, step=1,
    ),
    Field("focus", "α", "half boxes", "above 0", "focus", "alpha", Focus, step=0.25),
    Field(
        "keep weight", "λ", "of the keep term", "0 or more", "constraint", "weight", Constraint,
        step=0.25,
    ),
)  # fmt: skip
_BY_NAME = {field.name: field for field in FIELDS}


class SettingsPanel(PageWidget, page="settings_panel"):
    """The settings of drags, to read and to change.

    ```python
    panel = SettingsPanel(stream.model.spec)
    panel  # change them; errors are shown beside the field
    stream.animate(drags, settings=panel.settings)
    panel.settings = ds.DragSettings.released()
    ```
    """

    requests: ClassVar = {
        "set": {"name": text, "text": text},
        "nudge": {"name": text, "by": one_of(1, -1)},
        "switch": {"name": text, "on": check_bool},
        "preset": {"name": one_of(*PRESETS)},
    }

    settings = traitlets.Instance(DragSettings)
    """The current settings."""

    state = traitlets.Dict(read_only=True).tag(sync=True)
    """The fields as the page shows them, and the errors of the last text."""

    def __init__(self, spec: ModelSpec, settings: DragSettings | None = None) -> None:
        self._spec = spec
        self._parts: dict[str, Any] = {}
        self._problems: dict[str, str] = {}
        self.settings = settings or DragSettings()
        self._update()
        super().__init__()

    @traitlets.validate("settings")
    def _valid(self, proposal: Any) -> DragSettings:
        """Refuse settings that the model cannot follow."""
        settings: DragSettings = proposal["value"]
        settings.resolve(self._spec)
        return settings

    @traitlets.observe("settings")
    def _changed(self, change: Any) -> None:
        for field in FIELDS:
            part = getattr(change["new"], field.setting)
            if field.make is not None and part is not False:
                self._parts[field.name] = part
        self._problems = {}
        self._update()

    def _update(self) -> None:
        state = {
            "fields": _field_states(self.settings, self._spec),
            "preset": _preset_of(self.settings, self._spec),
            "presets": list(PRESETS),
            "problems": self._problems,
        }
        self.set_trait("state", state)

    def _try(self, name: str, change: Any) -> None:
        """Apply a change, or show its error beside the field."""
        try:
            self.settings = change()
        except (TypeError, ValueError) as error:
            self._problems = self._problems | {name: str(error)}
        else:
            self._problems = {}
        self._update()

    def _on_set(self, name: str, text: str) -> None:
        self._try(name, lambda: _read(self.settings, name, text))

    def _on_nudge(self, name: str, by: int) -> None:
        self._try(name, lambda: _nudged(self.settings, self._spec, name, by))

    def _on_switch(self, name: str, on: bool) -> None:  # noqa: FBT001  # a message's field
        before = self._parts.get(name)
        self._try(name, lambda: _switched(self.settings, name, on=on, before=before))

    def _on_preset(self, name: str) -> None:
        self.settings = PRESETS[name]()
        self._update()

    def __repr__(self) -> str:
        return f"SettingsPanel({self.settings!r})"


def _read(settings: DragSettings, name: str, text: str) -> DragSettings:
    """Settings with a field set to a text."""
    field = _known(name)
    numbers = [_number(part, field) for part in re.split(r"[,;\s]+", text.strip()) if part]
    if not field.several and len(numbers) != 1:
        raise ValueError(
            f"{field.label} must be one number ({field.range}), got {short_repr(text)}"
        )
    return field.applied(settings, tuple(numbers) if field.several else numbers[0])


def _nudged(settings: DragSettings, spec: ModelSpec, name: str, by: int) -> DragSettings:
    """Settings with a field changed by some of its steps."""
    field = _known(name)
    value = field.value(settings.resolve(spec))
    if field.step is None or value is False:
        raise ValueError(f"{field.label} has no steps, or is switched off")
    return field.applied(settings, round(value + by * field.step, 9))


def _switched(settings: DragSettings, name: str, *, on: bool, before: Any = None) -> DragSettings:
    """Settings with a part switched off, or on: as it was `before`, else with its defaults."""
    field = _known(name)
    if field.make is None:
        raise ValueError(f"{field.label} cannot be switched off")
    part = (field.make() if before is None else before) if on else False
    changes: dict[str, Any] = {field.setting: part}
    return dataclasses.replace(settings, **changes)


def _preset_of(settings: DragSettings, spec: ModelSpec) -> str | None:
    """The name of the preset that these settings are, if they are one."""
    resolved = settings.resolve(spec)
    return next((name for name, make in PRESETS.items() if make().resolve(spec) == resolved), None)


def _field_states(settings: DragSettings, spec: ModelSpec) -> list[dict[str, Any]]:
    """All fields as the page shows them, with their values for a model."""
    resolved = settings.resolve(spec)
    return [_field_state(field, resolved, spec) for field in FIELDS]


def _field_state(field: Field, settings: DragSettings, spec: ModelSpec) -> dict[str, Any]:
    value = field.value(settings)
    values = () if value is False else value if field.several else (value,)
    return {
        "name": field.name,
        "label": field.label,
        "symbol": field.symbol,
        "unit": field.unit,
        "range": field.range,
        "text": ", ".join(f"{part:g}" for part in values),
        "on": None if field.make is None else value is not False,
        "choices": _steps(spec) if field.name == "denoising_step" else None,
        "steps": field.step is not None,
    }


def _steps(spec: ModelSpec) -> list[list[str]]:
    """The denoising steps: number and description. The paper counts down, from T to 1."""
    count = len(spec.sigmas)
    return [
        [str(step), f"{count - step} (step {step + 1} of {count}, σ = {sigma:.2g})"]
        for step, sigma in enumerate(spec.sigmas)
    ]


def _known(name: str) -> Field:
    if name not in _BY_NAME:
        raise ValueError(f"there is no setting {short_repr(name)}, only {', '.join(_BY_NAME)}")
    return _BY_NAME[name]


def _number(text: str, field: Field) -> float:
    """A number; an int if it is written as one."""
    try:
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    except ValueError:
        kind = "numbers" if field.several else "a number"
        raise ValueError(
            f"{field.label} must be {kind} ({field.range}), got {short_repr(text)}"
        ) from None

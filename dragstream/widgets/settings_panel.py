"""`SettingsPanel`: a widget to change the constants of the method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from dragstream.drags.checks import check_bool, check_int, short_repr
from dragstream.method.settings import DragSettings
from dragstream.widgets.page import PageWidget, text
from dragstream.widgets.settings_fields import (
    FIELDS,
    PRESETS,
    field_states,
    nudged,
    preset_of,
    read,
    switched,
)

if TYPE_CHECKING:
    from dragstream.models.base import ModelSpec


def _one(value: object, name: str) -> int:
    number = check_int(value, name, least=-1)
    if abs(number) != 1:
        raise ValueError(f"{name} must be 1 or -1, got {number}")
    return number


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
        "nudge": {"name": text, "by": _one},
        "switch": {"name": text, "on": check_bool},
        "preset": {"name": text},
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
            "fields": field_states(self.settings, self._spec),
            "preset": preset_of(self.settings, self._spec),
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
        self._try(name, lambda: read(self.settings, name, text))

    def _on_nudge(self, name: str, by: int) -> None:
        self._try(name, lambda: nudged(self.settings, self._spec, name, by))

    def _on_switch(self, name: str, on: bool) -> None:  # noqa: FBT001  # a message's field
        before = self._parts.get(name)
        self._try(name, lambda: switched(self.settings, name, on=on, before=before))

    def _on_preset(self, name: str) -> None:
        if name not in PRESETS:
            raise ValueError(f"there is no preset {short_repr(name)}, only {', '.join(PRESETS)}")
        self.settings = PRESETS[name]()
        self._update()

    def __repr__(self) -> str:
        return f"SettingsPanel({self.settings!r})"

"""`CanvasDocument`: the drags, keep region and unfinished region of a canvas, with history."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from dragstream.drags import regions
from dragstream.drags.checks import check_int, short_repr
from dragstream.drags.documents import to_json
from dragstream.drags.motions import Camera, Drag, Motion
from dragstream.drags.motions.combined import parts_of
from dragstream.drags.shapes import Region, Shape, as_shape
from dragstream.widgets import messages
from dragstream.widgets.camera_entries import camera_drag, drags_of, entries_of
from dragstream.widgets.entries import Entry, next_colour

SceneT = TypeVar("SceneT")

LONGEST = 100
"""Steps that can be undone; older ones are dropped."""


class History(Generic[SceneT]):
    """Immutable scenes in the order in which they were made, and the index of the current one.

    The page has the same history (``widgets/drag_canvas/history.ts``), so that undo works while
    Python computes. A step has the same number in both, so that either side can undo changes of the
    other; numbers come from the clock, so that both sides choose different ones.
    """

    def __init__(self, scene: SceneT) -> None:
        self._steps = [(0, scene)]
        self._place = 0

    @property
    def number(self) -> int:
        """The number of the current step."""
        return self._steps[self._place][0]

    @property
    def scene(self) -> SceneT:
        """The current scene."""
        return self._steps[self._place][1]

    def add(self, scene: SceneT) -> None:
        """Add a step; undone steps can no longer be redone."""
        numbers = self._numbers
        number = time.time_ns() // 1_000_000
        while number in numbers:
            number += 1
        self.follow(number, scene)

    def follow(self, number: int, scene: SceneT) -> None:
        """Adopt a change of the page: a known step, or a new one.

        A change with the current number replaces the current step: keys that nudge, and sliders,
        make many changes and one step.
        """
        numbers = self._numbers
        if number in numbers:
            same = number == self.number
            self._place = numbers.index(number)
            if same and scene != self.scene:
                del self._steps[self._place + 1 :]
            self._steps[self._place] = (number, scene)
            return
        self._steps[self._place + 1 :] = [(number, scene)]
        del self._steps[: -LONGEST - 1]
        self._place = len(self._steps) - 1

    def back(self) -> None:
        """Go one step back."""
        if self._place == 0:
            raise RuntimeError("there is nothing to undo")
        self._place -= 1

    def forth(self) -> None:
        """Go one step forward again."""
        if self._place == len(self._steps) - 1:
            raise RuntimeError("there is nothing to redo")
        self._place += 1

    @property
    def _numbers(self) -> list[int]:
        return [number for number, _ in self._steps]


@dataclass(frozen=True)
class Scene:
    """The content of a canvas: the parsed values, and the same as JSON for the page.

    Scenes are equal if their JSON is.
    """

    entries: tuple[Entry, ...] = field(compare=False)
    keep: Shape | None = field(compare=False)
    region: Shape | None = field(compare=False)  # painted, without a motion yet
    state: dict[str, Any]  # drags and keep region
    looks: list[Any]
    draft: Any  # the painted region


class CanvasDocument:
    """The current `Scene` of a canvas and the steps that led to it.

    JSON is parsed only when the page sends it, by the check that admits it. Every method either
    makes its change or raises and changes nothing.
    """

    def __init__(self, drags: Sequence[Drag], keep: Region | None, height: int, width: int) -> None:
        self._height, self._width = height, width
        self._own_motions: dict[str, type[Motion]] = {}
        self._resolved: tuple[Scene, list[Drag], Shape | None] | None = None
        self.changed: Callable[[], None] = lambda: None
        """Called after each change that is not the page's."""
        scene = Scene((), None, None, {}, [], None)
        self._history = History(self._with_drags(scene, drags, keep))

    @property
    def scene(self) -> Scene:
        """The current scene."""
        return self._history.scene

    @property
    def drags(self) -> tuple[list[Drag], Shape | None]:
        """The drags and the region to keep that a stream takes, see `camera_entries.drags_of`."""
        scene = self.scene
        if self._resolved is None or self._resolved[0] is not scene:
            found = drags_of(scene.entries, scene.keep, self._height, self._width)
            self._resolved = (scene, *found)
        return list(self._resolved[1]), self._resolved[2]

    @property
    def revision(self) -> int:
        """The number of the current step."""
        return self._history.number

    # --- changes from Python --------------------------------------------------------------------

    def set_drags(self, drags: Sequence[Drag]) -> None:
        """Replace all drags; drags that were there keep their colours."""
        self._add(self._with_drags(self.scene, drags, self.scene.keep))

    def set_entries(self, entries: Sequence[Entry], keep: Region | None) -> None:
        """Replace all entries and the keep region."""
        messages.check_entries(entries, keep, self._height, self._width)
        self._add(self._with_entries(self.scene, entries, keep))

    def set_region(self, region: Region | None) -> None:
        """Replace the painted region."""
        shape = None if region is None else as_shape(region)
        if shape is not None:
            regions.rasterise(shape, self._height, self._width)
        self._add(replace(self.scene, region=shape, draft=to_json([], shape)["keep"]))

    def add(self, drag: Drag) -> None:
        """Append a drag in a colour of its own."""
        scene = self.scene
        if isinstance(getattr(drag, "motion", None), Camera):
            self.set_entries([*scene.entries, Entry(drag, self._next_colour())], scene.keep)
            return
        messages.check_drags([drag], scene.keep, self._height, self._width)
        self._set_checked([*scene.entries, Entry(drag, self._next_colour())])

    def set_camera(self, camera: Camera | None) -> None:
        """Replace the camera, or remove it; muted ones are removed."""
        if not (camera is None or isinstance(camera, Camera)):
            raise TypeError(f"camera must be a Camera or None, got {short_repr(camera)}")
        drag = None if camera is None else camera_drag(camera, self._height, self._width)
        entries: list[Entry] = []
        for entry in self.scene.entries:
            if not entry.drag.motion.whole_frame:
                entries.append(entry)
            elif drag is not None:
                entries.append(replace(entry, drag=drag, muted=False))
                drag = None
        if drag is not None:
            entries.append(Entry(drag, self._next_colour()))
        self.set_entries(entries, self.scene.keep)

    def mute(self, index: int, *, muted: bool) -> None:
        """Mute or unmute an entry."""
        entries = list(self.scene.entries)
        place = self._place(index)
        entries[place] = replace(entries[place], muted=muted)
        self.set_entries(entries, self.scene.keep)

    def duplicate(self, index: int) -> None:
        """Insert a copy after an entry, and mute the original."""
        entries = list(self.scene.entries)
        place = self._place(index)
        copy = replace(entries[place], colour=self._next_colour(), muted=False)
        entries[place] = replace(entries[place], muted=True)
        entries.insert(place + 1, copy)
        self.set_entries(entries, self.scene.keep)

    def remove(self, index: int) -> None:
        """Remove an entry."""
        entries = list(self.scene.entries)
        del entries[self._place(index)]
        self._set_checked(entries)

    def move(self, index: int, to: int) -> None:
        """Move an entry to another place; the others keep their order."""
        entries = list(self.scene.entries)
        place, target = self._place(index), self._place(to, "to")
        entries.insert(target, entries.pop(place))
        self._set_checked(entries)

    def clear(self) -> None:
        """Remove the drags, the keep region and the painted region."""
        self._add(Scene((), None, None, to_json([]), [], None))

    def undo(self) -> None:
        """Go one step back."""
        self._history.back()
        self.changed()

    def redo(self) -> None:
        """Go one step forward."""
        self._history.forth()
        self.changed()

    # --- changes of the page --------------------------------------------------------------------

    def read_page(self, sent: object) -> Scene:
        """The scene after a write of the page, fully checked; nothing changes yet."""
        changes = messages.check_writes(sent)
        budget = messages.page_budget()
        scene, size = self.scene, (self._height, self._width)
        looks = changes.get("looks", scene.looks)
        if "state" in changes:
            own = tuple(self._own_motions.values())
            entries, keep = messages.read_entries(changes["state"], looks, *size, budget, own)
            scene = replace(scene, entries=entries, keep=keep, state=changes["state"], looks=looks)
        elif "looks" in changes:
            drags = [entry.drag for entry in scene.entries]
            scene = replace(
                scene, entries=messages.read_looks(looks, drags, scene.keep, *size), looks=looks
            )
        if "draft" in changes:
            region = messages.read_region(changes["draft"], *size, budget)
            scene = replace(scene, region=region, draft=changes["draft"])
        return scene

    def follow(self, revision: int, scene: Scene) -> None:
        """Adopt a change of the page, see `History.follow`."""
        self._history.follow(revision, scene)

    # --- private --------------------------------------------------------------------------------

    def _next_colour(self) -> int:
        return next_colour([entry.colour for entry in self.scene.entries])

    def _place(self, index: int, name: str = "index") -> int:
        count = len(self.scene.entries)
        place = check_int(index, name, least=-count)
        if place >= count:
            raise ValueError(f"{name} must be less than {count}, the number of drags, got {index}")
        return place % count

    def _set_checked(self, entries: Sequence[Entry]) -> None:
        """Replace all entries by ones that are known to fit."""
        self._add(self._with_entries(self.scene, entries, self.scene.keep))

    def _with_drags(self, scene: Scene, drags: Sequence[Drag], keep: Region | None) -> Scene:
        """A scene with other drags, checked; the camera's are found among them."""
        size = (self._height, self._width)
        known: Any = drags  # of any type
        cameras = isinstance(known, list | tuple) and any(
            isinstance(drag, Drag) and drag.motion.whole_frame for drag in known
        )
        messages.check_drags(drags, None if cameras else keep, *size)
        kept = None if keep is None else as_shape(keep)
        entries, kept = entries_of(drags, scene.entries, kept, *size)
        if cameras:
            messages.check_entries(entries, kept, *size)
        return self._with_entries(scene, entries, kept)

    def _with_entries(self, scene: Scene, entries: Sequence[Entry], keep: Region | None) -> Scene:
        """A scene with other drags; the classes of user-defined motions are remembered."""
        entries = [
            replace(entry, drag=camera_drag(entry.drag.motion, self._height, self._width))
            if isinstance(entry.drag.motion, Camera)
            else entry
            for entry in entries
        ]
        drags = [entry.drag for entry in entries]
        for motion in (part for drag in drags for part in parts_of(drag.motion)):
            if motion.kind == "own":
                self._own_motions[type(motion).__name__] = type(motion)
        return replace(
            scene,
            entries=tuple(entries),
            keep=None if keep is None else as_shape(keep),
            state=to_json(drags, keep, own=True, frame=(self._height, self._width)),
            looks=[entry.look for entry in entries],
        )

    def _add(self, scene: Scene) -> None:
        """Make a scene the current one, as a new step if it differs."""
        if scene != self.scene:
            self._history.add(scene)
        self.changed()

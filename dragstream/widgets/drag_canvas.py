"""`DragCanvas`: a widget to draw drags on the newest frame of a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import traitlets
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags import regions
from dragstream.drags.checks import Point
from dragstream.drags.motions import Camera, Drag
from dragstream.drags.shapes import BoolMask, Region, Shape
from dragstream.widgets import messages, similarity
from dragstream.widgets.camera_entries import active_camera, drawn
from dragstream.widgets.canvas_document import CanvasDocument
from dragstream.widgets.click_selection import ClickSelection
from dragstream.widgets.entries import Entry
from dragstream.widgets.hold_canvas import HoldCanvas
from dragstream.widgets.page import PageWidget, anything, one_of
from dragstream.widgets.picture import PALETTE, draw
from dragstream.widgets.sources import Source
from dragstream.widgets.throttle import weak_callback

_LATENT_FRAMES = 3  # dots on a path if no model says how long a block is


class DragCanvas(HoldCanvas, page="drag_canvas"):
    """The newest frame of a stream, to paint on and to pull.

    ```python
    canvas = DragCanvas(stream)
    canvas  # paint the object, then pull it
    stream.animate(canvas.drags, keep=canvas.keep)  # in the next cell; the canvas follows
    ```

    Whatever the mouse can do, Python can: set `drags`, `keep` and `region`, or call `add`, `mute`,
    `duplicate`, `remove`, `move`, `pick`, `undo`, `redo` and `zoom_to`. Changes from either side
    show on the other, in every view of the canvas. What the page sends is checked; a wrong value
    changes nothing and is answered with a text beside the canvas.

    A canvas follows its stream while a page shows it. One that no page shows, as after its cell ran
    again, costs nothing when a frame is made, and is up to date when a page shows it again or when
    Python reads it; `close` takes it off every page for good.

    Args:
        source: A `dragstream.Stream`, followed as it changes; a `dragstream.LiveStream`, whose
            blocks are played as they are made; or a frame, uint8 (H, W, 3).
        drags: The drags to start with.
        keep: The region that must not change, a shape or a boolean mask (H, W).
        latent_frames: Number of latent frames that a drag lasts, shown as dots along its path; by
            default one block of the stream's model.
        sam: The folder of a SAM checkpoint, as transformers saves it, for a second way to select
            by a click; None for the denoiser's own features alone.

    Raises:
        TypeError: The source is neither a stream nor a uint8 array.
        ValueError: A frame that is not (H, W, 3), drags that do not fit the frame, or a folder
            without a SAM checkpoint.
        ImportError: A checkpoint is given and transformers is not installed.
    """

    requests: ClassVar = {
        **HoldCanvas.requests,
        "pick": {"point": anything, "selector": one_of("features", "sam")},
    }

    latent_frames = traitlets.Int(_LATENT_FRAMES, min=1, max=1000).tag(sync=True)
    """Latent frames that a drag lasts: dots along the paths."""

    state = traitlets.Dict(read_only=True).tag(sync=True)
    """All drags, muted ones too, and the keep region as JSON (see `drags.documents`)."""

    looks: traitlets.List[Any] = traitlets.List(read_only=True).tag(sync=True)
    """The looks of each drag of `state` as JSON: colour, muted, arm, relative (see `entries`)."""

    draft = traitlets.Any(allow_none=True, read_only=True).tag(sync=True)
    """The region painted last that has no motion yet, as JSON, or None."""

    revision = traitlets.Int(0, read_only=True).tag(sync=True)
    """Number of the history's current step, shared by page and Python (see `undo`)."""

    selectors = traitlets.List(traitlets.Unicode(), read_only=True).tag(sync=True)
    """Available ways to select by a click: "features", "sam"."""

    def __init__(
        self,
        source: object,
        *,
        drags: Sequence[Drag] = (),
        keep: Region | None = None,
        latent_frames: int | None = None,
        sam: str | Path | None = None,
    ) -> None:
        known = Source(source)
        self._document = CanvasDocument(drags, keep, *known.frame.shape[:2])
        if latent_frames is None:
            spec = None if known.stream is None else known.stream.model.spec
            latent_frames = _LATENT_FRAMES if spec is None else spec.frames_per_block
        selection = ClickSelection(sam)
        # Before the widget opens, so that a page never gets half of the traits.
        self._update()
        self._document.changed = weak_callback(self._update)
        self.set_trait("selectors", selection.selectors(known.stream))
        super().__init__(known, selection, latent_frames=latent_frames)

    # --- drags ----------------------------------------------------------------------------------

    @property
    def drags(self) -> list[Drag]:
        """The drags on the canvas that are not muted, in the order of the list beside it.

        With a `camera` they are what `with_camera` makes of them, the camera's drag first. Setting
        replaces all, muted ones too; a drag that was there keeps its colour.

        Raises:
            TypeError, ValueError: On setting, what `dragstream.drags.motions.validate` refuses;
                the canvas stays as it was. On reading, objects that cover all that a camera moves.
        """
        return self._document.drags[0]

    @drags.setter
    def drags(self, drags: Sequence[Drag]) -> None:
        self._document.set_drags(drags)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The list beside the canvas: all drags with their colours, muted ones too.

        Raises:
            TypeError, ValueError: On setting, no sequence of `Entry`, or drags that do not fit
                the frame; the canvas stays as it was.
        """
        return self._document.scene.entries

    @entries.setter
    def entries(self, entries: Sequence[Entry]) -> None:
        self._document.set_entries(entries, self._document.scene.keep)

    @property
    def camera(self) -> Camera | None:
        """The movement of the camera, or None.

        Entries say whether an object moves with the scene or with the frame, and the camera's entry
        the same of the region to keep: `ds.widgets.Entry(drag, relative="frame")`.

        Raises:
            TypeError, ValueError: On setting, no `Camera`, or one without `frames` beside pinned
                drags; the canvas stays as it was.
        """
        found = active_camera(self.entries)
        return None if found is None else found[1]

    @camera.setter
    def camera(self, camera: Camera | None) -> None:
        self._document.set_camera(camera)

    @property
    def keep(self) -> BoolMask | None:
        """The region that must not change: bool (H, W), or None. Shapes may be set as well.

        None beside a `camera`: then it is one of the `drags`, and goes with scene or frame.

        Raises:
            TypeError, ValueError: On setting, a region that does not fit the frame or shares
                pixels with a drag's region; the canvas stays as it was.
        """
        return self._mask(self._document.drags[1])

    @keep.setter
    def keep(self, keep: Region | None) -> None:
        self._document.set_entries(self.entries, keep)

    @property
    def region(self) -> BoolMask | None:
        """The region painted last that has no motion yet: bool (H, W), or None.

        Paint with the mouse, move with Python:
        `canvas.add(ds.Drag(canvas.region, ds.Rotation(center=(64, 40), degrees=45)))`.
        Shapes may be set as well.

        Raises:
            TypeError, ValueError: On setting, a region that does not fit the frame.
        """
        return self._mask(self._document.scene.region)

    @region.setter
    def region(self, region: Region | None) -> None:
        self._document.set_region(region)

    def add(self, drag: Drag) -> None:
        """Add a drag to the canvas.

        Raises:
            TypeError, ValueError: What `dragstream.drags.motions.validate` refuses.
        """
        self._document.add(drag)

    def mute(self, index: int, *, muted: bool = True) -> None:
        """Exclude the drag at an index of `entries` from `drags`, or include it again.

        Raises:
            TypeError, ValueError: There is no such drag, or it would share pixels with `keep`.
        """
        self._document.mute(index, muted=muted)

    def duplicate(self, index: int) -> None:
        """Insert a copy after the drag at an index of `entries`, and mute the original.

        Raises:
            TypeError, ValueError: There is no such drag.
        """
        self._document.duplicate(index)

    def remove(self, index: int) -> None:
        """Remove the drag at an index of `entries`.

        Raises:
            TypeError, ValueError: There is no such drag.
        """
        self._document.remove(index)

    def move(self, index: int, to: int) -> None:
        """Move the drag at an index of `entries` to another index; the others keep their order.

        Raises:
            TypeError, ValueError: There is no such drag, or no such place.
        """
        self._document.move(index, to)

    def clear(self) -> None:
        """Remove drags, keep region and painted region."""
        self._document.clear()

    def undo(self) -> None:
        """Undo the last change of drags, keep region or painted region, by mouse or Python.

        Mouse and Python share one history of up to 100 steps: the page can undo what Python did,
        and the other way round. While Python computes, all that the mouse does arrives as one
        step; a reloaded page has no history of earlier changes.

        Raises:
            RuntimeError: There is nothing to undo.
        """
        self._document.undo()

    def redo(self) -> None:
        """Redo the last step that was undone, by `undo` or in the page.

        Raises:
            RuntimeError: There is nothing to redo.
        """
        self._document.redo()

    # --- selecting ------------------------------------------------------------------------------

    def pick(self, point: Sequence[float], threshold: float | None = None) -> BoolMask:
        """Select the object at a point by the denoiser's own features; it becomes `region`.

        Args:
            point: (x, y) in pixels.
            threshold: Least similarity of a pixel to belong to it, from 0 to 1; None finds a
                value that fits the map.

        Returns:
            The region, bool (H, W): all similar pixels that are connected with the point.

        Raises:
            TypeError, ValueError: A point outside of the frame, or a stream without blocks.
            RuntimeError: The canvas shows a frame instead of a stream.
        """
        return self._select("features", point, threshold)

    def pick_with_sam(self, point: Sequence[float], threshold: float | None = None) -> BoolMask:
        """Select the object at a point by SAM; see `pick`.

        Raises:
            TypeError, ValueError: A point outside of the frame.
            RuntimeError: The canvas was made without `sam`.
        """
        return self._select("sam", point, threshold)

    def picture(self, scale: int | None = None) -> Image.Image:
        """The canvas as a still picture: the frame with the drags and the keep region over it.

        Args:
            scale: Picture pixels per pixel of the frame; by default about 768 across.
        """
        active = [entry for entry in self.entries if not entry.muted]
        return draw(
            self._current_frame(),
            drawn(active),
            self._mask(self._kept()),
            draft=self.region,
            scale=scale,
            latent_frames=self.latent_frames,
            colours=[PALETTE[entry.colour % len(PALETTE)] for entry in active],
        )

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Apply a write of the page once it has passed every check."""
        try:
            scene = self._document.read_page(sync_data)
        except (TypeError, ValueError) as error:
            # The page shows the state of Python again, and drops that step.
            self.send_state([*messages.WRITABLE])
            sent: object = sync_data  # of any type
            refused = isinstance(sent, Mapping) and "revision" in sent
            self.send_error(str(error), refused=refused)
            return
        # First, since observers of the traits read the drags.
        self._document.follow(sync_data.get("revision", self.revision), scene)
        # Past `PageWidget`, which lets pages write nothing.
        super(PageWidget, self).set_state(dict(sync_data))

    def __repr__(self) -> str:
        count = sum(not look["muted"] for look in self.looks)
        return f"DragCanvas({self.width}x{self.height}, {count} drag{'' if count == 1 else 's'})"

    # --- private --------------------------------------------------------------------------------

    def _painted(self) -> BoolMask | None:
        return self.region

    def _kept(self) -> Shape | None:
        return self._document.scene.keep

    def _mask(self, shape: Shape | None) -> BoolMask | None:
        return None if shape is None else regions.rasterise(shape, self.height, self.width)

    def _update(self) -> None:
        """Set the traits to the current scene; the page gets one message."""
        scene, revision = self._document.scene, self._document.revision
        with self.hold_sync():
            self.set_trait("state", scene.state)
            self.set_trait("looks", scene.looks)
            self.set_trait("draft", scene.draft)
            self.set_trait("revision", revision)

    def _select(self, selector: str, point: Sequence[float], threshold: float | None) -> BoolMask:
        place = messages.read_place(point, self.height, self.width)
        values = self._similarity(selector, place)
        level = similarity.suggested(values, place) if threshold is None else threshold
        region = similarity.connected(values, level, place)
        self.region = region
        return region

    def _similarity(self, selector: str, point: Point) -> NDArray[np.float32]:
        return self._selection.similarity(selector, self._source.stream, self._current_frame, point)

    def _on_pick(self, point: object, selector: str) -> None:
        place = messages.read_place(point, self.height, self.width)
        values = self._similarity(selector, place)
        message = {
            "type": "similarity",
            "point": list(place),
            "width": self.width,
            "height": self.height,
            "threshold": similarity.suggested(values, place),
        }
        self.send(message, [np.round(255 * np.clip(values, 0, 1)).astype(np.uint8).tobytes()])

"""`DragCanvas`: paint a region on a frame, pull it, read the drags in the next cell."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags import regions
from dragstream.drags.checks import positive, short, whole
from dragstream.drags.documents import from_json, to_json
from dragstream.drags.motions import Drag, Motion
from dragstream.drags.shapes import Shape
from dragstream.widgets import messages, similarity, sources
from dragstream.widgets.canvas_requests import Pick, Seen, Views, read_canvas_request
from dragstream.widgets.clips import Projector
from dragstream.widgets.entries import Entry, listed, next_colour, with_looks
from dragstream.widgets.history import History, Scene
from dragstream.widgets.page import jpeg
from dragstream.widgets.picture import PALETTE, draw
from dragstream.widgets.segment_anything import SegmentAnything
from dragstream.widgets.visible import VisibleWidget

_STATIC = Path(__file__).parent / "static"
_LATENT_FRAMES = 3  # dots on a path where no model says how long a block is
_FRAME_RATE = 16.0  # of clips where no model says
_ONION_WIDTH = 416  # pixels of a frame of the onion skin, at most
_ONION_QUALITY = 75
_ROOM = 0.1  # beside what is zoomed to, as a share of its size

MOST_ONION_FRAMES = 8

Frame = NDArray[np.uint8]
BoolMask = NDArray[np.bool_]
Floats = NDArray[np.float32]


class _Picture(traitlets.Bytes):
    """The frame as PNG, which a canvas that no page shows makes only when it is read."""

    def get(self, obj: Any, cls: Any = None) -> Any:
        """The PNG as it is now."""
        return super().get(obj, cls) or obj._png()  # noqa: SLF001 - the canvas' own


class _Trail(traitlets.List):  # type: ignore[type-arg]
    """The frames of the onion skin, made likewise."""

    def get(self, obj: Any, cls: Any = None) -> Any:
        """The JPEGs as they are now."""
        return super().get(obj, cls) or obj._earlier()  # noqa: SLF001 - the canvas' own


class DragCanvas(VisibleWidget, anywidget.AnyWidget):
    """The newest frame of a stream, to paint on and to pull.

    ```python
    canvas = DragCanvas(stream)
    canvas  # paint the object, then pull it
    stream.animate(canvas.drags, keep=canvas.keep)  # in the next cell; the canvas follows
    ```

    Whatever the mouse can do, Python can: set `drags`, `keep` and `region`, or call `add`, `mute`,
    `duplicate`, `remove`, `move`, `pick`, `undo`, `redo` and `zoom_to`. Changes from either side
    show on the other, in every view of the canvas. What the page sends is checked; what is wrong
    changes nothing here and is answered with a text beside the canvas.

    A canvas follows its stream while a page shows it. One that no page shows, as after its cell ran
    again, costs nothing when a frame is made, and is up to date when a page shows it again or when
    Python reads it; `close` takes it off every page for good.

    Args:
        source: A `dragstream.Stream`, followed as it changes; a `dragstream.LiveStream`, whose
            blocks are played as they are made; or a frame, uint8 (H, W, 3).
        drags: What the canvas starts with.
        keep: The region that must not change, a shape or a boolean mask (H, W).
        latent_frames: How many latent frames a drag lasts, shown as dots along its path; by
            default one block of the stream's model.
        sam: The folder of a SAM checkpoint, as transformers saves it, for a second way to select
            by a click; None for the denoiser's own features alone.

    Raises:
        TypeError: The source is neither a stream nor a uint8 array.
        ValueError: A frame that is not (H, W, 3), drags that do not fit the frame, or a folder
            without a SAM checkpoint.
        ImportError: A checkpoint is given and transformers is not installed.
    """

    _esm = _STATIC / "drag_canvas.js"
    _css = _STATIC / "drag_canvas.css"

    frame = _Picture(b"", read_only=True).tag(sync=True)
    """The frame that is shown at rest, as PNG."""

    width = traitlets.Int(1, read_only=True).tag(sync=True)
    """Pixels of the frame."""

    height = traitlets.Int(1, read_only=True).tag(sync=True)
    """Pixels of the frame."""

    latent_frames = traitlets.Int(_LATENT_FRAMES, min=1, max=1000).tag(sync=True)
    """Latent frames that a drag lasts: dots along the paths."""

    state = traitlets.Dict(read_only=True).tag(sync=True)
    """All drags, muted ones too, and the keep region as JSON (see `drags.documents`)."""

    looks: traitlets.List[Any] = traitlets.List(read_only=True).tag(sync=True)
    """How each drag of `state` is shown, as JSON: colour, muted, arm (see `entries`)."""

    draft = traitlets.Any(allow_none=True, read_only=True).tag(sync=True)
    """The region painted last that has no motion yet, as JSON, or None."""

    revision = traitlets.Int(0, read_only=True).tag(sync=True)
    """What page and Python call the step of the history that stands now (see `undo`)."""

    aim = traitlets.Dict(read_only=True).tag(sync=True)
    """Where `zoom_to` has the page look: "box", left, top, right and bottom edge in pixels from the
    frame's upper left corner, and "number", another one for each call."""

    onion = traitlets.Int(0, min=0, max=MOST_ONION_FRAMES).tag(sync=True)
    """How many earlier frames, a latent frame apart, shine through the newest one."""

    trail: Any = _Trail(traitlets.Bytes(), read_only=True).tag(sync=True)
    """These frames as small JPEGs, the newest first."""

    selectors = traitlets.List(traitlets.Unicode(), read_only=True).tag(sync=True)
    """What can select by a click: "features", "sam"."""

    def __init__(
        self,
        source: object,
        *,
        drags: Sequence[Drag] = (),
        keep: Shape | BoolMask | None = None,
        latent_frames: int | None = None,
        sam: str | Path | None = None,
    ) -> None:
        frame = sources.newest_frame(source)
        height, width = frame.shape[:2]
        messages.check_drags(drags, keep, height, width)
        if latent_frames is None:
            latent_frames = sources.frames_per_block(source, _LATENT_FRAMES)
        self._sam = None if sam is None else SegmentAnything(sam)
        self._source = source
        self._image = frame
        self._sent: Frame | None = None  # what pages have, unless they are older
        self._last_block = sources.newest_block(source)
        self._ends: list[sources.Unsubscribe] = []
        self._past: deque[Frame] = deque(maxlen=MOST_ONION_FRAMES)  # of a source without a past
        self._projector = Projector(self.send)
        # Before the widget opens, so that no page sees it half made.
        self.set_trait("width", width)
        self.set_trait("height", height)
        self._own_motions: dict[str, type[Motion]] = {}
        self.set_trait("state", self._document(drags, keep))
        self.set_trait("looks", [entry.look for entry in listed(drags)])
        self._read: tuple[Any, Any, Any] = (None, None, None)  # JSON, and what it says
        self._history = History(Scene(self.state, self.looks, self.draft))
        self.set_trait("aim", {"box": [0, 0, width, height], "number": 0})
        selectors = {"features": sources.stream_of(source), "sam": self._sam}
        self.set_trait("selectors", [name for name, what in selectors.items() if what is not None])
        super().__init__(latent_frames=latent_frames)
        self.on_msg(_hear)

    # --- drags ----------------------------------------------------------------------------------

    @property
    def drags(self) -> list[Drag]:
        """The drags on the canvas that are not muted, in the order of the list beside it.

        Setting them replaces all, muted ones too. A drag that was there keeps its colour.

        Raises:
            TypeError, ValueError: On setting, what `dragstream.drags.motions.validate` refuses;
                the canvas stays as it was.
        """
        return [entry.drag for entry in self.entries if not entry.muted]

    @drags.setter
    def drags(self, drags: Sequence[Drag]) -> None:
        messages.check_drags(drags, self._keep_region, self.height, self.width)
        self._put(listed(drags, self.entries), self._keep_region)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The list beside the canvas: all drags with their colours, muted ones too.

        Raises:
            TypeError, ValueError: On setting, what is no sequence of `Entry`, or drags that do
                not fit the frame; the canvas stays as it was.
        """
        return self._parsed[0]

    @entries.setter
    def entries(self, entries: Sequence[Entry]) -> None:
        self._put(entries, self._keep_region)

    @property
    def keep(self) -> BoolMask | None:
        """The region that must not change: bool (H, W), or None. Shapes may be set as well.

        Raises:
            TypeError, ValueError: On setting, a region that does not fit the frame or holds a
                part of what is dragged; the canvas stays as it was.
        """
        keep = self._keep_region
        return None if keep is None else regions.rasterise(keep, self.height, self.width)

    @keep.setter
    def keep(self, keep: Shape | BoolMask | None) -> None:
        self._put(self.entries, keep)

    @property
    def region(self) -> BoolMask | None:
        """The region painted last that has no motion yet: bool (H, W), or None.

        Paint with the mouse, move with Python:
        `canvas.add(ds.Drag(canvas.region, ds.Rotation(center=(64, 40), degrees=45)))`.
        Shapes may be set as well.

        Raises:
            TypeError, ValueError: On setting, a region that does not fit the frame.
        """
        return messages.read_region(self.draft, self.height, self.width)

    @region.setter
    def region(self, region: Shape | BoolMask | None) -> None:
        document = to_json([], region)["keep"]
        messages.read_region(document, self.height, self.width)
        self._change(replace(self._history.scene, draft=document))

    def add(self, drag: Drag) -> None:
        """Put one more drag on the canvas.

        Raises:
            TypeError, ValueError: What `dragstream.drags.motions.validate` refuses.
        """
        messages.check_drags([drag], self._keep_region, self.height, self.width)
        entries = self.entries
        colour = next_colour([entry.colour for entry in entries])
        self._put([*entries, Entry(drag, colour)], self._keep_region)

    def mute(self, index: int, *, muted: bool = True) -> None:
        """Leave the drag at a place in `entries` out of `drags`, or take it in again.

        Raises:
            TypeError, ValueError: There is no such drag, or it would share pixels with `keep`.
        """
        entries = list(self.entries)
        place = self._place(index)
        entries[place] = replace(entries[place], muted=muted)
        self._put(entries, self._keep_region)

    def duplicate(self, index: int) -> None:
        """Put a copy behind the drag at a place in `entries`, and mute the one that is copied.

        Raises:
            TypeError, ValueError: There is no such drag.
        """
        entries = list(self.entries)
        place = self._place(index)
        colour = next_colour([entry.colour for entry in entries])
        copy = replace(entries[place], colour=colour, muted=False)
        entries[place] = replace(entries[place], muted=True)
        entries.insert(place + 1, copy)
        self._put(entries, self._keep_region)

    def remove(self, index: int) -> None:
        """Take away the drag at a place in `entries`.

        Raises:
            TypeError, ValueError: There is no such drag.
        """
        entries = list(self.entries)
        del entries[self._place(index)]
        self._put(entries, self._keep_region)

    def move(self, index: int, to: int) -> None:
        """Move the drag at a place in `entries` to another place; the others keep their order.

        Raises:
            TypeError, ValueError: There is no such drag, or no such place.
        """
        entries = list(self.entries)
        place, target = self._place(index), self._place(to, "to")
        entries.insert(target, entries.pop(place))
        self._put(entries, self._keep_region)

    def clear(self) -> None:
        """Take everything off the canvas: drags, keep region and unfinished region."""
        self._change(Scene(to_json([]), [], None))

    def undo(self) -> None:
        """Take back the last change of drags, keep region or painted region, whoever made it.

        Mouse and Python share one history of up to 100 steps: the page can take back what Python
        did, and the other way round. While Python computes, all that the mouse does arrives as one
        step; a page that was reloaded has no history of what was done before.

        Raises:
            RuntimeError: There is nothing to undo.
        """
        self._history.back()
        self._tell()

    def redo(self) -> None:
        """Do again what was taken back last, by `undo` or in the page.

        Raises:
            RuntimeError: There is nothing to redo.
        """
        self._history.forth()
        self._tell()

    # --- selecting ------------------------------------------------------------------------------

    def pick(self, point: Sequence[float], threshold: float | None = None) -> BoolMask:
        """Select what lies at a point by the denoiser's own features; it becomes `region`.

        Args:
            point: (x, y) in pixels.
            threshold: How similar a pixel must be to belong to it, from 0 to 1; None finds a
                value that fits the map.

        Returns:
            The region, bool (H, W): all that is similar and hangs together with the point.

        Raises:
            TypeError, ValueError: A point outside of the frame, or a stream without blocks.
            RuntimeError: The canvas shows a frame instead of a stream, or a stream that is played.
        """
        return self._select(self._by_features, point, threshold)

    def pick_with_sam(self, point: Sequence[float], threshold: float | None = None) -> BoolMask:
        """Select what lies at a point by SAM; see `pick`.

        Raises:
            TypeError, ValueError: A point outside of the frame.
            RuntimeError: The canvas was made without `sam`.
        """
        return self._select(self._by_sam, point, threshold)

    def _select(
        self,
        selector: Callable[[tuple[float, float]], Floats],
        point: Sequence[float],
        threshold: float | None,
    ) -> BoolMask:
        place = messages.read_place(point, self.height, self.width)
        values = selector(place)
        level = similarity.suggested(values, place) if threshold is None else threshold
        region = similarity.connected(values, level, place)
        self.region = region
        return region

    def _by_features(self, point: tuple[float, float]) -> Floats:
        stream: Any = sources.stream_of(self._source)
        if stream is None:
            raise RuntimeError("a frame has no features: make the canvas of a stream")
        if sources.at_work(self._source):
            raise RuntimeError("the live stream is at work: pause it to pick by its features")
        features = {layer: found[-1].numpy() for layer, found in stream.features().items()}
        rows, columns = next(iter(features.values())).shape[:2]
        row = min(rows - 1, int((point[1] + 0.5) * rows / self.height))
        column = min(columns - 1, int((point[0] + 0.5) * columns / self.width))
        tokens = similarity.token_similarity(features, row, column)
        return similarity.refined(tokens, sources.newest_frame(self._source))

    def _by_sam(self, point: tuple[float, float]) -> Floats:
        if self._sam is None:
            raise RuntimeError("there is no SAM: make the canvas with sam=folder of a checkpoint")
        return self._sam.similarity(self._image_now(), point)

    # --- frame ----------------------------------------------------------------------------------

    @property
    def source(self) -> object:
        """What is shown: a stream, a live stream, or a frame. Drags stay when it is set.

        Raises:
            TypeError: On setting, neither a stream nor a uint8 array.
            ValueError: On setting, frames of another size than the canvas.
        """
        return self._source

    @source.setter
    def source(self, source: object) -> None:
        frame = sources.newest_frame(source)
        sources.check_frames(frame[None], self.height, self.width)
        self._source = source
        self._follow()
        self.show(frame)

    def refresh(self) -> None:
        """Show the stream's newest frame. A stream that announces its changes needs no call."""
        self.show(sources.newest_frame(self._source))

    def rest(self) -> None:
        """Show the stream's newest frame once what is playing has come to its end."""
        self._put_frame(sources.newest_frame(self._source))

    def show(self, frame: Frame) -> None:
        """Show another frame of the same size, uint8 (H, W, 3); what is playing ends.

        Raises:
            TypeError: The frame is not a uint8 array.
            ValueError: It has another size than the canvas.
        """
        sources.check_frame(frame)
        sources.check_frames(frame[None], self.height, self.width)
        if self._projector.used:
            self.send({"type": "still"})
        self._put_frame(frame)

    def play(self, frames: Frame, frame_rate: float | None = None) -> None:
        """Play frames in the page, at once and instead of what is playing, and rest on the last.

        They travel as JPEG; a page that is too slow for them gets the newest ones only.

        Args:
            frames: uint8 (T, H, W, 3).
            frame_rate: Frames a second; by default that of the stream.

        Raises:
            TypeError: The frames are no uint8 array, or the rate is no number.
            ValueError: They have another size than the canvas, or the rate is not positive.
        """
        sources.check_frames(frames, self.height, self.width)
        if frame_rate is None:
            frame_rate = sources.frame_rate(self._source, _FRAME_RATE)
        self._projector.play(frames, positive(frame_rate, "frame_rate"))
        if not sources.at_work(self._source):  # who is at work tells when it rests
            self._put_frame(frames[-1])

    def _put_frame(self, frame: Frame) -> None:
        if frame is not self._image:
            self._past.appendleft(self._image)
        self._image = frame
        self._last_block = sources.newest_block(self._source)
        if not self.shown:  # without a page no picture is made, and none is kept
            return
        if self._sent is not frame:
            self._sent = frame
            self.set_trait("frame", self._png())
        self._tell_trail()

    def get_state(self, *args: Any, **kwargs: Any) -> Any:
        """What a page is told that opens, or that asks."""
        state = super().get_state(*args, **kwargs)
        if "frame" in state:
            self._sent = self._image
        return state

    def _image_now(self) -> Frame:
        """What is shown, or what would be by now if a page showed the canvas."""
        if not self.shown and self._moved_on and not sources.at_work(self._source):
            self.refresh()
        return self._image

    @property
    def _moved_on(self) -> bool:
        """Has the source announced another frame since?"""
        newest = sources.newest_block(self._source)
        return sources.announces(self._source) and self._last_block is not newest

    def _png(self) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(self._image_now()).save(buffer, format="PNG", compress_level=3)
        return buffer.getvalue()

    def _earlier(self) -> list[bytes]:
        """The frames of the onion skin."""
        count = self.onion
        frames = sources.earlier_frames(self._source, count)
        if sources.stream_of(self._source) is None:
            frames = list(self._past)[:count]
        size = (_ONION_WIDTH, _ONION_WIDTH)
        return [jpeg(frame, size, _ONION_QUALITY) for frame in frames]

    @traitlets.observe("onion")
    def _tell_trail(self, _change: object = None) -> None:
        if self.shown:
            self.set_trait("trail", self._earlier())

    def _follow(self) -> None:
        for end in self._ends:
            end()
        self._ends = sources.follow(self._source, self) if self.shown else []

    @traitlets.observe("shown")
    def _shown_changed(self, _change: object) -> None:
        self._follow()
        if self.shown:
            newest = sources.newest_frame(self._source) if self._moved_on else self._image
            self._put_frame(newest)
        else:
            self._trait_values |= {"frame": b"", "trail": []}  # the page keeps what it has

    def zoom_to(self, region: Shape | BoolMask | None = None) -> None:
        """Show a part of the frame as large as the canvas allows, up to 16 times.

        All views of the canvas look there, those opened later too; from there the mouse zooms and
        moves on, in each view by itself.

        Args:
            region: What is to be seen, a shape or a mask, bool (H, W), with a little room around
                it: ``canvas.zoom_to(canvas.region)``, ``canvas.zoom_to(ds.regions.box(…))``. None
                for the whole frame.

        Raises:
            TypeError, ValueError: A region that does not fit the frame.
        """
        box = [0.0, 0.0, float(self.width), float(self.height)]
        if region is not None:
            box = _box_around(regions.rasterise(region, self.height, self.width))
        self.set_trait("aim", {"box": box, "number": self.aim["number"] + 1})

    def picture(self, scale: int | None = None) -> Image.Image:
        """The canvas as a still picture: the frame with the drags and the keep region over it.

        A reopened notebook shows no widgets, so put this beside them.

        Args:
            scale: Picture pixels per pixel of the frame; by default about 768 across.
        """
        heard = [entry for entry in self.entries if not entry.muted]
        return draw(
            self._image_now(),
            [entry.drag for entry in heard],
            self.keep,
            draft=self.region,
            scale=scale,
            latent_frames=self.latent_frames,
            colours=[PALETTE[entry.colour % len(PALETTE)] for entry in heard],
        )

    # --- the page -------------------------------------------------------------------------------

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Take over what the page sent, once it has passed every check."""
        try:
            self._check_page(sync_data)
        except (TypeError, ValueError) as error:
            # The page goes back to what stands here, and forgets that step.
            self.send_state([*messages.WRITABLE])
            sent: object = sync_data  # whatever the page sent
            self.complain(str(error), refused=isinstance(sent, Mapping) and "revision" in sent)
            return
        super().set_state(dict(sync_data))
        self._history.follow(self.revision, Scene(self.state, self.looks, self.draft))

    def complain(self, problem: str, *, refused: bool = False) -> None:
        """Show a problem beside the canvas; `refused` if the page began a step with it."""
        self.send({"type": "error", "text": problem[:500], "refused": refused})

    def _check_page(self, sync_data: Mapping[str, Any]) -> None:
        sent: object = sync_data
        if not isinstance(sent, Mapping):
            raise TypeError(f"the page may send an object, got {short(sent)}")
        budget = messages.page_budget()
        unknown = [str(name)[:40] for name in sync_data if name not in messages.WRITABLE]
        if unknown:
            names = ", ".join(map(repr, messages.WRITABLE))
            raise ValueError(f"the page may send {names}, got {unknown[0]!r}")
        if "state" in sync_data or "looks" in sync_data:
            document = sync_data.get("state", self.state)
            looks = sync_data.get("looks", self.looks)
            parts = tuple(self._own_motions.values())
            messages.read_entries(document, looks, self.height, self.width, budget, parts)
        if "draft" in sync_data:
            messages.read_region(sync_data["draft"], self.height, self.width, budget)
        if "onion" in sync_data:
            messages.read_count(sync_data["onion"], "onion", MOST_ONION_FRAMES)
        if "revision" in sync_data:
            messages.read_count(sync_data["revision"], "revision", messages.MOST_EXACT)

    def _answer_pick(self, request: Pick) -> None:
        selector = self._by_sam if request.selector == "sam" else self._by_features
        values = selector(request.point)
        message = {
            "type": "similarity",
            "point": list(request.point),
            "width": self.width,
            "height": self.height,
            "threshold": similarity.suggested(values, request.point),
        }
        self.send(message, [np.round(255 * np.clip(values, 0, 1)).astype(np.uint8).tobytes()])

    @property
    def _keep_region(self) -> Shape | None:
        return self._parsed[1]

    @property
    def _parsed(self) -> tuple[tuple[Entry, ...], Shape | None]:
        """The list and the keep region, read from JSON once for each change of it."""
        state, looks, found = self._read
        if state is not self.state or looks is not self.looks:
            state, looks = self.state, self.looks
            drags, keep = from_json(state, tuple(self._own_motions.values()))
            found = tuple(with_looks(drags, looks)), keep
            self._read = state, looks, found
        parsed: tuple[tuple[Entry, ...], Shape | None] = found
        return parsed

    def _place(self, index: int, name: str = "index") -> int:
        count = len(self.looks)
        place = whole(index, name, least=-count)
        if place >= count:
            raise ValueError(f"{name} must be less than {count}, the number of drags, got {index}")
        return place % count

    def _put(self, entries: Sequence[Entry], keep: Shape | BoolMask | None) -> None:
        messages.check_entries(entries, keep, self.height, self.width)
        document = self._document([entry.drag for entry in entries], keep)
        self._change(Scene(document, [entry.look for entry in entries], self.draft))

    def _document(self, drags: Sequence[Drag], keep: Shape | BoolMask | None) -> dict[str, Any]:
        """Drags as JSON; classes of motions of someone's own are kept for reading them back."""
        for drag in drags:
            if drag.motion.kind == "own":
                self._own_motions[type(drag.motion).__name__] = type(drag.motion)
        return to_json(drags, keep, own=True, frame=(self.height, self.width))

    def _change(self, scene: Scene) -> None:
        """Have another scene, as a step of its own."""
        if scene != self._history.scene:
            self._history.add(scene)
            self._tell()

    def _tell(self) -> None:
        """Have the traits say what stands now, the page in one message."""
        scene = self._history.scene
        with self.hold_sync():
            self.set_trait("state", scene.state)
            self.set_trait("looks", scene.looks)
            self.set_trait("draft", scene.draft)
            self.set_trait("revision", self._history.number)

    def __repr__(self) -> str:
        count = sum(not look["muted"] for look in self.looks)
        return f"DragCanvas({self.width}x{self.height}, {count} drag{'' if count == 1 else 's'})"


def _box_around(mask: BoolMask) -> list[float]:
    """The edges (left, top, right, bottom) of what a mask holds, with room beside it."""
    edges = []
    for axis in (0, 1):  # columns, rows
        places = np.flatnonzero(mask.any(axis=axis))
        first, end = float(places[0]), float(places[-1]) + 1
        room = _ROOM * (end - first)
        edges.append((first - room, end + room))
    (left, right), (top, bottom) = edges
    return [left, top, right, bottom]


def _hear(canvas: DragCanvas, content: object, _buffers: object) -> None:
    """Answer a message of the page."""
    try:
        request = read_canvas_request(content, canvas.height, canvas.width)
        if isinstance(request, Pick):
            canvas._answer_pick(request)  # noqa: SLF001
        elif isinstance(request, Seen):
            canvas._projector.confirm(request.clip)  # noqa: SLF001
        elif isinstance(request, Views):
            canvas._views(request.views)  # noqa: SLF001
        else:
            canvas.send({"type": "hello"})
    except (TypeError, ValueError, RuntimeError) as error:
        canvas.complain(str(error))

"""`DragCanvas`: paint a region on a frame, pull it, read the drags in the next cell."""

from __future__ import annotations

import io
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import anywidget
import numpy as np
import traitlets
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags import regions
from dragstream.drags.documents import from_json, to_json
from dragstream.drags.motions import Drag
from dragstream.drags.shapes import Shape
from dragstream.widgets import messages
from dragstream.widgets.picture import draw

if TYPE_CHECKING:
    from dragstream.models.base import VideoModel

_STATIC = Path(__file__).parent / "static"
_LATENT_FRAMES = 3  # dots on a path where no model says how long a block is

Frame = NDArray[np.uint8]
BoolMask = NDArray[np.bool_]


class Stream(Protocol):
    """The part of `dragstream.Stream` that the canvas looks at."""

    @property
    def model(self) -> VideoModel:
        """Whose frames these are."""

    @property
    def frames(self) -> Frame:
        """All frames, uint8 (T, H, W, 3), the newest one last."""


class DragCanvas(anywidget.AnyWidget):
    """The newest frame of a stream, to paint on and to pull.

    ```python
    canvas = DragCanvas(stream)
    canvas  # paint the object, then pull it
    stream.animate(canvas.drags, keep=canvas.keep)  # in the next cell; the canvas follows
    ```

    Whatever the mouse can do, Python can: set `drags` and `keep`, or call `add`. Changes from
    either side show on the other, in every view of the canvas. What the page sends is checked;
    what is wrong changes nothing here and is answered with a text beside the canvas.

    Args:
        source: A `dragstream.Stream`, followed as it changes, or a frame, uint8 (H, W, 3).
        drags: What the canvas starts with.
        keep: The region that must not change, a shape or a boolean mask (H, W).
        latent_frames: How many latent frames a drag lasts, shown as dots along its path; by
            default one block of the stream's model.

    Raises:
        TypeError: The source is neither a stream nor a uint8 array.
        ValueError: A frame that is not (H, W, 3), or drags that do not fit the frame.
    """

    _esm = _STATIC / "drag_canvas.js"
    _css = _STATIC / "drag_canvas.css"

    frame = traitlets.Bytes(b"", read_only=True).tag(sync=True)
    """The frame shown, as PNG."""

    width = traitlets.Int(1, read_only=True).tag(sync=True)
    """Pixels of the frame."""

    height = traitlets.Int(1, read_only=True).tag(sync=True)
    """Pixels of the frame."""

    latent_frames = traitlets.Int(_LATENT_FRAMES, min=1, max=1000).tag(sync=True)
    """Latent frames that a drag lasts: dots along the paths."""

    state = traitlets.Dict(read_only=True).tag(sync=True)
    """Drags and keep region as JSON, version 1 (see `dragstream.drags.documents`)."""

    draft = traitlets.Any(allow_none=True, read_only=True).tag(sync=True)
    """The region painted last that has no motion yet, as JSON, or None."""

    def __init__(
        self,
        source: Stream | Frame,
        *,
        drags: Sequence[Drag] = (),
        keep: Shape | BoolMask | None = None,
        latent_frames: int | None = None,
    ) -> None:
        frame = newest_frame(source)
        height, width = frame.shape[:2]
        messages.check_drags(drags, keep, height, width)
        # Before the widget opens, so that no page sees it half made.
        self.set_trait("width", width)
        self.set_trait("height", height)
        self.set_trait("state", to_json(drags, keep))
        self.show(frame)
        if latent_frames is None:
            latent_frames = _frames_per_block(source)
        super().__init__(latent_frames=latent_frames)
        self._source = source
        self.on_msg(_refuse)
        self._unsubscribe = _follow(source, self)

    # --- drags ----------------------------------------------------------------------------------

    @property
    def drags(self) -> list[Drag]:
        """The drags on the canvas, in the order of the list beside it.

        Setting them replaces all.

        Raises:
            TypeError, ValueError: On setting, what `dragstream.drags.motions.validate` refuses;
                the canvas stays as it was.
        """
        return from_json(self.state)[0]

    @drags.setter
    def drags(self, drags: Sequence[Drag]) -> None:
        self._put(drags, self._keep_region)

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
        self._put(self.drags, keep)

    @property
    def region(self) -> BoolMask | None:
        """The region painted last that has no motion yet: bool (H, W), or None.

        Paint with the mouse, move with Python:
        `canvas.add(ds.Drag(canvas.region, ds.Rotation(center=(64, 40), degrees=45)))`.
        """
        return messages.read_region(self.draft, self.height, self.width)

    def add(self, drag: Drag) -> None:
        """Put one more drag on the canvas.

        Raises:
            TypeError, ValueError: What `dragstream.drags.motions.validate` refuses.
        """
        self._put([*self.drags, drag], self._keep_region)

    def clear(self) -> None:
        """Take everything off the canvas: drags, keep region and unfinished region."""
        self._put([], None)
        self.set_trait("draft", None)

    # --- frame ----------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the stream's newest frame. A stream that announces its changes needs no call."""
        self.show(newest_frame(self._source))

    def show(self, frame: Frame) -> None:
        """Show another frame of the same size, uint8 (H, W, 3).

        Raises:
            TypeError: The frame is not a uint8 array.
            ValueError: It has another size than the canvas.
        """
        check_frame(frame)
        if frame.shape[:2] != (self.height, self.width):
            raise ValueError(
                f"the canvas shows frames of shape {(self.height, self.width, 3)}, "
                f"got {frame.shape}"
            )
        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, format="PNG")
        self.set_trait("frame", buffer.getvalue())

    def picture(self, scale: int | None = None) -> Image.Image:
        """The canvas as a still picture: the frame with the drags and the keep region over it.

        A reopened notebook shows no widgets, so put this beside them.

        Args:
            scale: Picture pixels per pixel of the frame; by default about 768 across.
        """
        frame = np.asarray(Image.open(io.BytesIO(self.frame)).convert("RGB"))
        return draw(
            frame,
            self.drags,
            self.keep,
            draft=self.region,
            scale=scale,
            latent_frames=self.latent_frames,
        )

    def close(self) -> None:
        """Stop following the stream and leave every page."""
        if unsubscribe := getattr(self, "_unsubscribe", None):
            self._unsubscribe = None
            unsubscribe()
        super().close()

    # --- the page -------------------------------------------------------------------------------

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Take over what the page sent, once it has passed every check."""
        try:
            self._check_page(sync_data)
        except (TypeError, ValueError) as error:
            self.send({"type": "error", "text": str(error)[:500]})
            # The page goes back to what stands here.
            self.send_state(["state", "draft"])
            return
        super().set_state(dict(sync_data))

    def _check_page(self, sync_data: Mapping[str, Any]) -> None:
        for name, value in sync_data.items():
            if name == "state":
                messages.read_document(value, self.height, self.width)
            elif name == "draft":
                messages.read_region(value, self.height, self.width)
            else:
                raise ValueError(f"the page may send 'state' and 'draft', got {str(name)[:40]!r}")

    @property
    def _keep_region(self) -> Shape | None:
        return from_json(self.state)[1]

    def _put(self, drags: Sequence[Drag], keep: Shape | BoolMask | None) -> None:
        messages.check_drags(drags, keep, self.height, self.width)
        self.set_trait("state", to_json(drags, keep))

    def __repr__(self) -> str:
        count = len(self.state.get("drags", ()))
        return f"DragCanvas({self.width}x{self.height}, {count} drag{'' if count == 1 else 's'})"


def check_frame(frame: object) -> None:
    """Raise unless `frame` is a uint8 array (H, W, 3)."""
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8:
        kind = getattr(frame, "dtype", type(frame).__name__)
        raise TypeError(f"a frame must be a uint8 array (H, W, 3), got {kind}")
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.size == 0:
        raise ValueError(f"a frame must have shape (H, W, 3), got {frame.shape}")


def newest_frame(source: object) -> Frame:
    """The last frame of a stream, grey before its first block; a frame array as it is.

    Raises:
        TypeError: The source is neither a stream nor a uint8 array.
        ValueError: The array is not (H, W, 3).
    """
    if isinstance(source, np.ndarray):
        check_frame(source)
        return source
    frames, model = getattr(source, "frames", None), getattr(source, "model", None)
    if frames is None or model is None:
        raise TypeError(
            f"DragCanvas takes a stream or a uint8 frame (H, W, 3), got {type(source).__name__}"
        )
    if len(frames) > 0:
        newest: Frame = frames[-1]
        return newest
    return np.full((model.spec.grid.height, model.spec.grid.width, 3), 128, dtype=np.uint8)


def _frames_per_block(source: object) -> int:
    model = getattr(source, "model", None)
    return _LATENT_FRAMES if model is None else int(model.spec.frames_per_block)


def _follow(source: object, canvas: DragCanvas) -> Callable[[], object] | None:
    """Refresh the canvas after each change of the stream, without keeping the canvas alive."""
    subscribe = getattr(source, "subscribe", None)
    if subscribe is None:
        return None
    known = weakref.ref(canvas)

    def changed() -> None:
        if (alive := known()) is not None:
            alive.refresh()

    unsubscribe: Callable[[], object] = subscribe(changed)
    return unsubscribe


def _refuse(canvas: DragCanvas, content: object, _buffers: object) -> None:
    """Answer a message of the page that has no meaning."""
    canvas.send({"type": "error", "text": f"the canvas takes no messages, got {content!r}"[:500]})

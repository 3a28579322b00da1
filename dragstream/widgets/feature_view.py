"""`FeatureView`: a widget that shows features, their low-pass, and the targets of drags."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import ipycanvas
import numpy as np
import traitlets
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags.checks import check_bool, check_finite, check_fraction, check_int
from dragstream.drags.motions import Drag
from dragstream.drags.shapes import Region, as_shape
from dragstream.method.settings import DragSettings
from dragstream.stream.drag_targets import planned_targets
from dragstream.widgets import session
from dragstream.widgets.feature_picture import Colouring, FeatureFrame, compose, token_at
from dragstream.widgets.feature_reader import FeatureReader, PlannedDrags, describe
from dragstream.widgets.page import PageWidget, anything, one_of
from dragstream.widgets.throttle import BackgroundThrottle, weak_callback

if TYPE_CHECKING:
    from dragstream.stream.stream import Stream

__all__ = ["Colouring", "FeatureView"]

_DRAWING = threading.Lock()
"""ipycanvas buffers the commands of all canvases of a kernel in one list."""
_SHARE = 0.2
"""Of the time, at most, for reading features while another thread changes the stream."""
_CHOICES = ("frame", "layer", "cutoff", "colouring", "channel", "token")
_OVERLAYS = ("show_target", "show_keep", "show_focus")
_SETTABLE = ("frame", "layer", "cutoff", "colouring", "channel", "follow", *_OVERLAYS)
"""Names of the traits that the page may change."""


class FeatureView(PageWidget, page="feature_view"):
    """The features of a stream's frames, as in the paper's Figures 13 and 14.

    ```python
    view = FeatureView(stream)
    view  # move the sliders; click a token to see what is similar to it
    view.cutoff = 0.2  # or from Python: everything is an attribute
    view.picture()  # the same as a still picture
    ```

    Four panels: the frame with the targets of drags (the target Y, the region M to keep, the
    focus G of the update), the features of the frame, the same low-passed as a drag's references
    are (Eq. 7), and the share that the low-pass removes; below them the radial spectrum.

    While a page shows the view it follows its stream. One that plays is followed, too: its blocks
    are read on a second thread, so that the thread that makes them never waits, and intermediate
    ones are skipped. Reading takes at most a fifth of the time. An
    earlier frame ends the following until `follow` is switched on again.

    The panels are an ipycanvas `Canvas` where the front end has ipycanvas, else a picture.

    Args:
        stream: The stream whose frames are shown.
        follow: Go to the newest frame whenever there is one.
        awake: Follow the stream at all; False while the view is hidden.

    Raises:
        TypeError: Anything but a stream.
    """

    requests: ClassVar = {
        "set": {"name": one_of(*_SETTABLE), "value": anything},
        "pick": {"x": check_finite, "y": check_finite},
        "painter": {"canvas": check_bool},
    }

    state = traitlets.Dict(read_only=True).tag(sync=True)
    """Values and ranges of the controls, and the caption."""

    image = traitlets.Bytes(read_only=True).tag(sync=True)
    """The panels as PNG, empty while each page has ipycanvas."""

    canvas = traitlets.Unicode(read_only=True).tag(sync=True)
    """The id of the model of the ipycanvas `Canvas`."""

    frame = traitlets.Int(0, min=0, help="Latent frame of the stream, from 0.")
    layer = traitlets.Int(
        None, allow_none=True, help="Transformer layer from 0; None means those that drags use."
    )
    cutoff = traitlets.Float(0.4, help="Of the low-pass, in cycles per token, in (0, 1].")
    colouring = traitlets.UseEnum(Colouring, default_value=Colouring.PRINCIPAL)
    channel = traitlets.Int(0, min=0, help="Which number of a feature, for one channel.")
    token = traitlets.Tuple(
        traitlets.Int(min=0), traitlets.Int(min=0), default_value=(0, 0), help="Row and column."
    )
    follow = traitlets.Bool(default_value=True, help="Go to the newest frame when there is one.")
    awake = traitlets.Bool(default_value=True, help="Follow the stream at all.")
    show_target = traitlets.Bool(default_value=True, help="Draw the target Y over the frame.")
    show_keep = traitlets.Bool(default_value=True, help="Draw the region M to keep.")
    show_focus = traitlets.Bool(default_value=True, help="Darken what the focus G leaves alone.")

    def __init__(self, stream: Stream, *, follow: bool = True, awake: bool = True) -> None:
        self._reader = FeatureReader(stream)
        self._lock = threading.RLock()  # one refresh at a time, of a cell, the page or a thread
        self._sets_newest = False  # True while the view itself sets `frame` to the newest
        self._background = BackgroundThrottle(self.catch_up, _SHARE)
        self.follow, self.awake = follow, awake
        self._plan: PlannedDrags = ((), None, None)
        self._painted: NDArray[np.uint8] | None = None
        self._caption, self._channels = "", 1
        self._painters: set[bool] = set()  # pages with ipycanvas (True), without (False)
        self._unsubscribe: Callable[[], object] | None = None
        self._canvas = ipycanvas.Canvas(width=1, height=1)
        self.set_trait("canvas", self._canvas.model_id)
        self._publish()
        super().__init__()
        self._canvas.on_mouse_down(weak_callback(self._on_pick))
        self.observe(weak_callback(self._redraw), [*_CHOICES, *_OVERLAYS])
        self.observe(weak_callback(self._update_following), ["follow", "awake"])
        if awake:
            self.show_newest()

    # ------------------------------------------------------------------------------- from Python

    @property
    def stream(self) -> Stream:
        """The stream; it can be replaced by another one of the same model."""
        return self._reader.stream

    @stream.setter
    def stream(self, stream: Stream) -> None:
        reader = FeatureReader(stream)
        with self._lock:
            self._reader = reader
            self._subscribe()
            if self.awake:
                self.show_newest()

    def plan(
        self,
        drags: Sequence[Drag],
        keep: Region | None = None,
        settings: DragSettings | None = None,
    ) -> None:
        """Show the targets of planned drags over the newest frame; none shows those of past drags.

        Raises:
            TypeError, ValueError: Drags that do not fit the frame.
        """
        grid = self.stream.model.spec.grid
        planned_targets(drags, keep, settings, grid)
        self._plan = (tuple(drags), None if keep is None else as_shape(keep), settings)
        if self.awake:
            self.refresh()

    def refresh(self) -> None:
        """Read and draw the same frame again."""
        with self._lock:
            self._caption = self._read()
            self._publish()
            if self.shown:
                self._draw()
            else:
                self._free()

    def _read(self) -> str:
        """Compose the picture of the current frame, and return the caption."""
        if self._reader.count == 0:
            return "The stream has no frames yet."
        try:
            features = self._feature_frame()
        except Exception as error:  # noqa: BLE001  # callbacks have no caller to raise to
            return f"{type(error).__name__}: {error}"
        self._painted, self._channels = np.asarray(compose(features)), features.block.shape[-1]
        spec = self.stream.model.spec
        layers = spec.layers if self.layer is None else (self.layer,)
        return describe(features, self.frame, layers)

    def catch_up(self) -> None:
        """Draw the current state of the stream, if awake: its newest frame, if the view follows.

        The view does so by itself, but with a delay when another thread changes the stream.
        """
        # The frame may be gone by now: a stream that is rewound notifies as well.
        with self._lock, suppress(ValueError):
            if self.awake and self.follow:
                self.show_newest()
            elif self.awake:
                self.refresh()

    def show_newest(self) -> None:
        """Go to the newest frame."""
        with self._lock:
            before = self.frame
            self._newest()
            if self.frame == before:  # another frame would have been drawn already
                self.refresh()

    def show_video_frame(self, frame: int) -> None:
        """Go to the latent frame that a video frame, counted from 0 in the stream, belongs to.

        Raises:
            TypeError: ``frame`` is not an integer.
            ValueError: There is no such frame.
        """
        block = session.block_at(self.stream.blocks, frame)
        count = len(block.latents)
        apart = self.stream.model.spec.clock.temporal_factor
        back = (block.video_frames.stop - 1 - frame) // apart
        self.frame = block.latent_frames[max(0, count - 1 - back)]

    def picture(self) -> Image.Image:
        """The panels as a still picture, since a reopened notebook shows no widgets.

        Raises:
            ValueError: The stream has no block yet.
        """
        with self._lock:
            if self.follow and not (self.awake and self.shown):
                self._newest()
            return compose(self._feature_frame())

    def close(self) -> None:
        """Stop following the stream and leave every page."""
        if "_canvas" in self.__dict__ and not self._closed:
            self.awake = False
            self._canvas.close()
        super().close()

    # -------------------------------------------------------------------------------------- looks

    @traitlets.validate("frame", "layer", "channel", "cutoff", "token")
    def _valid(self, proposal: Any) -> Any:
        """Refuse values that the stream's model does not have."""
        name, value, spec = proposal["trait"].name, proposal["value"], self.stream.model.spec
        if name == "cutoff":
            return check_fraction(value, name)
        if name == "layer" and value is not None:
            check_int(value, name, least=0)
            if value >= spec.num_layers:
                raise ValueError(f"layer must be 0 to {spec.num_layers - 1}, got {value}")
        if name == "frame" and value > max(0, self._reader.count - 1):
            raise ValueError(f"frame must be 0 to {max(0, self._reader.count - 1)}, got {value}")
        if name == "token":
            size = (spec.grid.token_height, spec.grid.token_width)
            if any(place >= limit for place, limit in zip(value, size, strict=True)):
                raise ValueError(f"token must be a row and column below {size}, got {value}")
        return value

    def _feature_frame(self) -> FeatureFrame:
        return self._reader.feature_frame(
            self.frame,
            self.layer,
            self.cutoff,
            self._plan,
            colouring=self.colouring,
            channel=self.channel,
            token=self.token,
            overlays=(self.show_target, self.show_keep, self.show_focus),
        )

    # ------------------------------------------------------------------------------------ the page

    def _publish(self) -> None:
        """Send values and ranges of the controls, and the caption."""
        spec, count = self.stream.model.spec, self._reader.count
        values = {name: getattr(self, name) for name in _SETTABLE}
        ranges = {
            "frames": max(0, count - 1),
            "layers": spec.num_layers,
            "channels": self._channels - 1,
            "colourings": [colouring.value for colouring in Colouring],
        }
        state = {**values, **ranges, "colouring": self.colouring.value, "caption": self._caption}
        self.set_trait("state", state)

    def _draw(self) -> None:
        """Send the picture, as each page can show it."""
        with self._lock:
            if self._painted is None:
                return
            if True in self._painters:
                self._draw_on_canvas(self._painted)
            if False in self._painters:
                buffer = io.BytesIO()
                Image.fromarray(self._painted).save(buffer, "PNG", compress_level=1)
                self.set_trait("image", buffer.getvalue())

    def _draw_on_canvas(self, painted: NDArray[np.uint8]) -> None:
        height, width = painted.shape[:2]
        if (self._canvas.width, self._canvas.height) != (width, height):
            self._canvas.width, self._canvas.height = width, height
        # ipycanvas sends the id of a canvas only when it draws on another one than before, which a
        # page opened meanwhile would not get. All in one message, since a page may be opened
        # between two.
        with _DRAWING:
            self._canvas._canvas_manager._current_canvas = None  # noqa: SLF001
            with ipycanvas.hold_canvas():
                self._canvas.clear()
                self._canvas.put_image_data(painted)

    def _on_painter(self, canvas: bool) -> None:  # noqa: FBT001 - a field of a message
        """Draw for a page that has been opened, with or without ipycanvas."""
        with self._lock:
            self._painters.add(canvas)
            self._draw()

    def _on_set(self, name: str, value: object) -> None:
        """Set an attribute from a control of the page."""
        try:
            setattr(self, name, Colouring(value) if name == "colouring" else value)
        except traitlets.TraitError as error:
            raise ValueError(str(error)) from None

    def _on_pick(self, x: float, y: float) -> None:
        """Compare all tokens with a clicked one."""
        blocks, grid = self.stream.blocks, self.stream.model.spec.grid
        if not blocks:
            return
        token = token_at(x, y, blocks[-1].frames[-1], grid.token_height, grid.token_width)
        if token is not None:
            self.token = token
            self.colouring = Colouring.SIMILARITY

    def _redraw(self, change: dict[str, Any]) -> None:
        """Draw after a change of a trait; a choice of an earlier frame ends following."""
        name, wanted = change["name"], change["new"]
        with self._lock:
            if name == "frame" and not self._sets_newest:
                if wanted < self._reader.count - 1:
                    self.follow = False
                if self.frame != wanted:  # a background refresh came between
                    self.frame = wanted
                    return
            self.refresh()

    def _update_following(self, change: dict[str, Any]) -> None:
        self._subscribe()
        if change["new"]:
            self.catch_up()
        self._publish()

    def _free(self) -> None:
        """Free the cache and the picture, which only a page needs."""
        self._reader.clear()
        self._painted = None
        self.set_trait("image", b"")

    def _follow(self) -> None:
        """Follow the stream while a page shows the view; without one, free what only it needs."""
        with self._lock:
            self._subscribe()
            if self.shown:
                self.catch_up()
            else:
                self._painters.clear()
                self._free()
        if self.shown:
            # A page that shows it again has reported its painter before.
            self.send({"type": "painter"})

    def _subscribe(self) -> None:
        """Subscribe to the stream if the view is shown and awake, else unsubscribe."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        listens = self.shown and self.awake
        changed = weak_callback(self._changed)
        self._unsubscribe = self.stream.subscribe(changed) if listens else None

    def _newest(self) -> None:
        count = self._reader.count
        self._sets_newest = True
        try:
            self.frame = max(0, count - 1)
        finally:
            self._sets_newest = False

    def _changed(self) -> None:
        """Draw a change of the stream; on a live stream's thread that would delay it."""
        if threading.current_thread() is threading.main_thread():
            self.catch_up()
        elif self.awake:
            self._background.request()

    def __repr__(self) -> str:
        return f"FeatureView(frame={self.frame}, layer={self.layer}, cutoff={self.cutoff:g})"

"""`FeatureView`: a widget that shows features, their low-pass, and the targets of drags."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ipycanvas
import ipywidgets
import numpy as np
import traitlets
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags.checks import check_fraction, check_int
from dragstream.drags.motions import Drag
from dragstream.drags.shapes import Region, as_shape
from dragstream.method.settings import DragSettings
from dragstream.stream.drag_targets import planned_targets
from dragstream.widgets import session
from dragstream.widgets.controls import choice, close_all, row, slider, switch
from dragstream.widgets.feature_picture import Colouring, FeatureFrame, compose, token_at
from dragstream.widgets.feature_reader import FeatureReader, PlannedDrags, describe
from dragstream.widgets.guard import Guard
from dragstream.widgets.still import with_picture
from dragstream.widgets.throttle import BackgroundThrottle
from dragstream.widgets.weak_callback import weak_callback

if TYPE_CHECKING:
    from dragstream.stream.stream import Stream

__all__ = ["Colouring", "FeatureView"]

_TAPPED = -1
"""Stands for None in the list of layers, where None would mean that nothing is chosen."""
_THERE_AND_BACK = {
    "layer": (
        lambda layer: _TAPPED if layer is None else layer,
        lambda chosen: None if chosen == _TAPPED else chosen,
    )
}
_MOST_HEIGHT = 70
"""Percent of the window's height that the four panels and the spectrum take at most."""
_SHARE = 0.2
"""Of the time, at most, for reading features while another thread changes the stream."""
_CHOICES = ("frame", "layer", "cutoff", "colouring", "channel", "token")
_OVERLAYS = ("show_target", "show_keep", "show_focus")


class FeatureView(ipywidgets.VBox):
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

    Args:
        stream: The stream whose frames are shown.
        follow: Go to the newest frame whenever there is one.
        awake: Follow the stream at all; False while the view is hidden.

    Raises:
        TypeError: Anything but a stream.
    """

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
        self._leading = False  # whether the view itself goes to the newest frame
        self._background = BackgroundThrottle(self.catch_up, _SHARE)
        self.follow, self.awake = follow, awake
        self._plan: PlannedDrags = ((), None, None)
        self._painted: NDArray[np.uint8] | None = None
        self._guard = Guard()
        self._unsubscribe: Callable[[], object] | None = None
        self._closed = False
        self._canvas = ipycanvas.Canvas(width=1, height=1, layout={"width": "100%"})
        self._caption = ipywidgets.Label()
        super().__init__(children=[*self._parts(), self._guard])
        self.add_class("dragstream-features")
        self._canvas.on_client_ready(weak_callback(self._draw))
        self._canvas.on_mouse_down(weak_callback(self._pick))
        self.observe(weak_callback(self._again), [*_CHOICES, *_OVERLAYS])
        self.observe(weak_callback(self._woken), ["follow", "awake"])
        self._guard.observe(weak_callback(self._shown_changed), ["shown"])
        if awake:
            self.show_newest()

    def _parts(self) -> list[ipywidgets.Widget]:
        """The controls, tied to the attributes, and the canvas."""
        spec = self.stream.model.spec
        layers = [("those of drags", _TAPPED), *((str(n), n) for n in range(spec.num_layers))]
        controls = {
            "frame": slider("latent frame", 0, 0, "Which latent frame of the stream"),
            "layer": choice("layer", layers, "Transformer layer whose features are shown"),
            "cutoff": slider("cutoff ω", 0.01, 1.0, "Of the low-pass, cycles per token", 0.01),
            "colouring": choice("colours", [(c.value, c) for c in Colouring], "What colours mean"),
            "channel": slider("channel", 0, 0, "Which number of a feature"),
            "follow": switch("follow", "Go to the newest frame, also while the stream plays"),
            "show_target": switch("target Y", "Where the drags of this frame should arrive"),
            "show_keep": switch("keep M", "What must not change"),
            "show_focus": switch("focus G", "Where the update acts: bright where it does"),
        }
        self._links = [
            traitlets.link((self, name), (control, "value"), _THERE_AND_BACK.get(name))
            for name, control in controls.items()
        ]
        self._controls = controls
        first = [controls[name] for name in ("frame", "layer", "cutoff", "colouring", "channel")]
        second = [controls[name] for name in ("follow", *_OVERLAYS)]
        return [row(*first), row(*second), self._canvas, self._caption]

    # ------------------------------------------------------------------------------- from Python

    @property
    def shown(self) -> bool:
        """True while a page shows the view, as far as Python knows."""
        return self._guard.shown

    def expect_page(self) -> None:
        """Count as shown from now on: a page is about to show the view."""
        self._guard.expect_page()

    @property
    def stream(self) -> Stream:
        """The stream; it can be replaced by another one of the same model."""
        return self._reader.stream

    @stream.setter
    def stream(self, stream: Stream) -> None:
        reader = FeatureReader(stream)
        with self._lock:
            self._reader = reader
            self._listen()
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
            count = self._reader.count
            self._set_range("frame", max(0, count - 1))
            if count == 0:
                self._caption.value = "The stream has no frames yet."
                return
            try:
                features = self._feature_frame()
            except Exception as error:  # noqa: BLE001  # callbacks have no caller to raise to
                self._caption.value = f"{type(error).__name__}: {error}"
                return
            self._painted = np.asarray(compose(features))
            self._draw()
            spec = self.stream.model.spec
            layers = spec.layers if self.layer is None else (self.layer,)
            self._caption.value = describe(features, self.frame, layers)
            if not self.shown:
                self._drop()

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
        if "_links" in self.__dict__ and not self._closed:
            self._closed = True
            self.awake = False
            self._listen()
            for link in self._links:
                link.unlink()
            close_all(self)
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
        features = self._reader.feature_frame(
            self.frame,
            self.layer,
            self.cutoff,
            self._plan,
            colouring=self.colouring,
            channel=self.channel,
            token=self.token,
            overlays=(self.show_target, self.show_keep, self.show_focus),
        )
        self._set_range("channel", features.block.shape[-1] - 1)
        return features

    # ------------------------------------------------------------------------------------ the page

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The display of a cell; called whenever a cell displays the view."""
        self.expect_page()
        return with_picture(super()._repr_mimebundle_(**kwargs), self.picture)

    def _draw(self) -> None:
        """Send the picture, also to a page that was loaded again."""
        with self._lock:
            if self._painted is None:
                return
            height, width = self._painted.shape[:2]
            if (self._canvas.width, self._canvas.height) != (width, height):
                self._canvas.width, self._canvas.height = width, height
                # never much higher than the window, at its own shape
                self._canvas.layout.max_width = f"min(720px, {_MOST_HEIGHT * width / height:.4g}vh)"
            # ipycanvas names the canvas to the page only when it draws on another one than before;
            # a page that came meanwhile would not know on which.
            self._canvas._canvas_manager._current_canvas = None  # noqa: SLF001
            self._canvas.clear()
            self._canvas.put_image_data(self._painted)

    def _pick(self, x: float, y: float) -> None:
        """Compare all tokens with a clicked one."""
        blocks, grid = self.stream.blocks, self.stream.model.spec.grid
        if not blocks:
            return
        token = token_at(x, y, blocks[-1].frames[-1], grid.token_height, grid.token_width)
        if token is not None:
            self.token = token
            self.colouring = Colouring.SIMILARITY

    def _again(self, change: dict[str, Any]) -> None:
        """Draw after a change of a trait; a choice of an earlier frame ends following."""
        name, wanted = change["name"], change["new"]
        with self._lock:
            if name == "frame" and not self._leading:
                if wanted < self._reader.count - 1:
                    self.follow = False
                if self.frame != wanted:  # a background refresh came between
                    self.frame = wanted
                    return
            self.refresh()

    def _woken(self, change: dict[str, Any]) -> None:
        self._listen()
        if change["new"]:
            self.catch_up()

    def _shown_changed(self, _: object) -> None:
        """Follow the stream while a page shows the view; without one, free what only it needs."""
        with self._lock:
            self._listen()
            if self.shown:
                self.catch_up()
            else:
                self._drop()

    def _drop(self) -> None:
        """Free the cache and the picture, which only a page needs."""
        self._reader.clear()
        self._painted = None

    def _listen(self) -> None:
        """Subscribe to the stream if the view is shown and awake, else unsubscribe."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        listens = self.shown and self.awake
        changed = weak_callback(self._changed)
        self._unsubscribe = self.stream.subscribe(changed) if listens else None

    def _set_range(self, name: str, highest: int) -> None:
        control = self._controls[name]
        if control.max != highest:
            control.max = highest  # a value beyond it follows

    def _newest(self) -> None:
        count = self._reader.count
        self._leading = True
        try:
            self._set_range("frame", max(0, count - 1))
            self.frame = max(0, count - 1)
        finally:
            self._leading = False

    def _changed(self) -> None:
        """Draw a change of the stream; on a live stream's thread that would delay it."""
        if threading.current_thread() is threading.main_thread():
            self.catch_up()
        elif self.awake:
            self._background.request()

    def __repr__(self) -> str:
        return f"FeatureView(frame={self.frame}, layer={self.layer}, cutoff={self.cutoff:g})"

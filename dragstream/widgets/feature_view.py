"""`FeatureView`: what the model sees in a frame, what a low-pass takes away, what drags aim at."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ipycanvas
import ipywidgets
import numpy as np
import traitlets
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags.checks import fraction, whole
from dragstream.drags.motions import Drag
from dragstream.drags.shapes import Region, as_shape
from dragstream.method.settings import DragSettings
from dragstream.stream.aims import Aims, aims_of, planned
from dragstream.widgets import take
from dragstream.widgets.controls import choice, close_all, row, slider, switch
from dragstream.widgets.feature_picture import Colouring, Look, compose, token_at
from dragstream.widgets.guard import Guard
from dragstream.widgets.pace import Aside
from dragstream.widgets.weak import weakly

if TYPE_CHECKING:
    from dragstream.stream.records import Block
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
_KEPT = 4
"""How many blocks' features are remembered: as they are and low-passed, before and after."""
_SHARE = 0.2
"""Of the time, at most, for looking at a stream that another thread is changing."""

Maps = NDArray[np.float32]
Plan = tuple[tuple[Drag, ...], Region | None, DragSettings | None]


class FeatureView(ipywidgets.VBox):
    """The features of a stream's frames, as in the paper's Figures 13 and 14.

    ```python
    view = FeatureView(stream)
    view  # move the sliders; click a token to see what is similar to it
    view.cutoff = 0.2  # or from Python: everything is an attribute
    view.picture()  # the same as a still picture
    ```

    Four panels: the frame with what drags aim at (the target Y, the region M to keep, the focus G
    of the update), the features of the frame, the same low-passed as a drag's references are
    (Eq. 7), and how much of each the low-pass took; below them the radial spectrum.

    While a page shows the view it follows its stream. One that plays is followed, too: its blocks
    are looked at one after the other beside the thread that makes them, which never waits, and the
    newest wins. As looking takes time from that thread, it takes a fifth of the time at most. An
    earlier frame ends the following until `follow` is switched on again.

    Args:
        stream: Whose frames.
        follow: Go to the newest frame whenever there is one.
        awake: Look at the stream at all; False while nobody can see the view.

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
    awake = traitlets.Bool(default_value=True, help="Look at what the stream does.")
    show_target = traitlets.Bool(default_value=True, help="Draw the target Y over the frame.")
    show_keep = traitlets.Bool(default_value=True, help="Draw the region M to keep.")
    show_focus = traitlets.Bool(default_value=True, help="Darken what the focus G leaves alone.")

    def __init__(self, stream: Stream, *, follow: bool = True, awake: bool = True) -> None:
        if not hasattr(stream, "features"):
            raise TypeError(f"FeatureView takes a stream, got {type(stream).__name__}")
        self._stream = stream
        self._lock = threading.RLock()  # one look at a time: the cell's, the page's or one aside
        self._leading = False  # is the view itself going to the newest frame
        self._aside = Aside(self.catch_up, _SHARE)
        self.follow, self.awake = follow, awake
        self._plan: Plan = ((), None, None)
        self._known: OrderedDict[tuple[Block, int | None, float | None], Maps] = OrderedDict()
        self._painted: NDArray[np.uint8] | None = None
        self._guard = Guard()
        self._unsubscribe: Callable[[], object] | None = None
        self._closed = False
        self._canvas = ipycanvas.Canvas(width=1, height=1, layout={"width": "100%"})
        self._caption = ipywidgets.Label()
        super().__init__(children=[*self._parts(), self._guard])
        self.add_class("dragstream-features")
        self._canvas.on_client_ready(weakly(self._draw))
        self._canvas.on_mouse_down(weakly(self._pick))
        self.observe(weakly(self._again), _TRAITS)
        self.observe(weakly(self._woken), ["follow", "awake"])
        self._guard.observe(weakly(self._shown_changed), ["shown"])
        if awake:
            self.show_newest()

    def _parts(self) -> list[ipywidgets.Widget]:
        """The controls, tied to the attributes, and the canvas."""
        spec = self._stream.model.spec
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
        switches = ("follow", "show_target", "show_keep", "show_focus")
        second = [controls[name] for name in switches]
        return [row(*first), row(*second), self._canvas, self._caption]

    # ------------------------------------------------------------------------------- from Python

    @property
    def shown(self) -> bool:
        """Whether a page shows the view, as far as Python knows."""
        return self._guard.shown

    def expect_page(self) -> None:
        """Count as shown from now on: a page is about to show the view."""
        self._guard.expect_page()

    @property
    def stream(self) -> Stream:
        """Whose frames are shown; set it to look at another stream of the same model."""
        return self._stream

    @stream.setter
    def stream(self, stream: Stream) -> None:
        if not hasattr(stream, "features"):
            raise TypeError(f"FeatureView takes a stream, got {type(stream).__name__}")
        with self._lock:
            self._stream = stream
            self._known.clear()
            self._listen()
            if self.awake:
                self.show_newest()

    def plan(
        self,
        drags: Sequence[Drag],
        keep: Region | None = None,
        settings: DragSettings | None = None,
    ) -> None:
        """Show over the newest frame what these drags would aim at; none shows what is past.

        Raises:
            TypeError, ValueError: Drags that do not fit the frame.
        """
        grid = self._stream.model.spec.grid
        planned(drags, keep, settings, grid)
        self._plan = (tuple(drags), None if keep is None else as_shape(keep), settings)
        if self.awake:
            self.refresh()

    def refresh(self) -> None:
        """Look again at the same frame."""
        with self._lock:
            count = self._count()
            self._set_range("frame", max(0, count - 1))
            if count == 0:
                self._caption.value = "The stream has no frames yet."
                return
            try:
                look = self._look()
            except Exception as error:  # noqa: BLE001  # a callback has nobody else to tell
                self._caption.value = f"{type(error).__name__}: {error}"
                return
            self._painted = np.asarray(compose(look))
            self._draw()
            self._caption.value = self._text(look)
            if not self.shown:
                self._drop()

    def catch_up(self) -> None:
        """Look at what the stream has become, if awake: at its newest frame, if it follows.

        The view does so by itself, but at its leisure when another thread changes the stream.
        """
        # The frame may be gone before it is reached: a stream that goes back tells of that, too.
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
            if self.frame == before:  # another frame would have been looked at already
                self.refresh()

    def show_video_frame(self, frame: int) -> None:
        """Go to the latent frame that a video frame, counted from 0 in the stream, belongs to.

        Raises:
            TypeError: ``frame`` is not an integer.
            ValueError: There is no such frame.
        """
        block = take.block_at(self._stream.blocks, frame)
        count = len(block.latents)
        apart = self._stream.model.spec.clock.temporal_factor
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
            return compose(self._look())

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
        """Refuse what the stream's model does not have."""
        name, value, spec = proposal["trait"].name, proposal["value"], self._stream.model.spec
        if name == "cutoff":
            return fraction(value, name)
        if name == "layer" and value is not None:
            whole(value, name, least=0)
            if value >= spec.num_layers:
                raise ValueError(f"layer must be 0 to {spec.num_layers - 1}, got {value}")
        if name == "frame" and value > max(0, self._count() - 1):
            raise ValueError(f"frame must be 0 to {max(0, self._count() - 1)}, got {value}")
        if name == "token":
            size = (spec.grid.token_height, spec.grid.token_width)
            if any(place >= limit for place, limit in zip(value, size, strict=True)):
                raise ValueError(f"token must be a row and column below {size}, got {value}")
        return value

    def _count(self) -> int:
        """Latent frames in the stream."""
        return sum(len(block.latents) for block in self._stream.blocks[-1:]) * len(
            self._stream.blocks
        )

    def _look(self) -> Look:
        blocks = self._stream.blocks
        if not blocks:
            raise ValueError("the stream has no frames yet")
        index, place = divmod(self.frame, len(blocks[-1].latents))
        index = min(index, len(blocks) - 1)
        block = blocks[index]
        maps = self._maps(block, None)
        self._set_range("channel", maps.shape[-1] - 1)
        back = (len(block.latents) - 1 - place) * self._stream.model.spec.clock.temporal_factor
        return Look(
            frame=block.frames[max(0, len(block.frames) - 1 - back)],
            block=maps,
            place=place,
            filtered=self._maps(block, self.cutoff)[place],
            cutoff=self.cutoff,
            colouring=self.colouring,
            channel=min(self.channel, maps.shape[-1] - 1),
            token=self.token,
            aims=self._aims(block, place, newest=self.frame == self._count() - 1),
            overlays=(self.show_target, self.show_keep, self.show_focus),
        )

    def _aims(self, block: Block, place: int, *, newest: bool) -> Aims | None:
        """What the planned drags aim at, or those that made the block."""
        grid = self._stream.model.spec.grid
        drags, keep, settings = self._plan
        if drags and newest:
            return planned(drags, keep, settings, grid)
        return aims_of(block, place, grid)

    def _maps(self, block: Block, cutoff: float | None) -> Maps:
        """Features of a block, the layers' channels side by side; the last few are remembered."""
        key = (block, self.layer, cutoff)
        if key not in self._known:
            taps = self._stream.features(block.index, self.layer, cutoff)
            maps = np.concatenate([tap.numpy() for tap in taps.values()], axis=-1)
            if block not in self._stream.blocks[block.index : block.index + 1]:
                return maps  # perhaps of the block in its place: a worker goes back, too
            self._known[key] = maps
        self._known.move_to_end(key)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return self._known[key]

    def _text(self, look: Look) -> str:
        spec = self._stream.model.spec
        layer = ", ".join(map(str, spec.layers)) if self.layer is None else str(self.layer)
        block = self.frame // len(look.block)
        lost = f"the low-pass takes {100 * float(look.difference.mean()):.0f} % of a feature"
        text = f"Latent frame {self.frame} (block {block}), layer {layer}: {lost} on average"
        if look.colouring is Colouring.SIMILARITY:
            text += f"; similar to the token in row {look.token[0]}, column {look.token[1]}"
        return f"{text}."

    # ------------------------------------------------------------------------------------ the page

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """What a cell displays; called whenever one does."""
        self.expect_page()
        return super()._repr_mimebundle_(**kwargs)

    def _draw(self) -> None:
        """Send the picture; a page that has just been (re)loaded asks for it."""
        with self._lock:
            if self._painted is None:
                return
            height, width = self._painted.shape[:2]
            if (self._canvas.width, self._canvas.height) != (width, height):
                self._canvas.width, self._canvas.height = width, height
                # never much higher than the window, at its own shape
                self._canvas.layout.max_width = f"min(720px, {_MOST_HEIGHT * width / height:.4g}vh)"
            self._canvas.clear()
            self._canvas.put_image_data(self._painted)

    def _pick(self, x: float, y: float) -> None:
        """A click chooses the token that others are compared with."""
        blocks, grid = self._stream.blocks, self._stream.model.spec.grid
        if not blocks:
            return
        token = token_at(x, y, blocks[-1].frames[-1], grid.token_height, grid.token_width)
        if token is not None:
            self.token = token
            self.colouring = Colouring.SIMILARITY

    def _again(self, change: dict[str, Any]) -> None:
        """Something else is to be looked at; whoever asks for an earlier frame wants to stay."""
        name, wanted = change["name"], change["new"]
        with self._lock:
            if name == "frame" and not self._leading:
                if wanted < self._count() - 1:
                    self.follow = False
                if self.frame != wanted:  # a look aside, which went to the newest, came between
                    self.frame = wanted
                    return
            self.refresh()

    def _woken(self, change: dict[str, Any]) -> None:
        self._listen()
        if change["new"]:
            self.catch_up()

    def _shown_changed(self, _: object) -> None:
        """A page has begun to show the view, or none does any more: then nothing is kept for it."""
        with self._lock:
            self._listen()
            if self.shown:
                self.catch_up()
            else:
                self._drop()

    def _drop(self) -> None:
        """Forget what only a page has use for."""
        self._known.clear()
        self._painted = None

    def _listen(self) -> None:
        """Hear of the stream if somebody looks, else of nothing."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        listens = self.shown and self.awake
        heard = weakly(self._changed)
        self._unsubscribe = self._stream.subscribe(heard) if listens else None

    def _set_range(self, name: str, highest: int) -> None:
        control = self._controls[name]
        if control.max != highest:
            control.max = highest  # a value beyond it follows

    def _newest(self) -> None:
        count = self._count()
        self._leading = True
        try:
            self._set_range("frame", max(0, count - 1))
            self.frame = max(0, count - 1)
        finally:
            self._leading = False

    def _changed(self) -> None:
        """The stream has changed; computing on a live stream's thread would hold it up."""
        if threading.current_thread() is threading.main_thread():
            self.catch_up()
        elif self.awake:
            self._aside.ask()

    def __repr__(self) -> str:
        return f"FeatureView(frame={self.frame}, layer={self.layer}, cutoff={self.cutoff:g})"


_TRAITS = (
    "frame",
    "layer",
    "cutoff",
    "colouring",
    "channel",
    "token",
    "show_target",
    "show_keep",
    "show_focus",
)

"""`Studio`: a stream with everything in view, to play, drag, rewind and branch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import short
from dragstream.drags.files import expanded, replacing
from dragstream.drags.motions import Drag
from dragstream.drags.shapes import Region
from dragstream.method.settings import DragSettings
from dragstream.stream.events import (
    BlockMade,
    Event,
    Iterated,
    Progress,
    Status,
    StatusChanged,
)
from dragstream.stream.live import LiveStream
from dragstream.stream.stream import Stream
from dragstream.widgets import take
from dragstream.widgets.controls import close_all
from dragstream.widgets.drag_canvas import DragCanvas
from dragstream.widgets.drift_plot import DriftPlot
from dragstream.widgets.feature_view import FeatureView
from dragstream.widgets.figures import figures
from dragstream.widgets.guard import Guard
from dragstream.widgets.pace import Pace, on_a_timer
from dragstream.widgets.page import parts
from dragstream.widgets.settings_panel import SettingsPanel
from dragstream.widgets.studio_bar import EXPORTS, StudioBar
from dragstream.widgets.timeline import Timeline
from dragstream.widgets.weak import weakly

__all__ = ["Studio"]

_INTERVAL = 0.1
"""Least seconds between two news of the status to the page."""


class Studio(ipywidgets.Box):
    """Everything for one stream: canvas, timeline, drift, features, settings and buttons.

    ```python
    studio = Studio(stream)
    studio  # play, pause, paint, pull, animate or edit; rewind, branch, compare, export

    studio.stream.frames  # in the next cell: a plain stream, and plain drags
    studio.drags
    ```

    A live stream plays it, so that cells return at once; studios of one stream share it. While it
    is at work, other cells may read the stream but not change it. Whatever the mouse can do here,
    Python can: see the methods, and the parts `canvas`, `timeline`, `drift` and `features`.

    Args:
        source: A `Stream`, or a `LiveStream` that plays it.
        drags: What the canvas starts with.
        keep: The region that must not change, a shape or a boolean mask (H, W).
        settings: How drags are carried out; None means as it suits the model.

    Raises:
        TypeError: A source, drags or settings of another kind.
        ValueError: Drags that do not fit the frame, settings that the model cannot follow.
    """

    def __init__(
        self,
        source: Stream | LiveStream,
        *,
        drags: Sequence[Drag] = (),
        keep: Region | None = None,
        settings: DragSettings | None = None,
    ) -> None:
        stream, live = parts(source, "Studio")
        live = live or LiveStream.of(stream)
        self._panel = SettingsPanel(stream.model.spec, settings)
        self._canvas = DragCanvas(live, drags=drags, keep=keep)
        self._timeline = Timeline(live, viewer=False)
        self._drift = DriftPlot(live)
        self._features = FeatureView(stream, awake=False)
        self._bar = StudioBar(self)
        self._doing: dict[str, Any] | None = None
        self._made: BlockMade | None = None
        self._pace = Pace(self.refresh, _INTERVAL)
        self._leave: tuple[Callable[[], object], ...] = ()
        self._folds = {
            "Drift": _fold(self._drift, "Drift", is_open=True),
            "Settings": _fold(self._panel, "Settings", is_open=False),
            "Features": _fold(self._features, "Features", is_open=False),
        }
        super().__init__(children=[self._grid(), Guard()])
        self.add_class("dragstream-studio")
        self._follow()
        self._watch()
        self.refresh()

    def _grid(self) -> ipywidgets.Box:
        """The parts in their places; where these are is up to the style sheet."""
        places = {
            "bar": [self._bar],
            "stage": [self._canvas, self._timeline],
            "side": list(self._folds.values()),
        }
        boxes = []
        for name, children in places.items():
            box = ipywidgets.Box(children=children)
            box.add_class(f"dragstream-{name}")
            boxes.append(box)
        grid = ipywidgets.Box(children=boxes)
        grid.add_class("dragstream-grid")
        return grid

    # ----------------------------------------------------------------------------------- parts

    @property
    def stream(self) -> Stream:
        """The stream of the current branch: read it as ever; change it while it is paused."""
        return self._timeline.stream

    @property
    def live(self) -> LiveStream:
        """What plays the current branch."""
        live: Any = self._timeline.live  # there is one, since there was one in the beginning
        found: LiveStream = live
        return found

    @property
    def canvas(self) -> DragCanvas:
        """Where one paints and pulls."""
        return self._canvas

    @property
    def timeline(self) -> Timeline:
        """The blocks and branches of the take."""
        return self._timeline

    @property
    def drift(self) -> DriftPlot:
        """The statistics of the latents."""
        return self._drift

    @property
    def features(self) -> FeatureView:
        """What the model sees."""
        return self._features

    @property
    def drags(self) -> list[Drag]:
        """The drags on the canvas; setting them replaces all."""
        return self._canvas.drags

    @drags.setter
    def drags(self, drags: Sequence[Drag]) -> None:
        self._canvas.drags = drags

    @property
    def keep(self) -> NDArray[np.bool_] | None:
        """The region that must not change: bool (H, W), or None."""
        return self._canvas.keep

    @keep.setter
    def keep(self, keep: Region | None) -> None:
        self._canvas.keep = keep

    @property
    def settings(self) -> DragSettings:
        """How drags are carried out, as the settings panel shows it."""
        return self._panel.settings

    @settings.setter
    def settings(self, settings: DragSettings) -> None:
        self._panel.settings = settings

    # ----------------------------------------------------------------------------------- deeds

    def play(self) -> None:
        """Generate without end; returns at once.

        Raises:
            RuntimeError: A cell is changing the stream.
        """
        self._ready().start()

    def pause(self) -> None:
        """Stop after what is shown; drags that were asked for are carried out first."""
        self._ready().pause(wait=False)

    def step(self) -> None:
        """Generate one block; returns at once.

        Raises:
            RuntimeError: A cell is changing the stream.
        """
        self._ready().step()

    def stop(self) -> None:
        """Drop what is being made, and all that was asked for."""
        self._ready().stop()

    def animate(self, blocks: int = 1) -> None:
        """Generate blocks that follow the canvas' drags; returns at once.

        Raises:
            TypeError, ValueError: No drags, or drags and settings that the model cannot follow.
            RuntimeError: A cell is changing the stream.
        """
        drags = self._dragged()
        self._ready().animate(drags, blocks, self.keep, self.settings)

    def edit(self) -> None:
        """Change the newest frame as the canvas' drags ask for; returns at once.

        Raises:
            TypeError, ValueError: No drags, or drags and settings that the model cannot follow.
            RuntimeError: A cell is changing the stream.
        """
        drags = self._dragged()
        self._ready().edit(drags, self.keep, self.settings)

    def say(self, prompt: str) -> None:
        """Change the prompt, from the next block on; returns at once.

        Raises:
            TypeError: Anything but a string.
            ValueError: A prompt that the model refuses.
            RuntimeError: A cell is changing the stream.
        """
        self.stream.check_prompt(prompt)
        self._ready().prompt = prompt

    def export(self, kind: str, name: str) -> Path:
        """Write the take to a file, and return its path.

        Args:
            kind: "mp4", "gif", "dragstream" (an archive) or "py" (code that makes it again).
            name: Of the file, without its ending; a folder before it must exist.

        Raises:
            ValueError: Another kind, no name, no such folder, or a stream without blocks.
        """
        if kind not in EXPORTS:
            raise ValueError(f"kind must be one of {', '.join(EXPORTS)}, got {short(kind)}")
        if not Path(name).name:
            raise ValueError(f"name must be the name of a file, got {short(name)}")
        path = expanded(f"{name}.{kind}", "name")
        if not path.parent.is_dir():
            raise ValueError(f"there is no folder {str(path.parent)!r}")
        stream = self.stream
        match kind:
            case "mp4":
                return stream.to_mp4(path)
            case "gif":
                return stream.to_gif(path)
            case "dragstream":
                return stream.save(path)
        with replacing(path) as part:
            part.write_text(stream.to_code(), encoding="utf-8")
        return path

    def expect_page(self) -> None:
        """Count as shown from now on: a page is about to show the studio."""
        for part in (self._bar, self._canvas, self._timeline, self._drift, self._features):
            part.expect_page()

    def refresh(self) -> None:
        """Show how things stand. The studio does so by itself when something happens."""
        stream, live = self.stream, self.live
        state = {
            "status": live.status.value,
            "blocks": len(stream),
            "frames": take.length(stream.blocks),
            "prompt": stream.prompt,
            "branch": self._timeline.branch,
            "drags": sum(not look["muted"] for look in self._canvas.looks),
            "doing": self._doing,
        }
        made = self._made
        blocks = stream.blocks if made is None else (*stream.blocks, made.block)
        self._bar.tell(state, figures(blocks))

    def close(self) -> None:
        """Leave every page. The live stream goes on with what it does."""
        close_all(self)
        super().close()

    def __repr__(self) -> str:
        return f"Studio({self.stream!r}, {self.live.status.value})"

    # --------------------------------------------------------------------------------- private

    def _ready(self) -> LiveStream:
        """The live stream, an earlier error of which has been shown."""
        if self.live.status in {Status.PAUSED, Status.STOPPED}:
            try:
                self.live.wait(0)
            except RuntimeError as error:
                self._bar.fail(error.__cause__ or error)
        return self.live

    def _dragged(self) -> list[Drag]:
        """The drags on the canvas, in pixels of the newest frame."""
        drags = self.drags
        if not drags:
            raise ValueError("there is nothing to apply yet: paint a region and pull it")
        self._timeline.show(None)
        return drags

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """What a cell displays; called whenever one does."""
        self.expect_page()
        return super()._repr_mimebundle_(**kwargs)

    def _watch(self) -> None:
        """Hear of what the parts do."""
        self._bar.observe(weakly(self._shown_changed), ["shown"])
        self._timeline.observe(weakly(self._switched), "stream")
        self._timeline.observe(weakly(self._named), "branch")
        self._timeline.observe(weakly(self._scrubbed), "frame")
        self._canvas.observe(weakly(self._drawn), ["state"])
        self._panel.observe(weakly(self._drawn), ["settings"])
        self._folds["Features"].observe(weakly(self._unfolded), ["selected_index"])

    def _follow(self) -> None:
        """Hear of the current branch if a page shows the studio, else of nothing."""
        for leave in self._leave:
            leave()
        self._leave = ()
        if self._bar.shown:
            happened = self.live.subscribe(weakly(self._happened))
            self._leave = (happened, self.stream.subscribe(self._pace.ask))

    def _shown_changed(self, _: object) -> None:
        """A page has begun to show the studio, or none does any more."""
        self._made = self._doing = None
        self._follow()
        if self._bar.shown:
            self.refresh()

    def _switched(self, _: object) -> None:
        """Another branch is current: all parts show that one."""
        self._doing = self._made = None
        self._follow()
        self._canvas.source = self.live
        self._drift.source = self.live
        self._features.stream = self.stream
        self._bar.fail(None)
        self.refresh()

    def _named(self, _: object) -> None:
        """The current branch is called something else."""
        self._pace.ask()

    def _scrubbed(self, change: dict[str, Any]) -> None:
        """Another frame of the take is looked at."""
        frame = change["new"]
        self._features.follow = frame is None
        if frame is None:
            self._canvas.refresh()
            return
        block = take.block_at(self.stream.blocks, frame)
        self._canvas.show(block.frames[frame - block.first_frame])
        if self._features.awake:
            self._features.show_video_frame(frame)

    def _drawn(self, _: object) -> None:
        """The drags or the settings changed: the plan that features show, too."""
        self._pace.ask()
        if self._features.awake:
            self._features.plan(self.drags, self.keep, self.settings)

    def _unfolded(self, change: dict[str, Any]) -> None:
        """Features that nobody sees cost nothing; those of the frame that is shown are wanted."""
        opened = change["new"] is not None
        if opened:
            self._features.plan(self.drags, self.keep, self.settings)
        self._features.awake = opened
        if opened and (frame := self._timeline.frame) is not None:
            self._features.show_video_frame(frame)

    def _happened(self, event: Event) -> None:
        """What the live stream does, on its thread."""
        match event:
            case Progress(block, step, steps):
                self._doing = {"text": f"block {block}", "share": (step + 1) / steps}
            case Iterated(block, iteration):
                text = f"block {block}, drag iteration {iteration.index + 1}"
                self._doing = {"text": text, "share": None}
            case BlockMade():
                self._made, self._doing = event, None
            case StatusChanged(status, error):
                self._made = self._doing = None
                if error is not None:
                    self._bar.fail(error)
                if status is Status.PAUSED:  # there is time now
                    on_a_timer(0.0, weakly(self._features.catch_up))
            case _:
                self._made = None
        self._pace.ask()


def _fold(child: ipywidgets.Widget, title: str, *, is_open: bool) -> ipywidgets.Accordion:
    """A part with a title that folds it away."""
    fold = ipywidgets.Accordion(
        children=[child], titles=[title], selected_index=0 if is_open else None
    )
    fold.add_class("dragstream-fold")
    return fold

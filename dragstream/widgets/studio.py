"""`Studio`: all widgets for one stream, to play, drag, rewind and branch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import ipywidgets
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags.motions import Drag
from dragstream.drags.shapes import Region
from dragstream.method.settings import DragSettings
from dragstream.stream.events import Event, Status, StatusChanged
from dragstream.stream.live import LiveStream
from dragstream.stream.stream import Stream
from dragstream.widgets import session
from dragstream.widgets.drag_canvas import DragCanvas
from dragstream.widgets.drift_plot import DriftPlot
from dragstream.widgets.export import export, export_page
from dragstream.widgets.feature_view import FeatureView
from dragstream.widgets.figures import Activity, figures
from dragstream.widgets.guard import Guard
from dragstream.widgets.page import split_source
from dragstream.widgets.settings_panel import SettingsPanel
from dragstream.widgets.still import stacked, with_picture
from dragstream.widgets.studio_bar import StudioBar
from dragstream.widgets.studio_layout import close_all, fold, grid, marimo_layout
from dragstream.widgets.throttle import Throttle, on_a_timer, weak_callback
from dragstream.widgets.timeline import Timeline

__all__ = ["Studio"]

_INTERVAL = 0.1
"""Least seconds between two updates of the status on the page."""


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
        drags: The drags to start with.
        keep: The region that must not change, a shape or a boolean mask (H, W).
        settings: Settings of the drags; None means the model's recommendation.

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
        stream, live = split_source(source, "Studio")
        live = live or LiveStream.of(stream)
        self._panel = SettingsPanel(stream.model.spec, settings)
        self.canvas = DragCanvas(live, drags=drags, keep=keep)
        """The canvas, to paint and to pull."""
        self.canvas.settings = self._panel.settings
        self.timeline = Timeline(live, viewer=False)
        """The blocks and branches of the session."""
        self.drift = DriftPlot(live)
        """The statistics of the latents."""
        self.features = FeatureView(stream, awake=False)
        """The features of the model."""
        self._bar = StudioBar(self)
        self._activity = Activity()
        self._throttle = Throttle(self.refresh, _INTERVAL)
        self._subscriptions = ExitStack()
        self._folds = {
            "Drift": fold(self.drift, "Drift", is_open=True),
            "Settings": fold(self._panel, "Settings", is_open=False),
            "Features": fold(self.features, "Features", is_open=False),
        }
        shown = grid(bar=[self._bar], stage=[self.canvas, self.timeline], side=self._folds.values())
        super().__init__(children=[shown, Guard()])
        self.add_class("dragstream-studio")
        self._follow()
        self._watch()
        self.refresh()

    # ----------------------------------------------------------------------------------- parts

    @property
    def stream(self) -> Stream:
        """The stream of the current branch: read it as ever; change it while it is paused."""
        return self.timeline.stream

    @property
    def live(self) -> LiveStream:
        """The live stream that plays the current branch."""
        # the timeline was made of a live stream, so that each branch has one
        return cast("LiveStream", self.timeline.live)

    @property
    def drags(self) -> list[Drag]:
        """The drags on the canvas; setting them replaces all."""
        return self.canvas.drags

    @drags.setter
    def drags(self, drags: Sequence[Drag]) -> None:
        self.canvas.drags = drags

    @property
    def keep(self) -> NDArray[np.bool_] | None:
        """The region that must not change: bool (H, W), or None."""
        return self.canvas.keep

    @keep.setter
    def keep(self, keep: Region | None) -> None:
        self.canvas.keep = keep

    @property
    def settings(self) -> DragSettings:
        """Settings of the drags, as the settings panel shows them."""
        return self._panel.settings

    @settings.setter
    def settings(self, settings: DragSettings) -> None:
        self._panel.settings = settings

    # ----------------------------------------------------------------------------------- actions

    def play(self) -> None:
        """Generate without end; returns at once.

        Raises:
            RuntimeError: A cell is changing the stream.
        """
        self._live_stream().start()

    def pause(self) -> None:
        """Stop after the block that is shown; queued drags are carried out first."""
        self._live_stream().pause(wait=False)

    def step(self) -> None:
        """Generate one block; returns at once.

        Raises:
            RuntimeError: A cell is changing the stream.
        """
        self._live_stream().step()

    def stop(self) -> None:
        """Drop the block under way, and all queued calls."""
        self._live_stream().stop()

    def animate(self, blocks: int = 1) -> None:
        """Generate blocks that follow the canvas' drags; returns at once.

        Raises:
            TypeError, ValueError: No drags, or drags and settings that the model cannot follow.
            RuntimeError: A cell is changing the stream.
        """
        drags = self._drags_to_apply()
        self._live_stream().animate(drags, blocks, self.keep, self.settings)

    def edit(self) -> None:
        """Apply the canvas' drags to the newest frame; returns at once.

        Raises:
            TypeError, ValueError: No drags, or drags and settings that the model cannot follow.
            RuntimeError: A cell is changing the stream.
        """
        drags = self._drags_to_apply()
        self._live_stream().edit(drags, self.keep, self.settings)

    def say(self, prompt: str) -> None:
        """Change the prompt, from the next block on; returns at once.

        Raises:
            TypeError: Anything but a string.
            ValueError: A prompt that the model refuses.
            RuntimeError: A cell is changing the stream.
        """
        self.stream.check_prompt(prompt)
        self._live_stream().prompt = prompt

    def export(self, kind: str, name: str) -> Path:
        """Write the current branch to a file, and return its path; a web page shows all branches.

        Args:
            kind: "mp4", "gif", "html" (a self-contained web page), "dragstream" (an archive) or
                "py" (code that makes it again).
            name: Of the file, without its ending; a folder before it must exist.

        Raises:
            ValueError: Another kind, no name, no such folder, or a stream without blocks.
        """
        return export(self._branches(), kind, name)

    def to_html(self, path: str | os.PathLike[str], megabytes: float = 3.0) -> Path:
        """Write all branches side by side as a self-contained web page; see `Stream.to_html`."""
        return export_page(self._branches(), path, megabytes=megabytes)

    def expect_page(self) -> None:
        """Count as shown from now on: a page is about to show the studio."""
        for part in (self._bar, self.canvas, self.timeline, self.drift, self.features):
            part.expect_page()

    def refresh(self) -> None:
        """Show the current status. The studio does so by itself after each change."""
        stream, live = self.stream, self.live
        state = {
            "status": live.status.value,
            "blocks": len(stream),
            "frames": session.frame_count(stream.blocks),
            "prompt": stream.prompt,
            "branch": self.timeline.branch,
            "drags": sum(not look["muted"] for look in self.canvas.looks),
            "doing": self._activity.doing,
        }
        made = self._activity.made
        blocks = stream.blocks if made is None else (*stream.blocks, made)
        latency = self.canvas.latency if self.canvas.holds else None
        self._bar.update(state, figures(blocks, latency))

    def close(self) -> None:
        """Leave every page. The live stream goes on."""
        close_all(self)
        super().close()

    def __repr__(self) -> str:
        return f"Studio({self.stream!r}, {self.live.status.value})"

    # --------------------------------------------------------------------------------- private

    def _live_stream(self) -> LiveStream:
        """The live stream; its last error, if any, is shown first."""
        if self.live.status in {Status.PAUSED, Status.STOPPED}:
            try:
                self.live.wait(0)
            except RuntimeError as error:
                self._bar.fail(error.__cause__ or error)
        return self.live

    def picture(self) -> Image.Image:
        """Canvas, timeline and drift as a still picture.

        Raises:
            ValueError: A stream without blocks.
        """
        return stacked([part.picture() for part in (self.canvas, self.timeline, self.drift)])

    def _branches(self) -> dict[str, Stream]:
        """The streams of all branches by name, the current one first."""
        names = [self.timeline.branch, *(branch.name for branch in self.timeline.branches)]
        return {name: self.timeline.stream_of(name) for name in names}

    def _drags_to_apply(self) -> list[Drag]:
        """The drags on the canvas, in pixels of the newest frame."""
        drags = self.drags
        if not drags:
            raise ValueError("there is nothing to apply yet: paint a region and pull it")
        self.timeline.show(None)
        return drags

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The display of a cell; called whenever a cell displays the studio."""
        self.expect_page()
        return with_picture(super()._repr_mimebundle_(**kwargs), self.picture)

    def _display_(self) -> Any:
        """The display of a marimo cell."""
        self.features.awake = True  # a folded part is in no page there, and reads nothing
        folded = {"Settings": self._panel, "Features": self.features}
        return marimo_layout(self._bar, [self.canvas, self.timeline], [self.drift], folded)

    def _watch(self) -> None:
        """Observe the parts."""
        self._bar.observe(weak_callback(self._shown_changed), ["shown"])
        self.timeline.observe(weak_callback(self._on_stream), "stream")
        self.timeline.observe(weak_callback(self._request_refresh), "branch")
        self.timeline.observe(weak_callback(self._on_frame), "frame")
        self.canvas.observe(weak_callback(self._on_drags), ["state", "looks"])
        self.canvas.observe(weak_callback(self._request_refresh), ["latency"])
        self._panel.observe(weak_callback(self._on_drags), ["settings"])
        self._folds["Features"].observe(weak_callback(self._on_fold), ["selected_index"])

    def _follow(self) -> None:
        """Subscribe to the current branch if a page shows the studio, else unsubscribe."""
        self._subscriptions.close()
        if self._bar.shown:
            self._subscriptions.callback(self.live.subscribe(weak_callback(self._on_event)))
            self._subscriptions.callback(self.stream.subscribe(self._throttle.request))

    def _shown_changed(self, _: object) -> None:
        """Begin or end following when a page shows or leaves the studio."""
        self._activity.clear()
        self._follow()
        if self._bar.shown:
            self.refresh()

    def _on_stream(self, _: object) -> None:
        """Show the new current branch in all parts."""
        self._activity.clear()
        self._follow()
        self.canvas.source = self.live
        self.drift.source = self.live
        self.features.stream = self.stream
        self._bar.fail(None)
        self.refresh()

    def _request_refresh(self, _: object) -> None:
        """Update the status after a change of the branch's name or of the latency."""
        self._throttle.request()

    def _on_frame(self, change: dict[str, Any]) -> None:
        """Show the frame that was scrubbed to in the other parts."""
        frame = change["new"]
        self.features.follow = frame is None
        if frame is None:
            self.canvas.refresh()
            return
        block = session.block_at(self.stream.blocks, frame)
        self.canvas.show(block.frames[frame - block.first_frame])
        if self.features.awake:
            self.features.show_video_frame(frame)

    def _on_drags(self, _: object) -> None:
        """Update the status and the features' plan after a change of drags or settings."""
        self.canvas.settings = self._panel.settings
        self._throttle.request()
        if self.features.awake:
            self._plan_features()

    def _plan_features(self) -> None:
        """Show the drags' targets in the features, unless they contradict a camera."""
        try:
            drags, keep = self.drags, self.keep
        except ValueError:  # the buttons that apply the drags show the error
            drags, keep = [], None
        self.features.plan(drags, keep, self.settings)

    def _on_fold(self, change: dict[str, Any]) -> None:
        """Follow the stream with the features while they are unfolded."""
        opened = change["new"] is not None
        if opened:
            self._plan_features()
        self.features.awake = opened
        if opened and (frame := self.timeline.frame) is not None:
            self.features.show_video_frame(frame)

    def _on_event(self, event: Event) -> None:
        """Handle an event of the live stream, on its thread."""
        self._activity.update(event)
        if isinstance(event, StatusChanged):
            if event.error is not None:
                self._bar.fail(event.error)
            if event.status is Status.PAUSED:  # there is time now
                on_a_timer(0.0, weak_callback(self.features.catch_up))
        self._throttle.request()

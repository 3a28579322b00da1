"""`Timeline`: a session block by block, to scrub, rewind, branch and compare."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import traitlets
from PIL import Image, ImageDraw, ImageFont

from dragstream.drags.checks import check_int, optional
from dragstream.stream.events import Event, StatusChanged
from dragstream.stream.live import LiveStream
from dragstream.stream.records import Mode
from dragstream.stream.stream import Stream
from dragstream.widgets import session
from dragstream.widgets.branches import Branch, Tree, shared_blocks
from dragstream.widgets.page import PageWidget, natural, split_source, text
from dragstream.widgets.still import fitting, jpeg
from dragstream.widgets.throttle import Throttle, weak_callback
from dragstream.widgets.visible import FreshDict

if TYPE_CHECKING:
    from dragstream.stream.records import Block


COLOURS = {Mode.ANIMATE: "#ff8a1f", Mode.EDIT: "#19b8d4", Mode.IMAGE: "#86b817"}
"""The colours of the marks; the front end has the same."""
_BOX = (192, 128)
_GAP = 6
_LINE = 20
_INK = "#444444"


def draw(blocks: Sequence[Block]) -> Image.Image:
    """The last frame of each block, side by side, with block and latent frame numbers."""
    if not blocks:
        raise ValueError("there is nothing to draw yet: the stream has no blocks")
    height, width = blocks[0].frames.shape[1:3]
    size = fitting((width, height), _BOX)
    sheet = Image.new("RGB", ((size[0] + _GAP) * len(blocks) - _GAP, size[1] + 2 * _LINE), "white")
    ink, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for place, block in enumerate(blocks):
        left = place * (size[0] + _GAP)
        sheet.paste(Image.fromarray(block.frames[-1]).resize(size), (left, 0))
        if colour := COLOURS.get(block.mode):
            ink.rectangle((left, size[1], left + size[0] - 1, size[1] + 3), fill=colour)
        latents = block.latent_frames
        lines = (
            f"block {block.index}" + (f" · {block.mode.value}" if block.mode in COLOURS else ""),
            f"latent {latents[0]}-{latents[-1]}, video {block.video_frames[-1]}",
        )
        for number, line in enumerate(lines):
            ink.text((left, size[1] + 6 + 15 * number), line, _INK, font)
    return sheet


_THUMBNAIL = (176, 120)
"""Width and height that a thumbnail fits in: twice its size on the page, for sharp screens."""
_MOST_THUMBNAILS = 64
"""Thumbnails of one request, at most."""
_INTERVAL = 0.05
"""Least seconds between two updates of the page."""


@dataclass(frozen=True, eq=False)
class _BranchStream:
    """The stream of a branch, and the live stream that plays it."""

    stream: Stream
    live: LiveStream | None


def _block_numbers(value: object, name: str) -> tuple[int, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_THUMBNAILS:
        raise ValueError(f"{name} must be a list of 1 to {_MOST_THUMBNAILS} block numbers")
    return tuple(natural(item, f"{name}[{index}]") for index, item in enumerate(value))


class Timeline(PageWidget, page="timeline"):
    """A session in thumbnails, with its branches.

    ```python
    timeline = Timeline(stream)  # or Timeline(live)
    timeline  # scrub, play, click a block to go back to it or to branch off
    timeline.fork(at=4)  # as by mouse: a new branch, now the current one
    timeline.rename("branch 2", "turned")
    timeline.stream.animate(drags)  # always the current branch
    timeline.compare("main")  # side by side, or with a wipe
    ```

    Everything acts on the current branch. A session that is played by a LiveStream has one for each
    branch: switching pauses the one and hands out the other, as `live`. Observe `stream` (and
    `frame`) to have other widgets follow: ``timeline.observe(handler, "stream")``.

    Args:
        source: A `Stream` or a `LiveStream`, the first branch.
        viewer: True if the page has a picture of its own. Without it scrubbing still sets
            `frame`, and comparing still shows two pictures.

    Raises:
        TypeError: A source that is neither.
    """

    requests: ClassVar = {
        "thumbnails": {"branch": text, "blocks": _block_numbers, "ticket": natural},
        "frame": {"branch": text, "frame": natural, "ticket": natural},
        "show": {"frame": optional(natural)},
        "fork": {"at": natural},
        "switch": {"name": text},
        "remove": {"name": text},
        "rename": {"name": text, "to": text},
        "rewind": {"to": natural},
        "compare": {"name": optional(text)},
    }

    stream = traitlets.Instance(Stream, read_only=True)
    """The current branch's stream."""

    live = traitlets.Instance(LiveStream, allow_none=True, read_only=True)
    """The live stream that plays the current branch; None if the source was a plain stream."""

    branch = traitlets.Unicode("", read_only=True)
    """Name of the current branch."""

    frame = traitlets.Int(None, allow_none=True, read_only=True).tag(sync=True)
    """The video frame shown, from 0; None follows the newest."""

    compared = traitlets.Unicode(None, allow_none=True, read_only=True).tag(sync=True)
    """The branch shown beside the current one, or None."""

    viewer = traitlets.Bool(True).tag(sync=True)  # noqa: FBT003 - a default
    """True if the page has a picture of its own."""

    state = FreshDict(read_only=True).tag(sync=True)
    """The session as JSON for the page, see `dragstream.widgets.session.summary`."""

    def __init__(self, source: Stream | LiveStream, *, viewer: bool = True) -> None:
        stream, live = split_source(source, "Timeline")
        self._keys = session.Keys()
        self._tree = Tree()
        self._update_lock = threading.Lock()
        self._lines: dict[str, _BranchStream] = {}
        self._throttle = Throttle(self.refresh, _INTERVAL)
        self._subscriptions = ExitStack()
        self._lines[self._tree.current] = _BranchStream(stream, live)
        self._set_current()
        self.refresh()
        super().__init__(viewer=viewer)

    # ------------------------------------------------------------------------------ branches

    @property
    def branches(self) -> tuple[Branch, ...]:
        """All branches, oldest first."""
        return self._tree.branches

    def stream_of(self, name: str) -> Stream:
        """The stream of a branch.

        Raises:
            ValueError: There is no such branch.
        """
        return self._lines[self._tree.known(name)].stream

    def fork(self, at: int | None = None, name: str | None = None) -> Stream:
        """A new branch with the first ``at`` blocks of the current one; it becomes current.

        Args:
            at: Number of blocks; None means all.
            name: Name of the branch; None finds one.

        Returns:
            The new branch's stream.

        Raises:
            TypeError: Arguments of another kind.
            ValueError: More blocks than there are, fewer than must stay, or a name that is taken.
            RuntimeError: The live stream met an error before.
        """
        here = self._lines[self._tree.current]
        stream = here.stream.fork(at)
        tree = self._tree.fork(len(stream), name)
        live = here.live and LiveStream(stream, here.live.frame_rate, settings=here.live.settings)
        _pause(here)
        self._lines[tree.current] = _BranchStream(stream, live)
        self._adopt(tree)
        return stream

    def switch(self, name: str) -> None:
        """Make another branch the current one; a live stream is paused.

        Raises:
            ValueError: There is no such branch.
            RuntimeError: The live stream met an error before.
        """
        tree = self._tree.switch(name)
        if tree == self._tree:
            return
        _pause(self._lines[self._tree.current])
        self._adopt(tree)

    def rename(self, name: str, to: str) -> None:
        """Rename a branch, to 1 to 40 printable characters unlike any other branch's.

        Raises:
            TypeError: The new name is no string.
            ValueError: There is no such branch, or the new name is taken, empty or too long.
        """
        tree = self._tree.rename(name, to)
        if tree == self._tree:
            return
        with self._update_lock:  # a worker may be sending its block
            self._lines[to] = self._lines.pop(name)
            self._tree = tree
        with self.hold_sync():
            if self.compared == name:
                self.set_trait("compared", to)
            self.set_trait("branch", tree.current)
            self.refresh()

    def remove(self, name: str) -> None:
        """Remove a branch and the blocks that belong to it alone.

        Raises:
            ValueError: There is no such branch, or it is the current one.
        """
        tree = self._tree.remove(name)
        with self._update_lock:
            line = self._lines.pop(name)
            self._tree = tree
        if line.live is not None:
            line.live.stop()
        self._adopt(tree)

    def rewind(self, to: int) -> None:
        """Drop all but the first ``to`` blocks of the current branch.

        A live stream does so after the commands before it; this returns at once.

        Raises:
            TypeError: ``to`` is not an integer.
            ValueError: There are fewer blocks, or more that must stay.
            RuntimeError: Another thread or cell is changing the stream.
        """
        line = self._lines[self._tree.current]
        blocks = line.stream.blocks
        least = session.given_blocks(blocks)
        if not least <= check_int(to, "to", least=0) <= len(blocks):
            raise ValueError(
                f"to must be from {least} to {len(blocks)}, the number of blocks, got {to}"
            )
        (line.live or line.stream).rewind(to)
        self.set_trait("frame", None)
        self.refresh()

    # --------------------------------------------------------------------------------- frames

    def show(self, frame: int | None) -> None:
        """Show a video frame of the current branch; None follows the newest.

        Raises:
            TypeError: Not an integer.
            ValueError: There is no such frame.
        """
        if frame is not None:
            session.block_at(self.stream.blocks, frame)
        self.set_trait("frame", frame)

    def compare(self, name: str | None) -> None:
        """Show another branch beside the current one; None ends that.

        Raises:
            ValueError: There is no such branch, or it is the current one.
        """
        if name is not None and self._tree.known(name) == self._tree.current:
            raise ValueError(f"{name!r} is the current branch: compare it with another one")
        self.set_trait("compared", name)

    def refresh(self) -> None:
        """Send the current state to the page. Changes of a stream are sent without it."""
        with self._update_lock:
            streams = {name: line.stream for name, line in tuple(self._lines.items())}
            state = session.summary(self._tree, streams, self._keys)
            self.set_trait("state", state)
        frame = self.frame
        if frame is not None and frame >= session.frame_count(self.stream.blocks):
            self.set_trait("frame", None)

    def picture(self, blocks: int = 8) -> Image.Image:
        """The newest blocks as a still picture: one thumbnail each, dragged ones marked.

        Raises:
            ValueError: `blocks` below one, or a stream without blocks.
        """
        count = check_int(blocks, "blocks", least=1)
        return draw(self.stream.blocks[-count:])

    def __repr__(self) -> str:
        count = len(self._tree.branches)
        return (
            f"Timeline({self._tree.current!r}, {len(self.stream)} blocks, "
            f"{count} branch{'' if count == 1 else 'es'})"
        )

    # -------------------------------------------------------------------------------- private

    def _adopt(self, tree: Tree) -> None:
        """Adopt another tree and update everything that depends on it."""
        before, self._tree = self._tree.current, tree
        beside = self.compared
        if beside == tree.current and before in tree.names:
            beside = before  # the current and the compared branch are swapped
        self.set_trait("compared", beside if beside in tree.names else None)
        self._follow()
        self._set_current()
        self.refresh()

    def _set_current(self) -> None:
        """Set the traits of the current branch, `stream` last."""
        line = self._lines[self._tree.current]
        if self.frame is not None and self.trait_has_value("stream"):
            shared = shared_blocks(self.stream.blocks, line.stream.blocks)
            if self.frame >= session.frame_count(line.stream.blocks[:shared]):
                self.set_trait("frame", None)
        self.set_trait("branch", self._tree.current)
        self.set_trait("live", line.live)
        self.set_trait("stream", line.stream)

    def _follow(self) -> None:
        """Subscribe weakly to all branches if a page shows the widget, else unsubscribe."""
        self._subscriptions.close()
        if not self.shown:
            return
        for line in tuple(self._lines.values()):
            self._subscriptions.callback(line.stream.subscribe(self._throttle.request))
            if line.live is not None:
                self._subscriptions.callback(line.live.subscribe(weak_callback(self._on_event)))
        self.refresh()

    def _on_event(self, event: Event) -> None:
        error = event.error if isinstance(event, StatusChanged) else None
        if error is not None:
            self.send_error(f"{type(error).__name__}: {error}")

    # ------------------------------------------------------------------------------- the page

    def _on_thumbnails(self, branch: str, blocks: Sequence[int], ticket: int) -> None:
        there = self.stream_of(branch).blocks
        if max(blocks) >= len(there):
            raise ValueError(f"branch {branch!r} has {len(there)} blocks, got {max(blocks)}")
        chosen = [there[index] for index in blocks]
        pictures = [jpeg(block.frames[-1], _THUMBNAIL, quality=80) for block in chosen]
        keys = [self._keys.of(block) for block in chosen]
        self.send({"type": "thumbnails", "ticket": ticket, "keys": keys}, pictures)

    def _on_frame(self, branch: str, frame: int, ticket: int) -> None:
        block = session.block_at(self.stream_of(branch).blocks, frame)
        picture = jpeg(block.frames[frame - block.first_frame])
        self.send({"type": "frame", "ticket": ticket}, [picture])


def _pause(line: _BranchStream) -> None:
    """Pause a live stream after the block under way."""
    if line.live is not None:
        line.live.pause(wait=False)

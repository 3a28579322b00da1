"""A recording of a page in real time, with the pointer drawn into it."""

from __future__ import annotations

import base64
import io
import itertools

from PIL import Image

POINTER = """() => {
    const pointer = document.createElement('div');
    pointer.innerHTML = `<svg width="22" height="26" viewBox="0 0 22 26">
        <path d="M2 1v19l5-4 4 9 4-2-4-8h7z" fill="#111" stroke="#fff" stroke-width="1.6"/></svg>`;
    Object.assign(pointer.style, {
        position: 'fixed', left: '-40px', top: '0', pointerEvents: 'none', zIndex: 99999,
    });
    document.body.append(pointer);
    const follow = event => {
        pointer.style.transform = `translate(${event.clientX + 38}px, ${event.clientY - 1}px)`;
        pointer.firstChild.style.opacity = event.buttons ? '1' : '0.75';
    };
    for (const type of ['pointermove', 'pointerdown', 'pointerup'])
        window.addEventListener(type, follow, {capture: true});
}"""


class Screencast:
    """What a page shows while the block of a `with` runs, at most every `gap` seconds.

    Args:
        page: The page.
        gap: Seconds between two kept pictures.
    """

    def __init__(self, page, gap=0.08):
        self.page, self.gap = page, gap
        self.pictures: list[tuple[float, bytes]] = []
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._keep)

    def __enter__(self):
        self.page.evaluate(POINTER)
        how = {"format": "jpeg", "quality": 90, "everyNthFrame": 4}  # each costs the page's time
        self._session.send("Page.startScreencast", how)
        return self

    def __exit__(self, *_):
        self._session.send("Page.stopScreencast")

    def _keep(self, event):
        self._session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})
        at = event["metadata"]["timestamp"]
        if not self.pictures or at - self.pictures[-1][0] >= self.gap:
            self.pictures.append((at, base64.b64decode(event["data"])))

    def save(self, path, box, width, pause=1.0):
        """Write an animated WebP of a part of the page, each picture for as long as it stood.

        Args:
            path: The file.
            box: The part, {x, y, width, height} in pixels of the page.
            width: Width of the film in pixels.
            pause: Seconds of the last picture.
        """
        corner = box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]
        size = width, round(width * box["height"] / box["width"])
        shown = [
            Image.open(io.BytesIO(data)).crop(corner).resize(size, Image.Resampling.LANCZOS)
            for _, data in self.pictures
        ]
        times = [at for at, _ in self.pictures]
        stood = [later - at for at, later in itertools.pairwise(times)] + [pause]
        first, *rest = shown
        first.save(
            path,
            save_all=True,
            append_images=rest,
            duration=[round(1000 * seconds) for seconds in stood],
            loop=0,
            quality=72,
            method=4,
        )

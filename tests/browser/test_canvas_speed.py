"""How fast the canvas is: many frames without a queue, and the pointer while the kernel is busy.

The figures are printed (`pytest tests/browser/test_canvas_speed.py -m browser -s`) and kept as
canvas-speed.json beside the screenshots. They depend on the machine, so that nothing is asserted
about them; what must hold anywhere is.
"""

from __future__ import annotations

import json
import re
import statistics
from itertools import pairwise

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

WIDTH, HEIGHT, RATE, SECONDS, CLIP = 832, 480, 30, 8, 12

SETUP = f"""
import json, threading, time
import numpy as np
from dragstream.widgets import DragCanvas

rows, columns = np.mgrid[:{HEIGHT}, :{WIDTH}]
base = np.stack([rows % 256, columns % 256, (rows + columns) // 6 % 256], -1).astype(np.uint8)
base += np.random.default_rng(0).integers(0, 12, base.shape, np.uint8)  # as hard to pack as video
canvas = DragCanvas(base)
canvas
"""

FEED = f"""
figures = {{"clips": 0, "most_under_way": 0, "send_ms": []}}

def feed():
    clips = {SECONDS * RATE // CLIP}
    begin = time.perf_counter()
    for number in range(clips):
        frames = np.stack([np.roll(base, 7 * ({CLIP} * number + k), axis=1) for k in range({CLIP})])
        if number == clips - 1:
            frames[-1] = 200
        time.sleep(max(0, begin + number * {CLIP} / {RATE} - time.perf_counter()))
        start = time.perf_counter()
        canvas._clips.play(frames, {RATE})
        figures["send_ms"].append(1000 * (time.perf_counter() - start) / {CLIP})
        figures["most_under_way"] = max(figures["most_under_way"], canvas._clips.under_way)
        figures["clips"] += 1
    canvas.play(frames[-1:], {RATE})

feeder = threading.Thread(target=feed, daemon=True)
feeder.start()
"""

WATCH = """root => {
    const frame = root.querySelector('.ds-frame');
    const times = window.paints = [];
    new MutationObserver(() => times.push(performance.now()))
        .observe(frame, {attributes: true, attributeFilter: ['data-painted']});
}"""

SETTLED = """root => {
    const {data} = root.querySelector('.ds-frame').getContext('2d').getImageData(400, 240, 1, 1);
    return Math.abs(data[0] - 200) < 3 && Math.abs(data[1] - 200) < 3;
}"""

LATENCY = """root => {
    const overlay = root.querySelector('.ds-overlay');
    const waits = window.waits = [];
    overlay.addEventListener('pointermove', event => {
        // the view asked for this frame before: what it paints is done when this runs
        requestAnimationFrame(() => waits.push(performance.now() - event.timeStamp));
    });
}"""

BUSY = """
end = time.perf_counter() + 6
while time.perf_counter() < end:
    sum(range(2000))
"""


@pytest.fixture(scope="module")
def opened(notebook):
    made = notebook([SETUP]).run()
    expect(made.page.locator(".ds-frame")).to_have_attribute("data-painted", re.compile("[1-9]"))
    return made


@pytest.fixture(scope="module")
def figures(screenshots):
    """What was measured, printed and kept once all is done."""
    found = {"frame": [WIDTH, HEIGHT], "asked_frames_per_second": RATE}
    yield found
    text = json.dumps(found, indent=1)
    (screenshots / "canvas-speed.json").write_text(text + "\n")
    print(f"\n{text}")  # noqa: T201


def test_frames_stream_without_a_queue(opened, figures):
    root = opened.page.locator(".dragstream-canvas")
    root.evaluate(WATCH)
    opened.python(FEED)
    opened.page.wait_for_timeout(1000 * SECONDS)
    opened.expect("feeder.is_alive()", "False", seconds=120)
    opened.page.wait_for_function(SETTLED, arg=root.element_handle())
    sent = json.loads(opened.python("print(json.dumps(figures))"))
    paints = opened.page.evaluate("() => window.paints")
    gaps = sorted(later - earlier for earlier, later in pairwise(paints))
    figures["frames"] = {
        "painted_per_second": round(1000 * (len(paints) - 1) / (paints[-1] - paints[0]), 1),
        "gap_ms_median": round(statistics.median(gaps), 1),
        "gap_ms_95_percent": round(gaps[int(0.95 * len(gaps))], 1),
        "encode_and_send_ms_per_frame": round(statistics.median(sent["send_ms"]), 2),
        "most_clips_under_way": sent["most_under_way"],
        "clips_left_out": int(opened.python("print(canvas._clips.left_out)")),
    }
    assert sent["clips"] == SECONDS * RATE // CLIP
    assert sent["most_under_way"] <= 2
    opened.expect("canvas._clips.under_way", "0")


def test_the_pointer_is_followed_while_the_kernel_is_busy(opened, figures):
    page, root = opened.page, opened.page.locator(".dragstream-canvas")
    opened.python("canvas.clear()")
    root.evaluate(LATENCY)
    box = root.locator(".ds-overlay").bounding_box()
    page.evaluate(
        "code => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({code}); }",
        BUSY,
    )
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    for step in range(120):
        page.mouse.move(box["x"] + 60 + 4 * step, box["y"] + 120 + 60 * (step % 2))
        page.wait_for_timeout(16)
    page.mouse.up()
    waits = sorted(page.evaluate("() => window.waits"))
    figures["pointer_to_paint_ms"] = {
        "moves": len(waits),
        "median": round(statistics.median(waits), 1),
        "95_percent": round(waits[int(0.95 * len(waits))], 1),
        "within_a_60_hz_frame": round(sum(wait <= 1000 / 60 for wait in waits) / len(waits), 3),
    }
    assert len(waits) >= 100
    opened.expect("canvas.region is not None", "True", seconds=60)

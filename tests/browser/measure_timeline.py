"""Measure how a timeline and a drift plot of a long take do in a real browser.

    python -m tests.browser.measure_timeline --blocks 500

The take comes from a model without weights, so that making it is quick. Frame times are those of
the page's own animation frames, at rest and while the whole row of thumbnails scrolls by; the
seconds of the main thread are processor time, which other programs do not change. Heaps are
measured after a garbage collection. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time

import torch
from playwright.sync_api import sync_playwright

import dragstream as ds
from dragstream.widgets import DriftPlot, Timeline
from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGS
from tests.browser.host import Host
from tests.widgets.swatches import Swatches

DRAG = ds.Drag(ds.regions.disc((20, 14), 6), ds.Translation.by(6, 2))

# Scroll from end to end in so many frames; resolves with the milliseconds between them.
SCROLL = """([frames, moving]) => new Promise(resolve => {
    const strip = document.querySelector('.ds-strip');
    const whole = strip.scrollWidth - strip.clientWidth;
    const times = [];
    let before = performance.now();
    const step = now => {
        times.push(now - before);
        before = now;
        if (times.length > frames) return resolve(times.slice(1));
        if (moving) strip.scrollLeft = whole * times.length / frames;
        requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
})"""


class Meter:
    """What the browser says about a page."""

    def __init__(self, page):
        self.session = page.context.new_cdp_session(page)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def heap(self):
        """MiB of JavaScript that is still in use."""
        self.session.send("HeapProfiler.collectGarbage")
        return self.session.send("Runtime.getHeapUsage")["usedSize"] / 2**20

    def busy(self):
        """Seconds that the main thread has been at work."""
        found = self.session.send("Performance.getMetrics")["metrics"]
        return {item["name"]: item["value"] for item in found}["TaskDuration"]


def spread(times):
    """Median, 95th percentile and longest of some milliseconds."""
    ordered = sorted(times)
    return {
        "median_ms": round(statistics.median(ordered), 1),
        "p95_ms": round(ordered[int(0.95 * (len(ordered) - 1))], 1),
        "longest_ms": round(ordered[-1], 1),
    }


def make(blocks):
    """A take of so many blocks, every tenth of them dragged."""
    stream = ds.Stream(Swatches(width=48, height=32), "a disc wanders", seed=5)
    stream.step()
    while len(stream) < blocks:
        if len(stream) % 10 == 9:
            stream.animate([DRAG], settings=ds.DragSettings.paper(iterations=1))
        else:
            stream.step()
    return stream


def measure_timeline(page, stream, frames):
    """Scroll all of it by, twice, then let it grow."""
    timeline = Timeline(stream)
    host, meter = Host(page, timeline, poll=False), Meter(page)
    page.locator(".ds-tile img[src]").first.wait_for()
    page.wait_for_timeout(1000)
    found = {"blocks": len(stream), "heap_before_mib": round(meter.heap(), 2)}
    found["at_rest"] = spread(page.evaluate(SCROLL, [60, False]))
    busy = meter.busy()
    found["scrolling"] = spread(page.evaluate(SCROLL, [frames, True]))
    found["main_thread_ms_per_frame"] = round((meter.busy() - busy) / frames * 1000, 2)
    page.wait_for_timeout(500)
    found["heap_after_one_pass_mib"] = round(meter.heap(), 2)
    page.evaluate(SCROLL, [frames, True])
    page.wait_for_timeout(500)
    found["heap_after_two_passes_mib"] = round(meter.heap(), 2)
    found["tiles_in_the_page"] = page.locator(".ds-tile").count()
    found["sent_kib"] = round(host.bytes_sent / 2**10)
    found["state_bytes"] = len(json.dumps(timeline.state))
    began = time.perf_counter()
    for _ in range(20):
        timeline.refresh()
    found["python_ms_per_news"] = round((time.perf_counter() - began) / 20 * 1000, 2)
    host.close()
    return found


def measure_plot(page, stream):
    """What a new block costs."""
    plot = DriftPlot(stream)
    host, meter = Host(page, plot), Meter(page)
    page.locator(".ds-curve").first.wait_for()
    page.wait_for_timeout(1000)
    busy, rounds = meter.busy(), 10
    for _ in range(rounds):
        stream.step()
        host.until(lambda: not host.news)
        page.wait_for_timeout(150)
    found = {"main_thread_ms_per_block": round((meter.busy() - busy) / rounds * 1000, 1)}
    found["bytes_per_block"] = len(plot.frames)
    found["heap_mib"] = round(meter.heap(), 2)
    host.close()
    return found


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=500)
    parser.add_argument("--frames", type=int, default=240, help="in which the row scrolls by")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    stream = make(asked.blocks)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        size = {"viewport": {"width": 1280, "height": 800}}
        found = {
            "browser": browser.version,
            "timeline": measure_timeline(browser.new_page(**size), stream, asked.frames),
            "drift_plot": measure_plot(browser.new_page(**size), stream),
        }
        browser.close()
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()

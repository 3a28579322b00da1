"""What a person does on a DriftPlot: read values, choose, compare."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dragstream.widgets import DriftPlot
from tests.browser.host import Panel
from tests.widgets.swatches import dragged_stream

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("one_thread")]


class Hand(Panel):
    """A plot on a page."""

    def __init__(self, page, plot):
        super().__init__(page, plot, ".dragstream-drift")
        self.plot = plot
        self.charts = self.root.locator(".ds-charts")
        self.readout = self.root.locator(".ds-readout")
        expect(self.root).to_have_attribute("data-rows", re.compile("[0-9]"))

    def in_both_themes(self, folder, name):
        for theme in ("light", "dark"):
            self.theme(theme)
            self.root.screenshot(path=str(folder / f"{name}-{theme}.png"))


@pytest.fixture(scope="module")
def take():
    return dragged_stream(5, 2)


@pytest.fixture
def stream(take):
    return take.fork()


@pytest.fixture
def hand(chromium, stream):
    page = chromium.new_page(viewport={"width": 900, "height": 700})
    made = Hand(page, DriftPlot(stream))
    yield made
    made.close()


def test_read_values(hand, stream):
    hand.shows(rows=27, axis="frames", other=0)
    box = hand.root.locator(".ds-chart").first.bounding_box()
    hand.page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 60)
    expect(hand.readout).to_contain_text("latent frame 1")
    hand.charts.focus()
    hand.page.keyboard.press("Home")
    hand.shows(cursor=0)
    for _ in range(12):
        hand.page.keyboard.press("ArrowRight")
    hand.shows(cursor=12)
    expect(hand.readout).to_contain_text(f"latent frame 12 · drift {stream.blocks[4].drift[0]:.4g}")
    mean = f"{float(stream.latents[12].mean()):#.4g}".replace("-", "−")
    expect(hand.readout.locator("tr").nth(1)).to_contain_text(f"μ{mean}")
    hand.page.keyboard.press("Escape")
    hand.shows(cursor="")


def test_iterations_channels_and_drags(hand):
    hand.button("Iterations").click()
    hand.shows(axis="iterations", rows=8)
    hand.charts.focus()
    hand.page.keyboard.press("End")
    expect(hand.readout).to_contain_text("block 6, iteration 3 · loss")
    expect(hand.readout).to_contain_text("before rectification")
    before = hand.root.locator(".ds-curve").first.get_attribute("d")
    hand.root.get_by_label("Channel").select_option("channel 2")
    hand.until(lambda: hand.plot.channel == 2)
    expect(hand.root.locator(".ds-curve").first).not_to_have_attribute("d", before)
    hand.root.get_by_label("Drag").select_option("animation of blocks 5–6")
    hand.until(lambda: hand.plot.facts["chosen"])


def test_compare_without_rectification(hand, screenshots):
    hand.button("Compare without rectification").click()
    expect(hand.button("Forget the comparison")).to_be_visible()
    hand.shows(other=9)
    assert hand.plot.unrectified is not None
    expect(hand.root.locator(".ds-key[data-kind=other]")).to_be_visible()
    box = hand.root.locator(".ds-chart").first.bounding_box()
    hand.page.mouse.move(box["x"] + box["width"] * 0.72, box["y"] + 60)
    expect(hand.readout).to_contain_text("without rectification")
    hand.in_both_themes(screenshots, "drift")
    hand.button("Iterations").click()
    hand.shows(other=8)
    hand.page.mouse.move(box["x"] + box["width"] * 0.72, box["y"] + 60)
    hand.in_both_themes(screenshots, "drift-iterations")
    hand.button("Forget the comparison").click()
    hand.shows(other=0)
    assert hand.plot.unrectified is None


def test_follows_the_stream(hand, stream):
    stream.step()
    hand.shows(rows=30)
    stream.rewind(4)
    hand.shows(rows=12)
    expect(hand.button("Compare without rectification")).to_be_disabled()
    hand.button("Iterations").click()
    expect(hand.root.locator(".ds-empty")).to_contain_text("Nothing was dragged yet")


def test_errors_are_shown_as_text(hand):
    hand.plot.send_error("<b>no</b>")
    expect(hand.root.get_by_role("alert")).to_contain_text("<b>no</b>")


def test_narrow(hand, screenshots):
    hand.page.set_viewport_size({"width": 400, "height": 1000})
    expect(hand.charts).to_have_attribute("style", re.compile(r"repeat\(1,"))
    assert hand.root.evaluate("root => root.scrollWidth <= root.clientWidth")
    hand.root.screenshot(path=str(screenshots / "drift-narrow.png"))

"""What a person does on a Timeline: scrub, play, go back, branch off, switch and compare."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dragstream.widgets import Timeline
from tests.browser.host import Panel
from tests.widgets.swatches import DRAG, dragged_stream

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("one_thread")]


class Hand(Panel):
    """A timeline on a page, and what it shows."""

    def __init__(self, page, timeline):
        super().__init__(page, timeline, ".dragstream-timeline")
        self.timeline = timeline
        self.strip = self.root.locator(".ds-strip")
        self.pictures = self.root.locator(".ds-picture")
        self.alert = self.root.get_by_role("alert")
        expect(self.pictures.first).to_have_attribute("data-painted", re.compile("[1-9]"))

    def tile(self, block):
        return self.strip.locator(f"[data-block='{block}']")

    def branch(self, name):
        return self.root.locator(f"[data-branch='{name}']")

    def pixels(self, pane=0):
        return self.pictures.nth(pane).evaluate("canvas => canvas.toDataURL()")

    def repaints(self, before, pane=0):
        """Wait until a pane shows something else."""
        self.page.wait_for_function(
            "([canvas, before]) => canvas.toDataURL() !== before",
            arg=[self.pictures.nth(pane).element_handle(), before],
        )

    def screenshot(self, folder, name):
        self.page.mouse.move(5, 5)
        self.root.screenshot(path=str(folder / f"{name}.png"))

    def in_both_themes(self, folder, name):
        for theme in ("light", "dark"):
            self.theme(theme)
            self.screenshot(folder, f"{name}-{theme}")


@pytest.fixture(scope="module")
def take():
    """Eight blocks, the fourth and fifth of them animated."""
    return dragged_stream(3, 3)


@pytest.fixture
def stream(take):
    return take.fork()


@pytest.fixture
def hand(chromium, stream):
    page = chromium.new_page(viewport={"width": 900, "height": 860})
    made = Hand(page, Timeline(stream))
    yield made
    made.close()


def test_scrub_and_play(hand, screenshots):
    hand.shows(frame=92, blocks=8, branch="main")
    expect(hand.strip.locator("img[src]")).to_have_count(8)
    expect(hand.tile(4)).to_have_attribute("data-mode", "animate")
    before = hand.pixels()
    hand.tile(1).click()
    hand.shows(frame=20)
    hand.repaints(before)
    hand.until(lambda: hand.timeline.frame == 20)
    expect(hand.tile(1)).to_have_attribute("aria-selected", "true")

    before = hand.pixels()
    box = hand.root.get_by_role("slider", name="Video frame").bounding_box()
    hand.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    hand.repaints(before)
    middle = int(hand.root.get_attribute("data-frame"))
    assert abs(middle - 46) <= 2
    hand.until(lambda: hand.timeline.frame == middle)
    expect(hand.root.locator(".ds-value")).to_have_text(
        [f"{middle} / 92", str(1 + (middle - 1) // 4), "4", f"{middle / 16:.2f} s"]
    )
    hand.page.keyboard.press("ArrowLeft")
    hand.shows(frame=middle - 1)
    hand.page.keyboard.press("Shift+ArrowRight")
    hand.shows(frame=68)
    hand.page.keyboard.press("Home")  # so that a busy machine sees it before it ends
    hand.shows(frame=0)
    hand.page.keyboard.press("Space")
    expect(hand.button("Pause")).to_be_visible()
    hand.page.wait_for_function(
        "root => Number(root.dataset.frame) > 4", arg=hand.root.element_handle()
    )
    hand.page.keyboard.press("Space")
    expect(hand.button("Play")).to_be_visible()
    stopped = int(hand.root.get_attribute("data-frame"))
    hand.until(lambda: hand.timeline.frame in {stopped, None if stopped == 92 else stopped})
    hand.tile(4).click()
    hand.in_both_themes(screenshots, "timeline")
    hand.page.keyboard.press("End")
    hand.until(lambda: hand.timeline.frame is None)


def test_python_moves_the_page(hand, stream):
    hand.timeline.show(12)
    hand.shows(frame=12)
    hand.timeline.show(None)
    stream.step()
    hand.shows(frame=104, blocks=9)
    expect(hand.tile(8)).to_have_attribute("aria-selected", "true")


def test_rewind_by_click(hand, stream, screenshots):
    hand.tile(5).click()
    hand.button("Go back to here").click()
    expect(hand.tile(6)).to_have_attribute("data-drops", "true")
    expect(hand.root.locator(".ds-question")).to_contain_text("blocks 6 to 7 (24 video frames)")
    hand.screenshot(screenshots, "timeline-rewind")
    hand.page.keyboard.press("Escape")
    expect(hand.root.locator(".ds-question")).to_have_count(0)
    assert len(stream) == 8
    hand.tile(5).dblclick()
    hand.button("Drop and go back").click()
    hand.shows(blocks=6, frame=68)
    assert (len(stream), hand.timeline.frame) == (6, None)
    stream.step()
    hand.shows(blocks=7, frame=80)
    expect(hand.strip.locator("img[src]")).to_have_count(7)


def test_fork_switch_and_compare(hand, stream, screenshots):
    hand.tile(2).click()
    hand.button("Branch off here").click()
    hand.shows(branch="branch 2", blocks=3)
    timeline = hand.timeline
    assert (timeline.branch, len(timeline.stream), len(stream)) == ("branch 2", 3, 8)
    timeline.stream.animate([DRAG], blocks=3)
    timeline.stream.edit([DRAG])
    timeline.fork(at=5)
    timeline.stream.run(2, progress=False)
    timeline.switch("branch 2")
    hand.shows(blocks=6, branch="branch 2")
    hand.branch("main").get_by_role("button", name="Compare").click()
    hand.until(lambda: timeline.compared == "main")
    expect(hand.pictures.nth(1)).to_have_attribute("data-painted", re.compile("[1-9]"))
    expect(hand.root.locator(".ds-note")).to_have_text(
        "the same up to block 2, apart from frame 33 on"
    )
    hand.tile(4).click()
    wipe = hand.root.get_by_role("slider", name="Wipe between the branches")
    expect(wipe).to_have_attribute("aria-valuenow", "50")
    box = hand.root.locator(".ds-stage").bounding_box()
    hand.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    hand.page.mouse.down()
    hand.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2, steps=4)
    hand.page.mouse.up()
    expect(wipe).to_have_attribute("aria-valuenow", "25")
    hand.page.keyboard.press("ArrowRight")
    expect(wipe).to_have_attribute("aria-valuenow", "27")
    clip = hand.root.locator(".ds-pane").nth(1).evaluate("pane => pane.style.clipPath")
    assert clip == "inset(0px 0px 0px 27%)"
    hand.screenshot(screenshots, "timeline-wipe")
    before = hand.pixels(1)
    hand.tile(5).click()
    hand.repaints(before, 1)
    hand.button("Side by side").click()
    expect(wipe).to_be_hidden()
    ours, theirs = (hand.root.locator(".ds-pane").nth(n).bounding_box() for n in (0, 1))
    assert ours["x"] + ours["width"] < theirs["x"]
    hand.in_both_themes(screenshots, "timeline-compare")

    hand.branch("main").locator(".ds-branch").click()
    hand.shows(branch="main", blocks=8)
    assert timeline.compared == "branch 2"
    assert timeline.stream is stream
    hand.button("Stop comparing").click()
    hand.until(lambda: timeline.compared is None)
    hand.branch("branch 2").get_by_role("button", name="Remove").click()
    hand.button("Remove").click()
    hand.until(lambda: [b.name for b in timeline.branches] == ["main", "branch 3"])
    expect(hand.root.locator("[data-branch]")).to_have_count(2)


def test_rename_by_key_button_and_double_click(hand, screenshots):
    timeline = hand.timeline
    timeline.fork(at=4)
    field = hand.root.locator(".ds-branch-field:visible")
    hand.button("Rename branch 2").click()
    expect(field).to_have_value("branch 2")
    hand.page.keyboard.type("wide b turn <b>x</b> ")
    hand.screenshot(screenshots, "timeline-rename")
    hand.page.keyboard.press("Enter")
    hand.shows(branch="wide b turn <b>x</b>", frame=44)  # neither played nor branched off
    expect(hand.root.locator(".ds-branch-name")).to_have_text(["main", "wide b turn <b>x</b>"])
    expect(hand.root.locator("[data-current] .ds-branch")).to_be_focused()

    hand.page.keyboard.press("F2")
    hand.page.keyboard.type("main")
    hand.page.keyboard.press("Enter")
    expect(hand.alert).to_contain_text("there is a branch 'main' already")
    hand.page.keyboard.press("F2")
    hand.page.keyboard.type("dropped")
    hand.page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    assert timeline.branch == "wide b turn <b>x</b>"

    hand.branch("main").locator(".ds-branch").dblclick()
    hand.shows(branch="main")
    hand.page.keyboard.type("as it was")
    hand.strip.click(position={"x": 30, "y": 30})
    hand.until(lambda: timeline.branch == "as it was")
    expect(hand.branch("as it was").locator(".ds-branch")).to_be_visible()


def test_errors_are_shown_as_text(hand):
    hand.timeline.send_error("<img src=x onerror=alert(1)> is no block")
    expect(hand.alert).to_contain_text("<img src=x onerror=alert(1)> is no block")
    assert hand.root.locator("img[src=x]").count() == 0
    hand.alert.get_by_role("button").click()
    expect(hand.alert).to_be_hidden()


def test_a_second_view_shows_the_same(hand):
    hand.page.evaluate("() => window.host.show()")
    views = hand.page.locator(".dragstream-timeline")
    views.nth(1).locator("[data-block='2']").click()
    for view in (0, 1):
        expect(views.nth(view)).to_have_attribute("data-frame", "32")
    hand.until(lambda: hand.timeline.frame == 32)


def test_by_keyboard(hand, stream):
    hand.strip.focus()
    hand.page.keyboard.press("ArrowLeft")
    hand.page.keyboard.press("ArrowLeft")
    hand.shows(frame=68)
    hand.page.keyboard.press("Enter")
    expect(hand.button("Cancel")).to_be_focused()
    hand.page.keyboard.press("Shift+Tab")
    hand.page.keyboard.press("Enter")
    hand.shows(branch="branch 2", blocks=6)
    assert len(stream) == 8


def test_narrow(hand, screenshots):
    hand.page.set_viewport_size({"width": 420, "height": 900})
    assert hand.root.bounding_box()["width"] < 420
    assert hand.root.evaluate("root => root.scrollWidth <= root.clientWidth")
    hand.screenshot(screenshots, "timeline-narrow")


def test_a_kernel_that_is_gone_is_noticed(hand):
    hand.widget._handle_custom_msg = lambda *_: None
    hand.page.evaluate("() => window.host.tell('comm_live_update')")
    expect(hand.alert).to_contain_text("This stream is gone: run the cell again")
    expect(hand.root).to_have_class(re.compile("ds-gone"))

"""A written page opened from disk: it plays without a network and executes no text."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.widgets.swatches import DRAG, Swatches

pytestmark = pytest.mark.browser

HOSTILE = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    import dragstream as ds

    stream = ds.Stream(Swatches(), HOSTILE)
    stream.run(2, progress=False)
    plain = stream.fork()
    stream.animate([DRAG])
    plain.step()
    return stream.to_html(tmp_path_factory.mktemp("page") / "take.html", beside={"plain": plain})


@pytest.fixture
def page(written, chromium):
    opened = chromium.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: said.append(request.url))
    opened.goto(written.as_uri())
    yield opened
    opened.close()
    outside = [text for text in said if not text.startswith(("data:", written.as_uri()))]
    assert outside == []


def test_a_page_is_scrubbed_and_shows_its_drags(page):
    expect(page.locator("h1")).to_contain_text(HOSTILE)
    assert page.evaluate("() => window.hit") is None
    slider = page.get_by_label("Video frame")
    slider.fill("32")  # the last of 9 + 12 + 12
    expect(page.locator("figure").first.locator("path.target.line")).to_have_count(1)
    expect(page.locator("figure").nth(1).locator("path")).to_have_count(0)
    expect(page.locator(".details").first).to_contain_text("animated: translation")
    sources = [picture.get_attribute("src") for picture in page.locator("figure img").all()]
    assert len(set(sources)) == 2
    page.locator("button.animate").press("Enter")
    expect(slider).to_have_value("21")


def test_a_page_plays_and_its_chart_can_be_read_by_keyboard(page):
    play = page.get_by_role("button", name="Play", exact=True)
    play.click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.get_by_label("Video frame")).not_to_have_value("0")
    page.get_by_role("button", name="Pause").click()
    dot = page.get_by_role("button", name="main, block 2, latent frame 8")
    dot.focus()
    expect(page.locator(".readout")).to_contain_text("latent frame 8: drift")
    dot.press("Enter")
    expect(page.get_by_label("Video frame")).to_have_value("32")


def test_a_page_follows_the_system_and_prints_on_white(page):
    colour = "name => getComputedStyle(document.body)[name]"
    for scheme, background in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(27, 27, 27)")):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(colour, "backgroundColor") == background
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(colour, "backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(colour, "color") == "rgb(34, 34, 34)"
    for hidden in (".transport button", ".transport input", ".readout", "details"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator(".transport output")).to_have_text("frame 1 of 33 · 0.00 s")
    expect(page.locator(".swatch").first).to_have_css("print-color-adjust", "exact")
    pages = page.pdf(format="A4").count(b"/Type /Page\n")
    assert 1 <= pages <= 3

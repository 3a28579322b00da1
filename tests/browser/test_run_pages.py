"""The gallery and the blind comparison of runs, opened from disk: no network, no text executed."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from dragstream.method.settings import DragSettings
from dragstream.revel.blind import count_choices, write_blind
from dragstream.revel.case_folders import command_folders, read_film
from dragstream.revel.gallery import write_gallery
from dragstream.revel.methods import Method, select
from dragstream.revel.runs import run
from dragstream.revel.suites import case_specs
from dragstream.stream.mp4 import encode_mp4
from tests.revel.conftest import PictureModel

pytestmark = pytest.mark.browser

HOSTILE = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"
ONE = Method("one", DragSettings.paper(iterations=1), HOSTILE)
SPECS = [spec for spec in case_specs() if spec.number in {0, 4}]


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    methods = [ONE, *select(["none"])]
    run(SPECS, methods, folder, model=PictureModel(), films=True, progress=False)
    for place in command_folders(folder):
        command = json.loads((place / "case.json").read_text())
        command["case"]["prompt"] = HOSTILE
        (place / "case.json").write_text(json.dumps(command))
        # negatives, so that each frame tells which film it is of
        encode_mp4(255 - read_film(folder, place.name, "none"), place / "none.mp4", 8)
    return folder


@pytest.fixture
def opened(chromium):
    """A function that opens a page; what it asks for or complains about must be its own."""
    context = chromium.new_context(accept_downloads=True, reduced_motion="reduce")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url))
    own = []

    def open_page(file):
        own.append(file.as_uri())
        page.goto(file.as_uri())
        return page

    yield open_page
    assert page.evaluate("() => window.hit") is None
    context.close()
    assert [text for text in said if not text.startswith(("data:", "blob:", *own))] == []


def test_a_gallery_shows_films_with_commands_and_filters_them(filmed, tmp_path, opened) -> None:
    page = opened(write_gallery(filmed, tmp_path / "gallery.html", ["one"]))
    expect(page.locator("h1")).to_contain_text(filmed.name)
    expect(page.locator("article")).to_have_count(2)
    edited = page.locator("article", has_text="004-edit")
    expect(edited.locator("figure")).to_have_count(2)
    expect(edited.locator("figcaption").first).to_contain_text(HOSTILE)
    expect(edited.locator(".prompt")).to_have_text(HOSTILE)
    expect(edited.locator("figure").first.locator("path.handle.line")).to_have_count(1)
    edited.locator("input").fill("1")
    expect(edited.locator("figure").first.locator("path.target.line")).to_have_count(1)
    expect(edited.locator("figure").nth(1).locator("path.target.line")).to_have_count(1)
    page.get_by_label("show the command").uncheck()
    expect(edited.locator("svg").first).to_be_hidden()
    page.get_by_label("Cases shown").select_option("edit")
    expect(page.locator("article:visible")).to_have_count(1)
    expect(page.get_by_role("status")).to_have_text("1 of 2 shown")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_films_are_compared_without_names_and_the_choices_are_counted(
    filmed, tmp_path, opened
) -> None:
    page = opened(write_blind(filmed, filmed, tmp_path / "blind.html", ("one", "none")))
    shown = json.loads(page.locator("#document").text_content())
    assert "no drag" not in page.locator("main").inner_text()
    expect(page.get_by_role("status")).to_have_text("0 of 2 decided")
    still = page.locator("figure img").first.get_attribute("src")  # motion is to be reduced
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Pause P")).to_be_visible()
    expect(page.locator("figure img").first).not_to_have_attribute("src", still)
    page.keyboard.press("p")
    wanted = []
    for key, side in (("ArrowLeft", 0), ("ArrowRight", 1)):
        picture = page.locator("figure img").nth(side).get_attribute("src").split(",")[1]
        films = [each["films"] for each in shown["cases"]]
        wanted.append(next(i for pair in films for i, film in enumerate(pair) if picture in film))
        page.keyboard.press(key)
    expect(page.get_by_role("status")).to_contain_text("2 of 2 decided, 2 not saved yet")
    expect(page.get_by_role("button", name="Save choices")).to_be_focused()
    page.keyboard.press("Backspace")
    expect(page.get_by_role("status")).to_contain_text("1 of 2 decided")
    page.keyboard.press("ArrowDown")
    with page.expect_download() as download:
        page.keyboard.press("s")
    file = tmp_path / "choices.json"
    download.value.save_as(file)
    assert download.value.suggested_filename == "choices.json"
    count = count_choices([file])
    assert count.wins == ((1, 0) if wanted[0] == 0 else (0, 1))
    assert (count.same, count.left) == (1, 1)
    assert count.sides == (f"{HOSTILE} ({filmed.name})", f"no drag ({filmed.name})")

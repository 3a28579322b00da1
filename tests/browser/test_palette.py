"""The one palette of all widgets: the hosts' colours, in their order, and the system's scheme."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import REPOSITORY

pytestmark = pytest.mark.browser

STATIC = REPOSITORY / "dragstream" / "widgets" / "static"
HOSTS = ["--jp-layout-color1", "--vscode-editor-background", "--background"]
COLOURS = ["rgb(1, 1, 1)", "rgb(2, 2, 2)", "rgb(3, 3, 3)"]
LOOK = """names => names.map(name => {
    const style = getComputedStyle(document.querySelector(name));
    return [style.backgroundColor, style.colorScheme];
})"""
ROOTS = ["canvas", "panel"]


@pytest.fixture
def page(chromium):
    opened = chromium.new_page()
    opened.set_content("".join(f"<div class='dragstream-{name}'></div>" for name in ROOTS))
    for sheet in sorted(STATIC.glob("*.css")):
        opened.add_style_tag(content=sheet.read_text())
    yield opened
    opened.close()


def shown(page):
    """Background and colour scheme, the same for all widgets."""
    (first, *others) = page.evaluate(LOOK, [f".dragstream-{name}" for name in ROOTS])
    assert all(other == first for other in others)
    return tuple(first)


def test_without_a_host_the_system_decides(page):
    page.emulate_media(color_scheme="light")
    assert shown(page)[0] == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    assert shown(page) == ("rgb(27, 27, 27)", "dark")


def test_jupyterlab_comes_before_vs_code_and_that_before_marimo(page):
    page.emulate_media(color_scheme="dark")
    for host, colour in reversed(list(zip(HOSTS, COLOURS, strict=True))):
        page.evaluate("([k, v]) => document.body.style.setProperty(k, v)", [host, colour])
        assert shown(page)[0] == colour
    assert shown(page)[1] == "light"  # its variables without one of its themes
    page.evaluate("() => { document.body.dataset.jpThemeLight = 'false'; }")
    assert shown(page)[1] == "dark"


def test_no_other_sheet_names_a_colour_of_its_own():
    sheets = set((REPOSITORY / "widgets").glob("*/*.css"))
    assert len(sheets) > 8
    own = re.compile(r"#[0-9a-f]{3,8}\b|\brgba?\(|--jp-|--vscode-|--(?:background|foreground)\b")
    for sheet in sheets - {REPOSITORY / "widgets" / "shared" / "palette.css"}:
        assert own.findall(sheet.read_text()) == [], sheet

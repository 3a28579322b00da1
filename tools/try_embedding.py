"""Try the widgets in the manager that static pages load, which Colab's and VS Code's resemble.

The content delivery network is answered from files: no test needs them, so they are no dependency.

    mkdir -p build/npm && cd build/npm
    npm pack @jupyter-widgets/html-manager requirejs
    for f in *.tgz; do mkdir -p "${f%.tgz}" && tar xzf "$f" -C "${f%.tgz}"; done
    cd ../.. && python tools/try_embedding.py build/npm
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
from pathlib import Path

from ipywidgets.embed import embed_minimal_html
from playwright.sync_api import Error, Route, sync_playwright

import dragstream as ds
from dragstream.models.playground import draw
from dragstream.widgets import DragCanvas, DriftPlot, FeatureView, Studio, Timeline

ROOTS = ("canvas", "timeline", "drift", "features", "studio", "studio-bar")
CHROMIUM = "/usr/bin/chromium"


def write_page(path: Path) -> None:
    """Write a page with all widgets."""
    prompt = "a red critter rests beside a blue box in a meadow"
    stream = ds.Stream(ds.load("playground"), prompt, seed=2, image=draw(prompt, seed=41))
    stream.run(1, progress=False)
    views = [kind(stream) for kind in (DragCanvas, Timeline, DriftPlot, FeatureView, Studio)]
    for view in views:
        view.expect_page()
    # anywidget's code is the default of its trait
    embed_minimal_html(path, views=views, title="DragStream", drop_defaults=False)
    # of the one version of RequireJS that the page names
    path.write_text(re.sub(r'integrity="[^"]*"', "", path.read_text()))


def modules(npm: Path) -> dict[str, Path]:
    """The file of each module that a page asks for, by a part of its address."""
    share = Path(sys.prefix) / "share" / "jupyter" / "nbextensions"
    return {
        "html-manager": next(npm.glob("jupyter-widgets-html-manager*/package/dist/embed-amd.js")),
        "require": next(npm.glob("requirejs*/package/require.js")),
        "anywidget": share / "anywidget" / "index.js",
        "ipycanvas": share / "ipycanvas" / "index.js",
    }


def main() -> int:
    """Open the page; the exit status is 0 if all widgets show, without an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("npm", type=Path, help="the folder of the unpacked npm packages")
    parser.add_argument("--out", type=Path, default=Path("build/embedding.html"))
    parser.add_argument("--chromium", default=CHROMIUM)
    options = parser.parse_args()
    files = modules(options.npm)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_page(options.out)

    def answer(route: Route) -> None:
        asked = [file for name, file in files.items() if name in route.request.url]
        print(route.request.url)
        route.fulfill(path=asked[0], content_type="text/javascript") if asked else route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=options.chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.route(re.compile("^https?://"), answer)
        page.goto(options.out.resolve().as_uri())
        shown = dict.fromkeys(ROOTS, 0)
        with contextlib.suppress(Error):
            for name in ROOTS:
                page.locator(f".dragstream-{name}").first.wait_for(timeout=60_000)
                shown[name] = page.locator(f".dragstream-{name}").count()
        page.screenshot(path=options.out.with_suffix(".png"), full_page=True)
        browser.close()
    lines = [f"{name}: {count}" for name, count in shown.items()]
    print(*lines, *(f"error: {error}" for error in errors), sep="\n")
    return int(0 in shown.values() or bool(errors))


if __name__ == "__main__":
    sys.exit(main())

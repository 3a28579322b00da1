"""A real JupyterLab in a real Chromium, for the tests beside this file.

The `lab` fixture is a server, `notebook` opens notebooks in it and drives them. A test fails when
the page logs an error. Screenshots go to build/screenshots, or to $DRAGSTREAM_SCREENSHOTS. On a
machine with much else to do, DRAGSTREAM_PATIENCE=10 lets every wait take ten times as long.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Error, Locator, Page, expect, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LABS = (
    # it opens an address before its file browser is there
    "'filebrowser:open-path' not registered",
    # its own parts, when a kernel goes; the widgets never call this
    "Failed to execute 'removeChild'",
    # a page that is opened again may draw saved outputs before it has asked the kernel for their
    # models, and draws them again then
    "widget model not found",
)
FOREIGN = {
    "lab/tree": LABS,
    # it asks for settings that JupyterLab's server keeps to itself
    "notebooks": (*LABS, "(reading 'schema')", "403 (Forbidden)"),
}
"""Errors of JupyterLab's and Notebook 7's own."""
REPOSITORY = Path(__file__).parents[2]
PATIENCE = float(os.environ.get("DRAGSTREAM_PATIENCE", "1"))
SLOW = 90_000 * PATIENCE  # milliseconds: two busy cores start a kernel and import torch

expect.set_options(timeout=30_000 * PATIENCE)

READY = """async () => {
    const panel = window.jupyterapp && window.jupyterapp.shell.currentWidget;
    if (!panel || !panel.sessionContext || !panel.content) return false;
    await panel.context.ready;
    await panel.sessionContext.ready;
    const kernel = panel.sessionContext.session && panel.sessionContext.session.kernel;
    if (!kernel) return false;  // running cells before this opens a "Select Kernel" dialog
    await kernel.info;
    return kernel.connectionStatus === 'connected' && kernel.status === 'idle';
}"""

EXECUTE = """async code => {
    const panel = window.jupyterapp.shell.currentWidget;
    const future = panel.sessionContext.session.kernel.requestExecute({code});
    let text = '';
    future.onIOPub = message => {
        const {content, header} = message;
        if (header.msg_type === 'stream') text += content.text;
        if (header.msg_type === 'error') text += content.traceback.join('\\n');
    };
    const reply = await future.done;
    return {ok: reply.content.status === 'ok', text};
}"""

SEND = """async ([id, data]) => {
    const panel = window.jupyterapp.shell.currentWidget;
    const {kernel} = panel.sessionContext.session;
    const header = {
        msg_id: Math.random().toString(36), msg_type: 'comm_msg', session: kernel.clientId,
        username: '', version: '5.3', date: new Date().toISOString(),
    };
    const envelope = {parent_header: {}, metadata: {}, buffers: [], channel: 'shell'};
    const message = {header, content: {comm_id: id, data}, ...envelope};
    await kernel.sendShellMessage(message, false, true).done;
}"""

RUN = """async index => {
    const {content} = window.jupyterapp.shell.currentWidget;
    const cells = content.widgets.map((cell, i) => [cell.model.type, i]);
    const place = cells.filter(([type]) => type === 'code')[index][1];
    content.deselectAll();
    content.activeCellIndex = place;
    content.widgets[place].model.clearExecution();
    void window.jupyterapp.commands.execute('notebook:run-cell');
}"""

APPEND = """async source => {
    const {content, context} = window.jupyterapp.shell.currentWidget;
    const shared = context.model.sharedModel;
    shared.insertCell(shared.cells.length, {cell_type: 'code', source, metadata: {trusted: true}});
    content.deselectAll();
    content.activeCellIndex = shared.cells.length - 1;
    await content.scrollToItem(content.activeCellIndex);
    void window.jupyterapp.commands.execute('notebook:run-cell');
    return shared.cells.slice(0, -1).filter(cell => cell.cell_type === 'code').length;
}"""


@dataclass(frozen=True)
class Lab:
    """A running server: its address, its token and the folder of its notebooks."""

    url: str
    token: str
    root: Path

    def request(self, path, method="GET"):
        """What the server answers, as text."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}{path}", headers=headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.read().decode()

    def end_kernels(self):
        """Kernels live in sessions of their own: they end through the server only."""
        for kernel in json.loads(self.request("/api/kernels")):
            self.request(f"/api/kernels/{kernel['id']}", "DELETE")


class Notebook:
    """An open notebook."""

    def __init__(self, page: Page, screenshots: Path) -> None:
        self.page = page
        self.screenshots = screenshots

    def run_all(self) -> None:
        """Start all cells; the command's promise would resolve only when the last one ends."""
        self.page.evaluate(
            "() => { void window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
        )

    def run(self, timeout: float = SLOW) -> Notebook:
        """Run all cells, wait for the last one, and return the notebook."""
        self.run_all()
        self.wait_for_cell(self.cells.count() - 1, timeout)
        return self

    @property
    def cells(self) -> Locator:
        """All code cells."""
        return self.page.locator(".jp-Notebook .jp-CodeCell")

    def cell(self, index: int) -> Locator:
        """A code cell, counted from 0."""
        return self.cells.nth(index)

    def wait_for_cell(self, index: int, timeout: float = SLOW) -> None:
        """Wait until the cell's prompt shows a number ("[*]" while it runs)."""
        prompt = self.cell(index).locator(".jp-InputPrompt")
        expect(prompt).to_have_text(re.compile(r"\[\d+\]:?"), timeout=timeout)

    def run_cell(self, index: int) -> None:
        """Run a code cell again and wait for it."""
        self.page.evaluate(RUN, index)
        self.wait_for_cell(index)

    def append(self, source: str) -> Locator:
        """Put a cell at the end, run it, and return it once it is done."""
        index = self.page.evaluate(APPEND, source)
        self.wait_for_cell(index)
        return self.cell(index)

    def delete(self, cell: Locator) -> None:
        """Delete the cell that was appended last."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:delete-cell')")
        expect(cell).to_have_count(0)

    def save_and_reload(self) -> None:
        """Load the page again, whose kernel goes on, until its widgets are drawn."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        lost = self.page.get_by_text("Error displaying widget: model not found")
        drawn = self.page.locator(".jp-OutputArea [class*='dragstream-']")
        for _ in range(4):  # ipywidgets looks for a model for two seconds; a page may begin slower
            self.page.reload()
            with suppress(Error):  # it may have given up without a word
                drawn.or_(lost).first.wait_for(state="attached", timeout=SLOW / 3)
            self.page.wait_for_load_state("networkidle", timeout=SLOW)  # or modules are cut off
            if drawn.count() > lost.count() == 0:
                break

    def send(self, widget: str, data: dict[str, object]) -> None:
        """Send a message to a widget as its page would.

        Args:
            widget: What is the widget in the kernel.
            data: {"method": "custom", "content": ...} or {"method": "update", "state": ...}.
        """
        self.page.evaluate(SEND, [self.python(f"print({widget}.model_id)"), data])

    def python(self, code: str) -> str:
        """Run code in the kernel beside the cells and return what it printed."""
        answer = self.page.evaluate(EXECUTE, code)
        assert answer["ok"], answer["text"]
        return answer["text"].strip()

    def expect(self, expression: str, value: str, seconds: float = 10 * PATIENCE) -> None:
        """Wait until the kernel prints `value` for an expression.

        A widget sends its next change when the last one has been answered, so what the mouse did
        last may still be under way.
        """
        end = time.monotonic() + seconds
        while (printed := self.python(f"print({expression})")) != value:
            assert time.monotonic() < end, f"{expression} is {printed}, expected {value}"
            time.sleep(0.1)

    def theme(self, name: str) -> None:
        """Switch to "JupyterLab Light" or "JupyterLab Dark"."""
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", name
        )
        light = "false" if "Dark" in name else "true"
        self.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")

    def screenshot(self, name: str, of: Locator | None = None) -> Path:
        """Keep a picture of the page, or of a part of it."""
        path = self.screenshots / f"{name}.png"
        (of or self.page).screenshot(path=str(path))
        return path


@pytest.fixture(scope="session")
def screenshots():
    """Where pictures of the pages are kept."""
    folder = Path(os.environ.get("DRAGSTREAM_SCREENSHOTS", REPOSITORY / "build" / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab on the loopback device, with settings of its own."""
    home = tmp_path_factory.mktemp("lab")
    root = home / "notebooks"
    root.mkdir()
    (home / "config" / "labconfig").mkdir(parents=True)
    # The news dialog covers the notebook and asks the internet.
    disabled = {"@jupyterlab/apputils-extension:announcements": True}
    (home / "config" / "labconfig" / "page_config.json").write_text(
        json.dumps({"disabledExtensions": disabled, "exposeAppInBrowser": True})
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    served = Lab(f"http://127.0.0.1:{port}", secrets.token_hex(16), root)
    with (home / "lab.log").open("w") as log:
        process = subprocess.Popen(
            _command(served, port),
            env=_environment(home),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_for_server(served, process, home / "lab.log")
            yield served
        finally:
            _stop(served, process)


def _command(served, port):
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={served.token}",
        f"--ServerApp.root_dir={served.root}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--ServerApp.allow_root=True",
    ]


def _environment(home):
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    return {
        **os.environ,
        **{name: str(home / folder) for name, folder in places.items()},
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONPATH": str(REPOSITORY),
    }


def _wait_for_server(served, process, log, seconds=90 * PATIENCE):
    end = time.monotonic() + seconds
    while True:
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-4000:]}")
        try:
            served.request("/api/status")
        except OSError:
            time.sleep(0.2)
        else:
            return


def _stop(served, process):
    with suppress(OSError):
        served.end_kernels()
    process.terminate()  # a clean stop, without the question
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="session")
def chromium():
    """The browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=CHROMIUM_ARGS, headless=True
        )
        yield browser
        browser.close()


@contextmanager
def opened_page(lab, chromium, screenshots, name):
    """Yields a function that opens a notebook; complains about errors on the page in the end."""
    page = chromium.new_page(viewport={"width": 1280, "height": 1080})
    page.set_default_timeout(SLOW)
    errors, foreign = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))

    def open_notebook(source, at="lab/tree"):
        foreign.extend(FOREIGN[at])
        path = lab.root / f"{name}.ipynb"
        if isinstance(source, Path):
            shutil.copy(source, path)
        else:
            spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
            cells = [new_code_cell(cell) for cell in source]
            made = new_notebook(cells=cells, metadata={"kernelspec": spec})
            nbformat.write(made, path)
        page.goto(f"{lab.url}/{at}/{path.name}?token={lab.token}&reset")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        page.wait_for_function(READY, polling=200)
        page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        return Notebook(page, screenshots)

    yield open_notebook
    page.close()
    lab.end_kernels()
    assert [error for error in errors if not any(text in error for text in foreign)] == []


@pytest.fixture(scope="module")
def notebook(lab, chromium, screenshots, request):
    """A function that opens a notebook: a path to copy, or the sources of its cells.

    It opens in JupyterLab, or ``at="notebooks"`` in Notebook 7, which the same server offers.
    The page lives as long as the module's tests: starting a kernel is what takes time.
    """
    with opened_page(lab, chromium, screenshots, request.path.stem) as open_notebook:
        yield open_notebook


@pytest.fixture
def other_notebook(lab, chromium, screenshots, request):
    """The same for one test alone, with a kernel of its own."""
    name = re.sub(r"\W+", "-", request.node.name)
    with opened_page(lab, chromium, screenshots, name) as open_notebook:
        yield open_notebook

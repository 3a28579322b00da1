"""A page with one widget whose Python side lives in the test: quick where JupyterLab is slow.

What is special to JupyterLab (its messages, reloads and restarts) is tested in a real one beside.
"""

from __future__ import annotations

import base64
import json
import time
from collections import deque

from playwright.sync_api import expect

THEMES = {
    "light": {
        "--jp-layout-color0": "#ffffff",
        "--jp-layout-color1": "#ffffff",
        "--jp-layout-color2": "#eeeeee",
        "--jp-border-color2": "#e0e0e0",
        "--jp-ui-font-color1": "rgba(0, 0, 0, 0.87)",
        "--jp-ui-font-color2": "rgba(0, 0, 0, 0.54)",
        "--jp-brand-color1": "#1976d2",
        "--jp-error-color1": "#d32f2f",
    },
    "dark": {
        "--jp-layout-color0": "#111111",
        "--jp-layout-color1": "#212121",
        "--jp-layout-color2": "#424242",
        "--jp-border-color2": "#616161",
        "--jp-ui-font-color1": "rgba(255, 255, 255, 1)",
        "--jp-ui-font-color2": "rgba(255, 255, 255, 0.7)",
        "--jp-brand-color1": "#2196f3",
        "--jp-error-color1": "#d32f2f",
    },
}

# The part of anywidget's model that the widgets use. Python is asked now and then what is new.
SCRIPT = """async ({code, state, poll}) => {
    const bytes = text => new DataView(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
    const read = value => value && value.bytes !== undefined ? bytes(value.bytes) : value;
    const values = Object.fromEntries(Object.entries(state).map(([k, v]) => [k, read(v)]));
    const heard = {};
    const tell = (event, ...words) => [...(heard[event] ?? [])].forEach(call => call(...words));
    const deliver = news => {
        for (const {changed, content, buffers} of JSON.parse(news)) {
            if (changed) {
                for (const [k, v] of Object.entries(changed)) values[k] = read(v);
                Object.keys(changed).forEach(name => tell(`change:${name}`));
            } else tell('msg:custom', content, buffers.map(bytes));
        }
    };
    let written = {};
    const model = {
        get: name => values[name],
        set: (name, value) => {
            values[name] = written[name] = value;
            tell(`change:${name}`);
        },
        save_changes: () => {
            void window.toPython(JSON.stringify({$written: written})).then(deliver);
            written = {};
        },
        send: content => void window.toPython(JSON.stringify(content)).then(deliver),
        on: (event, call) => void (heard[event] ??= new Set()).add(call),
        off: (event, call) => void heard[event]?.delete(call),
    };
    const url = URL.createObjectURL(new Blob([code], {type: 'text/javascript'}));
    const module = await import(url);
    const widget = await module.default();
    await widget.initialize({model});
    const show = () => {
        const el = document.body.appendChild(document.createElement('div'));
        return widget.render({model, el});
    };
    show();
    window.host = {show, tell};
    if (poll) setInterval(() => window.toPython('').then(deliver), 50);
}"""


class Host:
    """One widget on a page of its own.

    Args:
        page: An empty page.
        widget: What the page shows.
        poll: Whether news from Python are fetched all the time; without, only with answers.
    """

    def __init__(self, page, widget, *, poll=True):
        self.page = page
        self.widget = widget
        self.news = deque()
        self.bytes_sent = 0
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda note: note.type == "error" and self.errors.append(note.text))
        names = [name for name in widget.keys if not name.startswith("_")]
        widget.observe(self._changed, names)
        widget.send = self._sent
        page.expose_function("toPython", self._hear)
        page.set_content("<!doctype html><html><body style='margin: 12px'></body></html>")
        page.add_style_tag(content=str(widget._css))
        self.theme("light")
        state = {name: _packed(getattr(widget, name)) for name in names if name != "layout"}
        page.evaluate(SCRIPT, {"code": str(widget._esm), "state": state, "poll": poll})

    def theme(self, name):
        """Switch to "light" or "dark"."""
        self.page.evaluate(
            """([name, colours]) => {
                document.body.dataset.jpThemeLight = String(name === 'light');
                document.body.style.background = colours['--jp-layout-color0'];
                for (const [k, v] of Object.entries(colours)) document.body.style.setProperty(k, v);
            }""",
            [name, THEMES[name]],
        )

    def until(self, condition, seconds=30):
        """Wait until Python has come to it, with the page at work meanwhile."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end
            self.page.wait_for_timeout(30)

    def close(self):
        """Complain about errors on the page."""
        self.page.close()
        assert self.errors == []

    def _changed(self, change):
        changed = {change["name"]: _packed(change["new"])}
        if self.news and "changed" in self.news[-1]:  # what changes together travels together
            self.news[-1]["changed"] |= changed
        else:
            self.news.append({"changed": changed})

    def _sent(self, content, buffers=()):
        packed = [base64.b64encode(buffer).decode() for buffer in buffers]
        self.news.append({"content": content, "buffers": packed})

    def _hear(self, content):
        message = json.loads(content) if content else None
        if isinstance(message, dict) and "$written" in message:
            self.widget.set_state(message["$written"])
        elif content:
            self.widget._handle_custom_msg(message, [])
        news = []
        while self.news:
            news.append(self.news.popleft())
        answer = json.dumps(news)
        self.bytes_sent += len(answer) if news else 0
        return answer


class Panel(Host):
    """A widget that tells in the data attributes of its root what it shows."""

    def __init__(self, page, widget, root):
        super().__init__(page, widget)
        self.root = page.locator(root).first

    def shows(self, **data):
        """Wait until it shows this."""
        for name, value in data.items():
            expect(self.root).to_have_attribute(f"data-{name}", str(value))

    def button(self, name):
        """One of its buttons."""
        return self.root.get_by_role("button", name=name, exact=True)


def _packed(value):
    return {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value

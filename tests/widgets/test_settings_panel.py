import pytest

from dragstream.method.settings import DragSettings
from dragstream.widgets.settings_panel import FIELDS, SettingsPanel
from tests.widgets.swatches import Swatches

SPEC = Swatches().spec


@pytest.fixture
def panel():
    return SettingsPanel(SPEC)


def send(panel, **message):
    """Handle a message as if the page sent it."""
    panel._handle_custom_msg(message, [])


def field(panel, name):
    return next(item for item in panel.state["fields"] if item["name"] == name)


def test_it_shows_the_constants_as_the_model_resolves_them(panel):
    texts = {item["name"]: item["text"] for item in panel.state["fields"]}
    assert texts == {
        "iterations": "4",
        "learning_rate": "0.1",
        "denoising_step": "1",
        "cutoffs": "0.2, 0.4, 0.6, 1",
        "prediction_weight": "0",
        "neighbours": "9",
        "alpha": "1",
        "weight": "1",
    }
    assert panel.state["preset"] == "default"
    assert all(item["unit"] and item["range"] and item["symbol"] for item in panel.state["fields"])


def test_the_steps_are_counted_as_in_the_paper(panel):
    choices = field(panel, "denoising_step")["choices"]
    assert choices == [["0", "2 (step 1 of 2, σ = 1)"], ["1", "1 (step 2 of 2, σ = 0.7)"]]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("iterations", " 7 ", DragSettings(iterations=7)),
        ("learning_rate", "0.25", DragSettings(learning_rate=0.25)),
        ("denoising_step", "0", DragSettings(denoising_step=0)),
        ("cutoffs", "0.3, 1", DragSettings(cutoffs=(0.3, 1))),
        ("cutoffs", "0.3;0.5 1.0", DragSettings(cutoffs=(0.3, 0.5, 1))),
        ("neighbours", "3", DragSettings(rectification=3)),
        ("prediction_weight", "0.5", DragSettings(prediction_weight=0.5)),
        ("alpha", "1.5", DragSettings(focus=1.5)),
        ("weight", "0", DragSettings(constraint=0)),
    ],
)
def test_what_is_written_is_taken_over(panel, name, text, expected):
    send(panel, type="set", name=name, text=text)
    assert panel.settings == expected
    assert panel.state["problems"] == {}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("iterations", "four", "iterations must be a number"),
        ("iterations", "1.5", "iterations"),
        ("iterations", "-1", "iterations"),
        ("iterations", "", "iterations must be one number"),
        ("learning_rate", "0", "learning_rate"),
        ("learning_rate", "1 2", "must be one number"),
        ("denoising_step", "9", "0 to 1, got 9"),
        ("cutoffs", "0.2, 1.2", "cutoffs"),
        ("cutoffs", "", "cutoffs"),
        ("neighbours", "-3", "neighbours"),
        ("alpha", "nan", "alpha"),
        ("weight", "<b>2</b>", "'<b>2</b>'"),
    ],
)
def test_what_is_wrong_is_answered_beside_its_field(panel, name, text, message):
    send(panel, type="set", name="neighbours", text="5")
    before = panel.settings
    send(panel, type="set", name=name, text=text)
    assert panel.settings is before
    assert list(panel.state["problems"]) == [name]
    assert message in panel.state["problems"][name]
    send(panel, type="set", name="iterations", text="2")
    assert panel.state["problems"] == {}


@pytest.mark.parametrize(
    ("name", "by", "expected"),
    [
        ("iterations", -1, DragSettings(iterations=3)),
        ("learning_rate", 1, DragSettings(learning_rate=0.11)),
        ("neighbours", 1, DragSettings(rectification=10)),
        ("prediction_weight", 1, DragSettings(prediction_weight=0.05)),
        ("alpha", -1, DragSettings(focus=0.75)),
        ("weight", 1, DragSettings(constraint=1.25)),
    ],
)
def test_clicks_change_a_field_by_its_step(panel, name, by, expected):
    assert field(panel, name)["steps"]
    send(panel, type="nudge", name=name, by=by)
    assert panel.settings == expected
    send(panel, type="nudge", name=name, by=-by)
    assert panel.settings.resolve(SPEC) == DragSettings().resolve(SPEC)


def test_clicks_end_where_a_field_does(panel):
    send(panel, type="set", name="iterations", text="1")
    for _ in range(2):
        send(panel, type="nudge", name="iterations", by=-1)
    assert panel.settings.iterations == 0
    assert "iterations" in panel.state["problems"]["iterations"]
    assert not field(panel, "cutoffs")["steps"]
    send(panel, type="nudge", name="cutoffs", by=1)
    assert "no steps" in panel.state["problems"]["cutoffs"]


def test_parts_are_switched_off_and_come_back_as_they_were(panel):
    send(panel, type="set", name="alpha", text="2")
    send(panel, type="switch", name="alpha", on=False)
    assert panel.settings.focus is False
    assert field(panel, "alpha")["on"] is False
    assert field(panel, "alpha")["text"] == ""
    send(panel, type="switch", name="alpha", on=True)
    assert panel.settings == DragSettings(focus=2)
    for name in ("cutoffs", "neighbours", "weight"):
        send(panel, type="switch", name=name, on=False)
    off = DragSettings(focus=2, cutoffs=False, rectification=False, constraint=False)
    assert panel.settings == off


def test_presets(panel):
    send(panel, type="preset", name="released")
    assert panel.settings == DragSettings.released()
    assert panel.state["preset"] == "released"
    send(panel, type="set", name="iterations", text="2")
    assert panel.settings == DragSettings.released(iterations=2)
    assert panel.state["preset"] is None


def test_python_sets_it_too(panel):
    heard = []
    panel.observe(lambda change: heard.append(change["new"]), "settings")
    panel.settings = DragSettings(iterations=1)
    assert field(panel, "iterations")["text"] == "1"
    assert heard == [panel.settings]
    with pytest.raises(ValueError, match="denoising_step"):
        panel.settings = DragSettings(denoising_step=5)
    assert panel.settings == DragSettings(iterations=1)
    assert repr(panel) == "SettingsPanel(DragSettings(iterations=1))"


@pytest.mark.parametrize(
    "message",
    [
        {"type": "set", "name": "iterations", "text": 3},
        {"type": "set", "name": "iterations"},
        {"type": "set", "name": "seed", "text": "3"},
        {"type": "switch", "name": "alpha", "on": 1},
        {"type": "switch", "name": "iterations", "on": False},
        {"type": "preset", "name": "mine"},
        {"type": "nudge", "name": "iterations", "by": 2},
        {"type": "nudge", "name": "iterations", "by": 0.5},
        {"type": "nudge", "name": "seed", "by": 1},
        {"type": "eval", "text": "1"},
        [1, 2],
    ],
)
def test_messages_that_make_no_sense_change_nothing(panel, message, monkeypatch):
    sent = []
    monkeypatch.setattr(panel, "send", lambda content, *_: sent.append(content))
    before = panel.settings
    panel._handle_custom_msg(message, [])
    assert panel.settings is before
    assert sent or panel.state["problems"]


def test_the_page_writes_no_traits(panel):
    panel.set_state({"state": {"fields": []}})
    assert len(panel.state["fields"]) == len(FIELDS)

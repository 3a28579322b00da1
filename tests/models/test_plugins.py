"""Models that other packages offer, without installing any: their metadata lies on the path."""

from __future__ import annotations

import sys

import pytest

from dragstream import models
from dragstream.models import plugins

MODEL = """
from types import SimpleNamespace

made = []
PARTS = ("encode_text", "new_context", "with_text", "denoise", "commit", "read", "decode",
         "encode_image", "fingerprint", "spec")

def load():
    made.append(SimpleNamespace(**{part: len for part in PARTS}))
    return made[-1]

def half():
    return SimpleNamespace(spec=None, denoise=len)

constant = 3
"""


@pytest.fixture
def offer(tmp_path, monkeypatch):
    """Put a package on the path that announces what is given as {name: value}."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def announce(entries, package="dragstream-thirdparty"):
        module = package.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(MODEL)
        monkeypatch.delitem(sys.modules, module, raising=False)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in entries.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{plugins.GROUP}]", *lines]) + "\n")
        return module

    return announce


def test_an_offered_model_is_listed_without_running_its_code_and_loaded_by_name(offer):
    module = offer({"walrus": "dragstream_thirdparty:load"})
    assert models.available()[0] == "playground"
    assert "walrus" in models.available()
    assert module not in sys.modules
    assert models.load("walrus") is sys.modules[module].made[0]


def test_what_is_no_model_is_refused_by_what_it_lacks(offer):
    offer({"half": "dragstream_thirdparty:half", "three": "dragstream_thirdparty:constant"})
    with pytest.raises(TypeError, match=r"'half' of 'dragstream-thirdparty'.*lacks commit, decode"):
        models.load("half")
    with pytest.raises(TypeError, match="function that makes it, got 3"):
        models.load("three")


def test_a_broken_announcement_names_its_package(offer):
    offer({"gone": "dragstream_thirdparty:gone"})
    with pytest.raises(ImportError, match=r"'gone' of 'dragstream-thirdparty'"):
        models.load("gone")


def test_a_name_that_two_packages_offer_is_refused(offer):
    offer({"twin": "dragstream_thirdparty:load"})
    offer({"twin": "dragstream_other:load"}, package="dragstream-other")
    with pytest.raises(ValueError, match=r"'twin'.*dragstream-other, dragstream-thirdparty"):
        models.load("twin")


def test_the_packages_own_names_cannot_be_taken(offer, monkeypatch):
    offer({"playground": "dragstream_thirdparty:load"})
    assert models.available().count("playground") == 1
    own = object()
    monkeypatch.setattr("dragstream.models.playground.load", lambda: own)
    assert models.load("playground") is own

"""`~` is the home folder wherever a path is taken."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import dragstream as ds
from dragstream.drags.labels import read_label, read_labels
from dragstream.metrics.dai import read_latents
from dragstream.metrics.inception import load_inception
from dragstream.metrics.perceptual import LPIPS
from dragstream.metrics.videos import find_media, read_frames
from dragstream.models.playground.model import WEIGHTS, Playground
from dragstream.models.wan.assembly import load
from dragstream.models.wan.releases import read_note
from dragstream.models.wan.tiny import write_tiny
from dragstream.revel.folders import RunFolder, read_about
from dragstream.revel.suites import read_cases, write_cases


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home folder of our own, which is not where the test runs."""
    folder = tmp_path / "home"
    folder.mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def test_models(home):
    assert write_tiny("~/tiny") == home / "tiny"
    model = load("~/tiny", device="cpu", cache="~/cache", progress=False)
    again = load("~/tiny", base="~/tiny", device="cpu", cache=False, progress=False)
    assert model.fingerprint() == again.fingerprint()
    assert (home / "cache").is_dir()
    assert ds.load("~/tiny", device="cpu", cache=False, progress=False).spec == model.spec
    assert ds.plan("~/tiny", device="cpu").release == read_note("~/tiny")
    shutil.copytree(WEIGHTS, home / "weights")
    assert Playground.from_folder("~/weights").spec.name == "playground"


def test_labels_and_metrics(home):
    (home / "picture").mkdir()
    Image.new("RGB", (4, 4), "red").save(home / "picture" / "a.png")
    assert find_media(["~/picture"]) == [home / "picture" / "a.png"]
    assert read_frames("~/picture/a.png").shape == (1, 4, 4, 3)
    np.save(home / "latents.npy", np.zeros((2, 3, 4, 4), np.float32))
    assert read_latents("~/latents.npy").shape == (2, 3, 4, 4)
    (home / "label").mkdir()
    for read in (read_label, read_labels):
        with pytest.raises(ValueError, match=f"{home}/label"):
            read("~/label")
    for call in (lambda: LPIPS("~/a.pth")._loaded, lambda: load_inception("~/a.pth")):
        with pytest.raises(FileNotFoundError, match=f"{home}/a.pth"):
            call()


def test_runs_and_cases(home):
    with RunFolder.open("~/run") as store:
        store.begin("playground", [])
    assert json.loads((home / "run" / "run.json").read_text())["model"] == "playground"
    assert read_about("~/run")["model"] == "playground"
    assert write_cases("~/cases.jsonl", []) == home / "cases.jsonl"
    assert read_cases("~/cases.jsonl") == ()

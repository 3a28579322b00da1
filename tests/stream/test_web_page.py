"""Streams as self-contained web pages."""

import base64
import hashlib
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

import dragstream as ds
from dragstream.stream.drag_targets import target_places
from dragstream.stream.web_page import outline_path
from tests.widgets.swatches import DRAG, Swatches, dragged_stream

HOSTILE = "</script><script>window.hit = 1</script><img src=x onerror=alert(1)> & \u2028"


def document(path):
    text = path.read_text(encoding="utf-8")
    (data,) = re.findall(r'id="document">(.*?)</script>', text, re.DOTALL)
    return text, json.loads(data)


def decoded(picture):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB"), int)


def test_a_page_holds_frames_drags_and_statistics_of_every_branch(tmp_path):
    stream = dragged_stream(2, 1)
    plain = stream.fork(1)
    plain.step()
    text, page = document(stream.to_html(tmp_path / "take.html", beside={"plain": plain}))

    assert [branch["name"] for branch in page["branches"]] == ["main", "plain"]
    main, other = (branch["blocks"] for branch in page["branches"])
    assert main[0] == other[0]  # a shared block is stored once
    assert len(page["blocks"]) == len(stream) + 1
    for number, block in zip(main, stream.blocks, strict=True):
        written = page["blocks"][number]
        assert len(written["frames"]) == len(block.frames)
        assert np.abs(decoded(written["frames"][-1]) - block.frames[-1]).mean() < 6
        assert written["prompt"] == block.prompt
        found = [np.nan if value is None else value for value in written["drift"]]
        np.testing.assert_allclose(found, block.drift, rtol=1e-4)
    dragged = next(block for block in stream.blocks if block.drags)
    (drag,) = page["blocks"][main[dragged.index]]["drags"]
    places = list(target_places(dragged, dragged.drags[0].motion))
    assert [target["frame"] for target in drag["targets"]] == [frame for frame, _ in places]
    assert drag["targets"][-1]["matrix"] == [1, 0, 10, 0, 1, 2.5]  # half of the way
    assert drag["outline"] == outline_path(DRAG.mask(64, 96))
    assert "http:" not in re.sub(r"http://www\.w3\.org/2000/svg", "", text)


def test_the_policy_allows_the_page_s_own_script_alone(tmp_path):
    stream = ds.Stream(Swatches(), HOSTILE)
    stream.step()
    text, page = document(stream.to_html(tmp_path / "take.html"))
    assert page["blocks"][0]["prompt"] == HOSTILE
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)  # the prompt adds none
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; script-src 'sha256-{digest}'" in text
    assert "innerHTML" not in script


def test_frames_are_scaled_down_to_the_limit(tmp_path):
    stream = dragged_stream(2, 1)
    stream.to_html(tmp_path / "large.html")
    full = (tmp_path / "large.html").stat().st_size / 1e6
    _, page = document(stream.to_html(tmp_path / "small.html", megabytes=0.001))
    assert page["shownWidth"] == 64  # of 96
    assert decoded(page["blocks"][0]["frames"][0]).shape == (43, 64, 3)
    assert (tmp_path / "small.html").stat().st_size / 1e6 < full


def test_outlines_follow_the_edges_of_pixels():
    mask = np.zeros((4, 5), bool)
    mask[1:3, 2:4] = True
    mask[0, 0] = True
    rows = {"M-0.5 -0.5h1", "M-0.5 0.5h1", "M1.5 0.5h2", "M1.5 2.5h2"}
    columns = {"M-0.5 -0.5v1", "M0.5 -0.5v1", "M1.5 0.5v2", "M3.5 0.5v2"}
    assert set(re.findall(r"M[^M]+", outline_path(mask))) == rows | columns
    assert outline_path(np.ones((2, 3), bool)).count("M") == 4


def test_bad_arguments_leave_no_file(tmp_path):
    stream, empty = dragged_stream(1, 1), ds.Stream(Swatches(), "red")
    for arguments, error, message in (
        ({"path": tmp_path / "take.htm"}, ValueError, "must end in '.html'"),
        ({"path": tmp_path / "a" / "take.html"}, ValueError, "there is no folder"),
        ({"megabytes": 0}, ValueError, "megabytes must be"),
        ({"beside": {"main": stream}}, ValueError, "two streams have the name 'main'"),
        ({"beside": {"other": dragged_stream(1, 1)}}, TypeError, "streams of the same model"),
    ):
        with pytest.raises(error, match=message):
            stream.to_html(**{"path": tmp_path / "take.html", **arguments})
    with pytest.raises(ValueError, match="'main' has no blocks yet"):
        empty.to_html(tmp_path / "take.html")
    assert list(tmp_path.iterdir()) == []

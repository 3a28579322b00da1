"""Files of tracks, ours and those of others."""

from __future__ import annotations

import io
import json
import pickle

import numpy as np
import pytest
import torch

from dragstream.drags import read_tracks, regions, write_tracks
from dragstream.drags.geometry import FrameClock
from dragstream.drags.motions import Drag, Translation, targets
from dragstream.drags.tracks import Tracks, drags_to_tracks, tracks_to_drags

CLOCK = FrameClock(temporal_factor=4, frame_rate=16.0)
DRAG = Drag(regions.disc((20, 30), 6), Translation([(20, 30), (40, 10), (60, 30)]))
OTHER = Drag(regions.disc((50, 40), 6), Translation.by(-16, 4))


def tracks():
    """Two points for 9 frames; the second is hidden at the end."""
    made = drags_to_tracks([DRAG, OTHER], CLOCK, 2, 60, 90)
    visible = made.visible.copy()
    visible[7:, 1] = False
    return Tracks(made.points, visible, made.frame_rate)


@pytest.mark.parametrize("name", ["a_tracks.npy", "a.npz", "a.json", "a.pth"])
def test_round_trips(name, tmp_path) -> None:
    made = tracks()

    assert write_tracks(made, tmp_path / name) == tmp_path / name

    found = read_tracks(tmp_path / name)
    if name != "a.pth":  # which resamples
        np.testing.assert_array_equal(found.visible, made.visible)
        np.testing.assert_array_equal(found.points[made.visible], made.points[made.visible])
    drags, _ = tracks_to_drags(found, CLOCK, radius=6)
    for drag, back in zip((DRAG, OTHER), drags[:2], strict=True):
        for wanted, target in zip(
            targets(drag.motion, 2)[: int(back.motion.duration)],
            targets(back.motion, int(back.motion.duration)),
            strict=True,
        ):
            np.testing.assert_allclose(target.matrix, wanted.matrix, atol=0.13)
    assert [drag.motion.duration for drag in drags] == [2, 1]


def test_positions_and_visibility_of_others(tmp_path) -> None:
    points = np.arange(24, dtype=np.float32).reshape(1, 6, 2, 2)  # a batch of one
    scores = np.array([[0.9, 0.2]] * 6)[None, ..., None]
    np.save(tmp_path / "x_tracks.npy", points)
    np.save(tmp_path / "x_visibility.npy", scores)
    np.save(tmp_path / "elsewhere.npy", scores[0] > 2)
    np.savez(tmp_path / "x.npz", pred_tracks=points, pred_visibility=scores > 0.5)

    beside, inside = read_tracks(tmp_path / "x_tracks.npy"), read_tracks(tmp_path / "x.npz")
    named = read_tracks(tmp_path / "x_tracks.npy", visibility=tmp_path / "elsewhere.npy")

    for found in (beside, inside):
        np.testing.assert_array_equal(found.points, points[0])
        np.testing.assert_array_equal(found.visible, [[True, False]] * 6)
    assert not named.visible.any()


@pytest.mark.parametrize("quote", ['"', "'"])
def test_splines_of_the_editors(quote, tmp_path) -> None:
    long = [{"x": n, "y": 2.5 * n} for n in range(5)]
    file = tmp_path / "spline.json"

    file.write_text(json.dumps(long).replace('"', quote))
    assert read_tracks(file).points[:, 0].tolist() == [[n, 2.5 * n] for n in range(5)]

    file.write_text(json.dumps([long, long[:3]]).replace('"', quote))
    found = read_tracks(file, frame_rate=16.0)
    assert found.points.shape == (5, 2, 2)
    assert found.visible.sum(axis=0).tolist() == [5, 3]
    assert found.frame_rate == 16


def save_ati(file, array, name="array"):
    content = io.BytesIO()
    np.savez_compressed(content, **{name: array})
    torch.save(content.getvalue(), file)


def test_a_file_of_ati(tmp_path) -> None:
    array = np.zeros((2, 121, 1, 3), np.float32)
    array[:, :, 0, 0] = 8 * np.arange(121)
    array[1, :, 0, 1] = 80
    array[:, :, 0, 2] = 8
    array[1, 60:, 0, 2] = 0
    save_ati(tmp_path / "a.pth", array)

    found = read_tracks(tmp_path / "a.pth")

    assert found.frame_rate == 24
    assert found.points[120].tolist() == [[120, 0], [120, 10]]
    assert found.visible.sum(axis=0).tolist() == [121, 60]
    drags, _ = tracks_to_drags(found, CLOCK, radius=4)
    assert [drag.motion.duration for drag in drags] == [20, 9]
    # 81 frames at 16 a second show what 121 do at 24
    assert drags[0].motion.at(1).matrix[0][2] == pytest.approx(120)


def test_a_file_for_ati_has_its_form(tmp_path) -> None:
    write_tracks(tracks(), tmp_path / "a.pth")

    content = torch.load(tmp_path / "a.pth", weights_only=True)
    array = np.load(io.BytesIO(content))["array"]
    assert (array.shape, array.dtype) == ((2, 121, 1, 3), np.float32)
    assert array[1, 0, 0].tolist() == [400, 320, 8]
    assert (array[0, 13:, 0, 2] == 0).all()  # half a second takes 13 frames
    with pytest.raises(ValueError, match="tracks need a frame_rate"):
        write_tracks(Tracks(np.ones((2, 1, 2))), tmp_path / "b.pth")
    with pytest.raises(ValueError, match=r"hold five seconds, got 6\.25 seconds"):
        write_tracks(Tracks(np.ones((101, 1, 2)), None, 16.0), tmp_path / "b.pth")


SPLINES = [
    ("[]", "a list of points"),
    ("{}", "a list of points"),
    ("[[]]", r"\[0\] must be a list of points, got \[\]"),
    ('[{"x": 1}]', r"\[0\] must be a point {x, y}"),
    ('[[{"x": 1, "y": 2}], [{"x": 1, "y": "b"}]]', r"\[1\]\[0\].y must be a number, got 'b'"),
    ('[{"x": 1, "y": NaN}]', r"\[0\].y must be finite"),
    ("[[1, 2], [3, 4]]", r"\[0\]\[0\] must be a point {x, y}, got 1"),
    ("[" * 100_000, "nests too deeply"),
    ("points", "Expecting value"),
]


@pytest.mark.parametrize(("text", "said"), SPLINES)
def test_bad_splines_say_where(text, said, tmp_path) -> None:
    file = tmp_path / "a.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=f"a.json: .*{said}"):
        read_tracks(file)


def test_bad_arrays_say_where(tmp_path) -> None:
    np.save(tmp_path / "flat.npy", np.zeros((9, 2)))
    np.save(tmp_path / "text.npy", np.full((9, 1, 2), "a"))
    np.save(tmp_path / "code.npy", np.array([{}]), allow_pickle=True)
    np.savez(tmp_path / "other.npz", frames=np.zeros(3))
    np.save(tmp_path / "a_tracks.npy", np.zeros((9, 1, 2)))
    np.save(tmp_path / "a_visibility.npy", np.ones((8, 1)))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "other.npz").read_bytes()[:60])
    save_ati(tmp_path / "shape.pth", np.zeros((2, 121, 3)))
    save_ati(tmp_path / "name.pth", np.zeros((2, 121, 1, 3)), name="tracks")
    torch.save({"array": 1}, tmp_path / "kind.pth")
    for name, text in {
        "flat.npy": r"numbers of shape \(T, N, 2\), got float64 \(9, 2\)",
        "text.npy": r"numbers of shape \(T, N, 2\), got <U1",
        "code.npy": "allow_pickle=False",
        "other.npz": r"it holds \['frames'\], but tracks are called tracks or",
        "cut.npz": "zip",
        "shape.pth": r"shape \(N, 121, 1, 3\), got float64 \(2, 121, 3\)",
        "name.pth": r"its npz holds \['tracks'\]",
        "kind.pth": "must hold the bytes of an npz, got dict",
    }.items():
        with pytest.raises(ValueError, match=f"{name}: .*{text}"):
            read_tracks(tmp_path / name)
    with pytest.raises(ValueError, match=r"a_visibility.npy: .*shape \(9, 1\), got float64 \(8, 1"):
        read_tracks(tmp_path / "a_tracks.npy")
    with pytest.raises(ValueError, match=r"read from \.npy, \.npz, \.json, \.pth, got"):
        read_tracks(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"goes with \.npy"):
        read_tracks(tmp_path / "cut.npz", visibility=tmp_path / "a_visibility.npy")
    with pytest.raises(FileNotFoundError, match=r"nothing\.npy"):
        read_tracks(tmp_path / "nothing.npy")
    with pytest.raises(ValueError, match="written to"):
        write_tracks(tracks(), tmp_path / "a.csv")


class Code:
    def __reduce__(self):
        return print, ("executed",)


def test_no_code_of_a_file_is_executed(tmp_path, capsys) -> None:
    (tmp_path / "a.pth").write_bytes(pickle.dumps(Code(), protocol=2))
    np.save(tmp_path / "a.npy", np.array([Code()], dtype=object), allow_pickle=True)
    for name in ("a.pth", "a.npy"):
        with pytest.raises(ValueError, match=name):
            read_tracks(tmp_path / name)
    assert capsys.readouterr().out == ""

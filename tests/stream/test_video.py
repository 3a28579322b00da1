import base64
import io
import subprocess
import sys

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image, ImageSequence

from dragstream.metrics.videos import read_video
from dragstream.stream import Stream
from dragstream.stream.video import Clip, filmstrip_png, to_gif, to_mp4


@pytest.fixture(scope="module")
def filled(model):
    stream = Stream(model, "red ball", seed=7)
    stream.run(3, progress=False)
    return stream


def read_mp4(path):
    """The frames of a 48x32 video, and what ffmpeg says about it."""
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    command = [ffmpeg, "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    result = subprocess.run(command, check=True, capture_output=True)
    frames = np.frombuffer(result.stdout, np.uint8).reshape(-1, 32, 48, 3)
    return frames, result.stderr.decode()


def colours(count=6, size=(32, 48)):
    """Frames of one colour each, far apart."""
    frames = np.zeros((count, *size, 3), np.uint8)
    for number in range(count):
        frames[number] = [40 * number, 255 - 40 * number, 128]
    return frames


def test_an_mp4_holds_the_frames_at_the_models_rate(filled, tmp_path):
    path = filled.to_mp4(tmp_path / "take.mp4")
    frames, log = read_mp4(path)
    assert " 8 fps" in log
    assert len(frames) == 17
    error = np.abs(frames.astype(float) - filled.frames).mean()
    assert error < 25  # chroma at half the resolution
    assert list(tmp_path.iterdir()) == [path]


def test_colours_survive_an_mp4(tmp_path):
    frames = colours()
    path = to_mp4(frames, tmp_path / "a.mp4", 4)
    read, _ = read_mp4(path)
    assert np.abs(read.astype(float) - frames).max() < 12


def test_a_gif_loops_and_holds_every_frame(filled, tmp_path):
    path = filled.to_gif(tmp_path / "take.gif", frame_rate=12.5)
    with Image.open(path) as image:
        durations = []
        frames = []
        for part in ImageSequence.Iterator(image):
            frames.append(np.array(part.convert("RGB")))
            durations.append(part.info["duration"])
        assert image.info["loop"] == 0
    assert durations == [80] * 17  # also where a frame equals the one before
    assert np.abs(np.stack(frames).astype(float) - filled.frames).mean() < 12
    assert list(tmp_path.iterdir()) == [path]


def test_equal_frames_are_in_a_gif_as_often_as_in_the_video(tmp_path):
    frames = colours()[[0, 0, 0, 1, 2, 2, 2]]
    path = to_gif(frames, tmp_path / "a.gif", 10)
    with Image.open(path) as image:
        shown = [np.array(part.convert("RGB")) for part in ImageSequence.Iterator(image)]
    assert np.array_equal(np.stack(shown), frames)  # few colours are kept as they are
    assert np.array_equal(read_video(path), frames)


def test_a_change_in_a_corner_is_all_that_a_gif_adds(tmp_path):
    frames = np.repeat(colours(count=1), 3, axis=0)
    frames[1, -1, -1] = 255
    frames[2, 5:9, 7:20] = [255, 0, 0]
    path = to_gif(frames, tmp_path / "a.gif", 10)
    assert np.array_equal(read_video(path), frames)


@pytest.mark.parametrize(
    ("rate", "hundredths"),
    [
        (8, [12, 13, 13, 12]),
        (16, [6, 6, 7, 6]),
        (25, [4, 4, 4, 4]),
        (30, [3, 4, 3, 3]),
        (24, [4, 4, 4, 5]),
    ],
)
def test_a_gif_keeps_the_rate_on_average(tmp_path, rate, hundredths):
    """Frame i ends at the hundredth of a second nearest to (i + 1) / rate."""
    path = to_gif(colours()[[0, 1, 2, 3] * 6], tmp_path / "a.gif", rate)
    with Image.open(path) as image:
        times = [part.info["duration"] for part in ImageSequence.Iterator(image)]
    ends = np.cumsum(times) / 1000
    assert np.abs(ends - np.arange(1, 25) / rate).max() <= 0.005 + 1e-9
    assert [time // 10 for time in times[:4]] == hundredths
    assert len(read_video(path)) == 24


@pytest.mark.parametrize(("rate", "least", "most"), [(60, 20, 20), (0.001, 655350, 655350)])
def test_rates_that_a_gif_cannot_have_are_rounded_with_a_warning(tmp_path, rate, least, most):
    with pytest.warns(UserWarning, match=f"a gif has 0.00153 to 50 frames a second.*{rate}"):
        path = to_gif(colours(), tmp_path / "a.gif", rate)
    with Image.open(path) as image:
        times = [part.info["duration"] for part in ImageSequence.Iterator(image)]
    assert len(times) == 6
    assert (min(times), max(times)) == (least, most)


def test_a_gif_of_other_programs_is_read_by_its_durations(tmp_path):
    """Pillow leaves out a frame that equals the one before, and shows that one for longer."""
    frames = colours()[[0, 0, 0, 1, 2, 2]]
    images = [Image.fromarray(frame) for frame in frames]
    path = tmp_path / "a.gif"
    images[0].save(path, save_all=True, append_images=images[1:], duration=80, loop=0)
    with Image.open(path) as image:
        assert image.n_frames == 3
    assert np.array_equal(read_video(path), frames)
    assert np.array_equal(read_video(path, first=2, count=3), frames[2:5])
    with pytest.raises(ValueError, match="has 6 frames, but frames 5 to 7 are needed"):
        read_video(path, first=5, count=3)
    times = [10, 655350, 655350]
    images[0].save(path, save_all=True, append_images=images[3:5], duration=times)
    with pytest.raises(ValueError, match="131071 frames by its durations; at most 100000"):
        read_video(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ValueError, match="cannot be read as a video"):
        read_video(path)


@pytest.mark.parametrize("name", ["take.avi", "take", "mp4"])
def test_other_suffixes_are_refused(filled, tmp_path, name):
    for call, suffix in ((filled.to_mp4, ".mp4"), (filled.to_gif, ".gif")):
        with pytest.raises(ValueError, match=f"must end in '{suffix}'"):
            call(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rate", "error"),
    [(0, ValueError), (-1, ValueError), (float("nan"), ValueError), ("8", TypeError)],
)
def test_bad_frame_rates_are_refused(filled, tmp_path, rate, error):
    for call, name in ((filled.to_mp4, "a.mp4"), (filled.to_gif, "a.gif")):
        with pytest.raises(error, match="frame_rate"):
            call(tmp_path / name, frame_rate=rate)


def test_numpys_numbers_will_do(filled, tmp_path):
    written = filled.to_gif(tmp_path / "a.gif", frame_rate=np.float32(8)).read_bytes()
    assert filled.to_gif(tmp_path / "b.gif", frame_rate=8).read_bytes() == written
    assert filled.display(width=np.int64(100)).width == 100


def test_a_folder_of_that_name_is_refused(filled, tmp_path):
    for call, name in ((filled.to_mp4, "a.mp4"), (filled.to_gif, "a.gif")):
        (tmp_path / name).mkdir()
        with pytest.raises(ValueError, match=f"{name}' is a folder"):
            call(tmp_path / name)


def test_an_empty_stream_has_no_video(model, tmp_path):
    stream = Stream(model, "red")
    for call in (
        lambda: stream.to_mp4(tmp_path / "a.mp4"),
        lambda: stream.to_gif(tmp_path / "a.gif"),
        stream.display,
    ):
        with pytest.raises(ValueError, match="no frames yet"):
            call()
    assert stream._repr_mimebundle_() == {"text/plain": repr(stream)}


def test_a_folder_that_does_not_exist_is_refused(filled, tmp_path):
    with pytest.raises(ValueError, match="no folder"):
        filled.to_mp4(tmp_path / "no" / "a.mp4")


def test_a_stream_shows_itself(filled):
    bundle = filled._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/plain"] == "Stream('tiny', 'red ball', seed=7, blocks=3)"
    assert bundle["text/html"].startswith('<video src="data:video/mp4;base64,')
    assert "loop" in bundle["text/html"]
    assert "muted" in bundle["text/html"]
    assert 'width="336"' in bundle["text/html"]  # 48 pixels, enlarged to at least 320
    assert 'width="100"' in filled.display(width=100)._repr_html_()
    with pytest.raises(ValueError, match="width"):
        filled.display(width=0)
    with pytest.raises(TypeError, match="width"):
        filled.display(width="10")


def test_what_is_shown_of_a_long_stream_is_bounded(filled, monkeypatch):
    shown = []
    monkeypatch.setattr(
        Clip,
        "of",
        classmethod(lambda cls, frames, *_, **__: shown.append(frames) or cls(b"", "", 1)),
    )
    monkeypatch.setattr("dragstream.stream.export._SHOWN", 12)
    filled._repr_mimebundle_()
    assert np.array_equal(shown[0], filled.frames[-12:])


def test_without_ffmpeg_files_say_so_and_notebooks_get_a_gif(filled, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match=r"dragstream\[widgets\]"):
        filled.to_mp4(tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []
    clip = filled.display()
    assert clip.mime == "image/gif"
    assert clip._repr_html_().startswith('<img src="data:image/gif;base64,')
    with Image.open(io.BytesIO(clip.data)) as image:
        assert image.size == (48, 32)


def test_labels_are_escaped():
    clip = Clip.of(colours(), 8, label='"><script>')
    assert "<script>" not in clip._repr_html_()


def test_a_blocks_strip_shows_its_frames_side_by_side(filled):
    frames = colours(count=3)
    with Image.open(io.BytesIO(filmstrip_png(frames, height=16))) as image:
        assert image.size == (3 * 24 + 2 * 2, 16)
        for number in range(3):
            assert image.getpixel((26 * number + 12, 8)) == tuple(frames[number, 0, 0])
    page = filled.blocks[0]._repr_html_()
    assert "Block(0, step, 5 frames): red ball" in page
    data = page.split("base64,")[1].split('"')[0]
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.size == (5 * 144 + 4 * 2, 96)

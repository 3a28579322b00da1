"""Captions: a closed vocabulary, read phrase by phrase."""

from __future__ import annotations

import pytest
import torch

from dragstream.models.playground import captions, world


def test_a_caption_names_what_the_scene_holds() -> None:
    scenes = world.sample_scenes(torch.Generator().manual_seed(0), 20, 1)
    for index in range(len(scenes)):
        text = captions.caption(scenes, index)
        assert list(world.PLACES)[int(scenes.place[index])] in text
        for slot in range(2):
            color = list(world.COLORS)[int(scenes.color[index, slot])]
            assert (color in text.split()) == bool(scenes.present[index, slot])
        assert ("the camera pans" in text) == bool(scenes.camera[index])
        assert len(captions.phrases(text)) <= captions.PHRASES


def test_phrases_keep_a_colour_with_its_object() -> None:
    assert captions.phrases("A red critter slides right, past a blue box in a meadow.") == [
        ["red", "critter", "slides", "right"],
        ["blue", "box"],
        ["meadow"],
    ]


@pytest.mark.parametrize(
    "prompt",
    [
        "“a red critter” past ‘a blue box’",
        "\"a red critter\" past 'a blue box'",
        "«red critter» past „a blue box“",
    ],
)
def test_quotation_marks_say_nothing(prompt: str) -> None:
    assert captions.phrases(prompt) == [["red", "critter"], ["blue", "box"]]


def test_gray_and_grey_are_known_and_leave_the_colour_open() -> None:
    assert captions.phrases("a gray critter and a Grey box") == [["critter"], ["box"]]
    grey, plain = captions.word_counts(["a grey box", "a box"])
    assert torch.equal(grey, plain)
    # What the packaged weights know by number stays where it was.
    assert captions.word_counts(["a box"]).shape == (1, 4, 24)
    with pytest.raises(ValueError, match="says nothing"):
        captions.phrases("grey")


def test_an_unknown_word_is_answered_with_the_vocabulary() -> None:
    with pytest.raises(ValueError, match=r"'turquoise', 'walrus'.*critter.*meadow"):
        captions.phrases("a turquoise walrus")


@pytest.mark.parametrize("prompt", ["", "   ", "a the and"])
def test_a_prompt_that_says_nothing_is_refused(prompt: str) -> None:
    with pytest.raises(ValueError, match="says nothing"):
        captions.phrases(prompt)


def test_too_many_phrases_and_other_types_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 4 phrases"):
        captions.phrases(" and ".join(["a red box"] * 5))
    with pytest.raises(TypeError, match="17"):
        captions.phrases(17)  # type: ignore[arg-type]


def test_an_embedding_binds_words_of_a_phrase() -> None:
    encoder = captions.CaptionEncoder(8)
    texts = ["a red box and a blue star", "a blue box and a red star", "a box red and a star blue"]
    first, swapped, reordered = encoder(captions.word_counts(texts))
    assert torch.equal(first, reordered)
    assert not torch.allclose(first, swapped)
    assert torch.equal(first[2], encoder.empty)

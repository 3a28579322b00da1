"""Prompts to embeddings: as diffusers' pipeline makes them, once, and kept."""

from __future__ import annotations

import shutil
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import UMT5EncoderModel

from dragstream.models.wan.sources import Folder
from dragstream.models.wan.text import TextEncoder, clean

PROMPT = "a  red&amp;blue  ball \n rolls"


@pytest.fixture
def source(folders):
    return Folder(folders["self-forcing"])


@pytest.fixture
def encoder(source, tmp_path):
    return TextEncoder(source, tokens=64, folder=tmp_path, dtype=torch.float32)


def test_embeddings_are_those_of_the_pipeline(encoder, source, pipeline):
    found = encoder(PROMPT)
    with torch.no_grad():
        wanted, _ = pipeline(source.path).encode_prompt(
            PROMPT, do_classifier_free_guidance=False, max_sequence_length=64
        )
    assert found.shape == (1, 64, 16)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)
    pieces = "_ a _ re d & bl ue _ ba ll _ ro ll s </s>"
    length = pieces.count(" ") + 1
    assert bool((found[:, :length] != 0).any(dim=-1).all())
    assert bool((found[:, length:] == 0).all())


def test_prompts_are_repaired_and_unescaped():
    assert clean(PROMPT) == "a red&blue ball rolls"
    assert clean("the moon\u00e2\u20ac\u2122s face") == "the moon's face"  # a mangled apostrophe


def test_ftfy_is_required(monkeypatch, encoder):
    monkeypatch.setitem(sys.modules, "ftfy", None)
    with pytest.raises(ImportError, match=r'ftfy: pip install "dragstream\[wan\]"'):
        encoder(PROMPT)


def test_a_prompt_is_encoded_once_and_kept(encoder, source, tmp_path, monkeypatch):
    first = encoder(PROMPT)
    assert encoder._parts is None
    another = TextEncoder(source, tokens=64, folder=tmp_path, dtype=torch.float32)
    with monkeypatch.context() as patch:
        patch.setattr(TextEncoder, "_load", lambda _self: pytest.fail("read again"))
        assert torch.equal(another(PROMPT), first)
        assert torch.equal(another("a red&blue ball rolls"), first)  # the same when cleaned
    assert len(list((tmp_path / "text").iterdir())) == 1
    longer = TextEncoder(source, tokens=80, folder=tmp_path, dtype=torch.float32)
    assert longer(PROMPT).shape == (1, 80, 16)


def test_another_encoder_in_the_same_place_is_noticed(copied, tmp_path):
    encoder = TextEncoder(Folder(copied), tokens=64, folder=tmp_path, dtype=torch.float32)
    before = encoder(PROMPT)
    path = copied / "text_encoder" / "model.safetensors"
    weights = {name: 0.5 * weight.clone() for name, weight in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})
    assert not torch.equal(encoder(PROMPT), before)


def test_the_encoder_may_stay(source):
    encoder = TextEncoder(source, tokens=64, keep=True, dtype=torch.float32)
    encoder("red")
    assert encoder._parts is not None


def test_a_prompt_that_is_too_long_is_refused(encoder):
    with pytest.raises(ValueError, match="at most 64 tokens, this one has 7"):
        encoder("xx" * 70)
    assert encoder._parts is None
    with pytest.raises(TypeError, match="string"):
        encoder(None)


def test_untied_embeddings_are_refused(encoder, monkeypatch):
    def untied(*args, **kwargs):
        model = UMT5EncoderModel._from_pretrained(*args, **kwargs)
        weight = torch.zeros_like(model.shared.weight)
        model.encoder.embed_tokens.weight = torch.nn.Parameter(weight)
        return model

    original = UMT5EncoderModel.from_pretrained
    monkeypatch.setattr(UMT5EncoderModel, "_from_pretrained", original, raising=False)
    monkeypatch.setattr(UMT5EncoderModel, "from_pretrained", untied)
    with pytest.raises(ValueError, match="without tying the word embeddings"):
        encoder("red")


def test_too_little_memory_is_told_with_sizes(encoder, monkeypatch):
    monkeypatch.setattr("dragstream.models.wan.room.free_memory", lambda _device: 1000)
    with pytest.raises(MemoryError, match=r"the text encoder takes .* MB on cpu, where 0\.0 MB"):
        encoder("red")


def test_missing_parts_are_named(source, copied):
    shutil.rmtree(copied / "tokenizer")
    with pytest.raises(FileNotFoundError, match="lacks the folder tokenizer; it has"):
        TextEncoder(Folder(copied), tokens=64)("red")
    path = copied / "text_encoder" / "model.safetensors"
    shutil.copytree(source.path / "tokenizer", copied / "tokenizer")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match="text_encoder"):
        TextEncoder(Folder(copied), tokens=64)("red")


def test_without_transformers_the_extra_is_named(encoder, monkeypatch):
    encoder.source.file("tokenizer/tokenizer.json")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"dragstream\[wan\]"):
        encoder("red")


def test_the_digest_tells_encoders_apart(source):
    short, long = (TextEncoder(source, tokens=n).identity() for n in (64, 512))
    assert short != long

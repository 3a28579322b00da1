"""Which processors are quick in bfloat16, and the warnings on others."""

from __future__ import annotations

import warnings

import pytest
import torch

import dragstream as ds
from dragstream.command.main import main
from dragstream.models.defaults import bfloat16_is_quick

NEITHER = {"avx512_bf16": False, "amx_bf16": False}


@pytest.fixture(params=[{"avx512_bf16": True}, {"amx_bf16": True}, None, {}, NEITHER])
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> object:
    """A processor with AVX-512 BF16, with AMX, an ARM, an older torch, a processor without."""
    if request.param is None:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"bf16": True})
        return None
    if not request.param:
        monkeypatch.delattr(torch.cpu, "get_capabilities")
        return None
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: NEITHER | request.param)
    return any(request.param.values())


def test_loading_in_bfloat16_warns_where_it_is_known_to_be_slow(quick: object) -> None:
    assert bfloat16_is_quick() is quick
    for dtype in ("float32", "bfloat16"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            ds.load("playground", dtype=dtype)
        found = [str(each.message) for each in caught]
        if quick is False and dtype == "bfloat16":
            (text,) = found
            assert "AVX-512 BF16 or AMX" in text
            assert text.endswith('load with dtype="float32"')
        else:
            assert not found


def test_the_doctor_says_whether_bfloat16_is_quick(
    quick: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "bfloat16 cpu" in line)
    said = {True: "quick", False: "slow: this processor", None: "speed unknown"}[quick]
    assert line.split("bfloat16 cpu")[1].strip().startswith(said)
    assert line.startswith(" -") is (quick is False)

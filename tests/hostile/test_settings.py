"""Settings that nobody can carry out."""

from __future__ import annotations

import pytest

from dragstream.method.documents import method_from_json
from dragstream.method.settings import DragSettings

ABSURD = {
    "iterations": 2**63,
    "learning_rate": 1e300,
    "denoising_step": 2**63,
    "layers": list(range(10**6)),
    "cutoffs": [0.5] * 10**6,
    "filter_order": 2**63,
    "segment_pixels": 1e300,
    "segment_degrees": 1e300,
    "weight_decay": 1e300,
    "upsampling": 2**40,
    "prediction_weight": 1e300,
    "prediction_blocks": 2**63,
    "window": 2**63,
}


@pytest.mark.parametrize("name", ABSURD)
def test_what_nobody_can_carry_out_is_refused_by_name(name):
    value = ABSURD[name]
    for make in (lambda: DragSettings(**{name: value}), lambda: method_from_json({name: value})):
        with pytest.raises(ValueError, match=f"^{name} m") as caught:
            make()
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "document",
    [
        {"rectification": {"neighbours": 2**63}},
        {"method": "DragVideo", "points": 2**63},
        {"method": "DragVideo", "search_radius": 2**40},
        {"method": "SGI2V", "iterations": 2**63},
        {"method": "x" * 10**6},
        {"x" * 10**6: 1},
        {"loss": "x" * 10**6},
        {"focus": "x" * 10**6},
    ],
)
def test_settings_of_documents_are_bounded_and_texts_are_cut(document):
    with pytest.raises((TypeError, ValueError)) as caught:
        method_from_json(document)
    assert len(str(caught.value)) < 900

"""A drag may leave the frame, but not the neighbourhood."""

import pytest

from dragstream.drags import regions
from dragstream.drags.motions import Deformation, Drag, Rotation, Translation
from dragstream.drags.motions.drag import check_reach

DISC = regions.disc(center=(20, 10), radius=5)  # pixels 15 to 25 of 48, 5 to 15 of 32


def check(motion, region=DISC):
    check_reach("drags[0]", motion, Drag(region, motion).mask(32, 48))


@pytest.mark.parametrize(
    "motion",
    [
        Translation.by(80, 0),  # its left edge at 95 = 47 + 48
        Translation.by(-73, 0),  # its right edge at -48
        Translation.by(0, 58),  # its top at 63 = 31 + 32
        Translation.by(0, -47),
        Translation.through([(500, 0), (3, 0)]),  # where it ends is what counts
        Rotation(center=(60, 10), degrees=180),
    ],
)
def test_leaving_the_frame_is_a_drag(motion):
    check(motion)


@pytest.mark.parametrize(
    ("motion", "where"),
    [
        (Translation.by(81, 0), r"\(101, 10\)"),
        (Translation.by(-74, 0), r"\(-54, 10\)"),
        (Translation.by(0, 59), r"\(20, 69\)"),
        (Translation.by(0, -48), r"\(20, -38\)"),
        (Translation.by(5000, 0), r"\(5020, 10\)"),
        (Deformation.by(0, 900, edge=1), r"\(20, 910\)"),
        (Rotation(center=(20, 200), degrees=180), r"\(20, 390\)"),
    ],
)
def test_ending_far_outside_is_refused(motion, where):
    with pytest.raises(ValueError, match=rf"drags\[0\] ends around {where}, far outside the"):
        check(motion)

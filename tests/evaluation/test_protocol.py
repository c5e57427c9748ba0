"""Cases follow from the protocol and the names of files alone, and are the same everywhere."""

from dataclasses import replace
from pathlib import Path

import pytest

from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.mask_shapes import Blob, Border
from genimg_ui.evaluation.protocol import (
    MaskSet,
    PictureSet,
    Protocol,
    cases,
    digest,
    picture_folder,
)

PROTOCOL = Protocol(version=1, name="n", pictures=PictureSet(), masks=MaskSet(kinds=(Blob(),)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.png", "a.JPG", "sub/c.webp", "notes.txt", "d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_each_picture_meets_each_mask_prompt_and_seed_in_order(folder: Path) -> None:
    masks = MaskSet(kinds=(Blob(), Border()), per_picture=2)
    found = cases(replace(PROTOCOL, masks=masks, prompts=("x", "y"), seeds=(3, 1)), folder)
    assert [case.index for case in found] == list(range(3 * 2 * 2 * 2 * 2))
    assert [case.picture for case in found[::16]] == ["a.JPG", "b.png", "d.png"]
    assert [case.mask_kind for case in found[:16:4]] == ["blob", "blob", "border", "border"]
    assert [(case.prompt, case.seed) for case in found[:4]] == [
        ("x", 3),
        ("x", 1),
        ("y", 3),
        ("y", 1),
    ]
    # One mask for all prompts and seeds, another for each picture, kind and repeat.
    assert len({case.mask_seed for case in found[:4]}) == 1
    assert len({case.mask_seed for case in found}) == 3 * 2 * 2


def test_seeds_of_masks_never_change(folder: Path) -> None:
    seeds = [case.mask_seed for case in cases(PROTOCOL, folder)]
    assert seeds[0] == 4687000659755872456
    other = replace(PROTOCOL, masks=replace(PROTOCOL.masks, seed=1))
    assert not {case.mask_seed for case in cases(other, folder)} & {*seeds}


def test_patterns_and_limits_choose_pictures(folder: Path) -> None:
    def names(**given: object) -> list[str]:
        pictures = replace(PROTOCOL.pictures, **given)  # type: ignore[arg-type]
        return [case.picture for case in cases(replace(PROTOCOL, pictures=pictures), folder)]

    assert names(glob="**/*") == ["a.JPG", "b.png", "d.png", "sub/c.webp"]
    assert names(glob="*.png") == ["b.png", "d.png"]
    two = names(limit=2)
    assert len(two) == 2 and two == sorted(two) and {*names(limit=1)} < {*two}


def test_no_picture_and_no_folder_are_refused(folder: Path) -> None:
    with pytest.raises(RefusedInput, match=r'matches "\*\.bmp"'):
        cases(replace(PROTOCOL, pictures=PictureSet(glob="*.bmp")), folder)
    path = folder / "p.yaml"
    with pytest.raises(RefusedInput, match="names no folder of pictures"):
        picture_folder(PROTOCOL, path)
    named = replace(PROTOCOL, pictures=PictureSet(folder="sub"))
    assert picture_folder(named, path) == (folder / "sub").resolve()
    assert picture_folder(named, path, folder) == folder.resolve()
    with pytest.raises(RefusedInput, match="must lie in a folder"):
        picture_folder(PROTOCOL, path, folder / "absent")


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"pictures": PictureSet(side=32)},
        {"masks": MaskSet(kinds=(Blob(roughness=0.1),))},
        {"masks": MaskSet(kinds=(Border(),))},
        {"prompts": ("x",)},
        {"seeds": (1,)},
        {"parameters": {"mask.grow": 0}},
        {"metrics": ("mse",)},
    ],
)
def test_the_digest_tells_protocols_apart(change: dict[str, object]) -> None:
    assert digest(replace(PROTOCOL, **change)) != digest(PROTOCOL)  # type: ignore[arg-type]


def test_tolerances_and_the_order_of_parameters_change_no_digest() -> None:
    assert digest(replace(PROTOCOL, tolerances={"mse": 1.0})) == digest(PROTOCOL)
    one = replace(PROTOCOL, parameters={"mask.grow": 0, "mask.feather": 1})
    other = replace(PROTOCOL, parameters={"mask.feather": 1, "mask.grow": 0})
    assert digest(one) == digest(other)

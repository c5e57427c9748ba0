"""Replay bundles: the same bytes each time, everything inside, and nothing trusted when opened."""

import io
import json
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genimg_ui.bundle import bundle_name, pack, unpacked
from genimg_ui.bundle.layout import MOST_MEMBERS, Manifest, Member
from genimg_ui.core.geometry import Sides
from genimg_ui.core.request import ControlUnit, EditInputs
from genimg_ui.core.serial import to_json
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.record import EntryState, LogEntry
from tests.editing import Desk, decoded, painted, photograph, png, request

MASK = painted(48, 36, (14, 12, 26, 22))
LIMIT = 10_000_000


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    opened = Desk(tmp_path_factory.mktemp("desk"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def entry(desk: Desk) -> LogEntry:
    asked = request("square", variants=2, grow=3, feather=2, border=Sides(4, 0, 1, 3), prompt="a")
    asked = replace(asked, controls=(ControlUnit(kind="canny"),))
    return desk.edit(asked, png(photograph(48, 36)), MASK)


def packed(desk: Desk, entry: LogEntry, index: int | None = None) -> bytes:
    buffer = io.BytesIO()
    pack(desk.store, entry, buffer, index=index)
    return buffer.getvalue()


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_bundle_holds_everything_in_a_fixed_order(desk: Desk, entry: LogEntry) -> None:
    files = members(packed(desk, entry))
    seeds = [record.seed for record in entry.results]
    assert list(files) == [
        *("README.txt", "bundle.json", "entry.json", "source.png", "mask.png"),
        *("denoise-mask.png", "composite-mask.png", "maps/control-maps.png"),
        *(f"results/{i + 1}-seed-{seed}.png" for i, seed in enumerate(seeds)),
    ]
    assert files["source.png"] == desk.store.source_path(entry.inputs.source).read_bytes()
    assert sha256(files["mask.png"]).hexdigest() == entry.inputs.mask
    assert json.loads(files["entry.json"]) == to_json(entry)
    composite = np.asarray(decoded(files["composite-mask.png"]))
    assert sha256(composite.tobytes()).hexdigest() == entry.composite_sha256
    maps = decoded(files["maps/control-maps.png"])
    assert sha256(np.asarray(maps).tobytes()).hexdigest() == entry.control_sha256[0]
    readme = files["README.txt"].decode()
    assert "replay THIS.zip" in readme and "seed 7" in readme and "composite-mask.png" in readme


def test_the_same_entry_gives_the_same_bytes(desk: Desk, entry: LogEntry) -> None:
    assert packed(desk, entry) == packed(desk, entry)
    with zipfile.ZipFile(io.BytesIO(packed(desk, entry))) as archive:
        times = {info.date_time for info in archive.infolist()}
        assert times == {(1980, 1, 1, 0, 0, 0)}


def test_one_result_is_bundled_alone(desk: Desk, entry: LogEntry, tmp_path: Path) -> None:
    path = tmp_path / bundle_name(entry, 1)
    assert path.name.endswith(f"_seed{entry.results[1].seed}_replay.zip")
    path.write_bytes(packed(desk, entry, 1))
    with unpacked(path, tmp_path / "place", max_bytes=LIMIT) as bundle:
        assert bundle.entry.results == (entry.results[1],)
        assert list(bundle.results) == [entry.results[1].sha256]
        assert bundle.mask is not None and bundle.source.read_bytes().startswith(b"\x89PNG")
    assert list((tmp_path / "place").iterdir()) == []
    with pytest.raises(UnknownItem):
        pack(desk.store, entry, io.BytesIO(), index=2)


def test_a_border_alone_has_no_painted_mask(desk: Desk) -> None:
    entry = desk.edit(request(border=Sides(right=6)), png(photograph(48, 36)))
    files = members(packed(desk, entry))
    assert "mask.png" not in files
    assert decoded(files["composite-mask.png"]).size == (54, 36)


def test_a_result_that_is_gone_is_left_out_and_a_source_is_missed(desk: Desk) -> None:
    entry = desk.edit(request(seed=91, variants=2), png(photograph(48, 35)), MASK[:35])
    desk.store.result_path(entry.results[0].sha256).unlink()
    names = list(members(packed(desk, entry)))
    assert [name for name in names if name.startswith("results/")] == ["results/2-seed-92.png"]
    desk.store.source_path(entry.inputs.source).unlink()
    with pytest.raises(UnknownItem, match="the source"):
        packed(desk, entry)


def test_an_edit_that_failed_can_be_handed_over(desk: Desk, tmp_path: Path) -> None:
    entry = desk.edit(request(strength=2.0), png(photograph(48, 36)), MASK)
    assert entry.state is EntryState.FAILED
    path = tmp_path / "failed.zip"
    path.write_bytes(packed(desk, entry))
    with unpacked(path, tmp_path, max_bytes=LIMIT) as bundle:
        assert bundle.entry == entry and bundle.results == {}


# -- from a stranger

Files = dict[str, bytes]


def unchanged(info: zipfile.ZipInfo) -> None:
    """Leave the member as it is."""


def zipped(files: Files, change: Callable[[zipfile.ZipInfo], None] = unchanged) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            change(info)
            archive.writestr(info, data)
    return buffer.getvalue()


def described(files: Files) -> Files:
    """The files with a manifest that fits them."""
    rest = {name: data for name, data in files.items() if name not in ("README.txt", "bundle.json")}
    listed = tuple(
        Member(name=name, sha256=sha256(data).hexdigest(), bytes=len(data), what="")
        for name, data in rest.items()
    )
    return {"bundle.json": json.dumps(to_json(Manifest(files=listed))).encode()} | rest


def link(info: zipfile.ZipInfo) -> None:
    if info.filename == "source.png":
        info.external_attr = (stat.S_IFLNK | 0o777) << 16


def encrypted(data: bytes) -> bytes:
    """Set the flag of encryption on the first member, in both of its headers."""
    changed = bytearray(data)
    changed[6] |= 1
    changed[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def forged(files: Files, **parts: object) -> Files:
    """The files with another entry.json."""
    entry = json.loads(files["entry.json"]) | parts
    return described(files | {"entry.json": json.dumps(entry).encode()})


def own_inputs(files: Files) -> dict[str, str]:
    inputs: dict[str, str] = json.loads(files["entry.json"])["inputs"]
    return inputs


HOSTILE: dict[str, tuple[Callable[[Files], bytes], str]] = {
    "no zip": (lambda _: b"PK\x03\x04 and so on", "whole ZIP file"),
    "cut": (lambda files: zipped(described(files))[:-30], "whole ZIP file"),
    "absolute": (lambda files: zipped(described(files | {"/etc/x": b""})), "'/etc/x'"),
    "upwards": (lambda files: zipped(described(files | {"../x.png": b""})), r"'\.\./x\.png'"),
    "inner upwards": (lambda files: zipped(files | {"maps/../../x.png": b""}), "its own layout"),
    "windows": (lambda files: zipped(described(files | {"C:\\x.png": b""})), "its own layout"),
    "folder": (lambda files: zipped(described(files) | {"maps/": b""}), "its own layout"),
    "link": (lambda files: zipped(described(files), link), "got a link"),
    "encrypted": (lambda files: encrypted(zipped(described(files))), "must not be encrypted"),
    "many": (lambda _: zipped({f"{i}.png": b"" for i in range(MOST_MEMBERS + 1)}), "at most"),
    "no entry": (lambda _: zipped({"bundle.json": b"{}"}), "hold entry.json, got none"),
    "no manifest": (lambda _: zipped({"entry.json": b"{}"}), "hold bundle.json, got none"),
    "broken manifest": (
        lambda files: zipped(files | {"bundle.json": b'{"files": ['}),
        "JSON in bundle.json, got broken",
    ),
    "nested manifest": (
        lambda files: zipped(files | {"bundle.json": b"[" * 200_000}),
        "JSON in bundle.json, got broken",
    ),
    "other manifest": (
        lambda files: zipped(files | {"bundle.json": b'{"files": 3}'}),
        "bundle.json that is none",
    ),
    "newer": (lambda files: zipped(files | {"bundle.json": b'{"version": 9}'}), "of version 1"),
    "broken entry": (
        lambda files: zipped(described(files | {"entry.json": b"{'a'"})),
        "JSON in entry.json, got broken",
    ),
    "strange entry": (lambda files: zipped(forged(files, evil=1)), "unknown key 'evil'"),
    "path as source": (
        lambda files: zipped(forged(files, inputs={"source": "../../etc/passwd"})),
        "hold the source that its entry names",
    ),
    "other mask": (
        lambda files: zipped(forged(files, inputs=own_inputs(files) | {"mask": "0" * 64})),
        "hold the mask that its entry names",
    ),
    "unlisted": (
        lambda files: zipped(described(files) | {"results/9-seed-9.png": b"x"}),
        "the very files that bundle.json lists",
    ),
    "strange result": (
        lambda files: zipped(described(files | {"results/9-seed-9.png": b"x"})),
        "only results that its entry names",
    ),
    "changed source": (
        lambda files: zipped(described(files) | {"source.png": files["source.png"] + b"x"}),
        "hold source.png as bundle.json describes it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_bundle_is_refused_in_one_sentence(
    desk: Desk, entry: LogEntry, tmp_path: Path, name: str
) -> None:
    make, sentence = HOSTILE[name]
    path = tmp_path / "sent.zip"
    path.write_bytes(make(members(packed(desk, entry))))
    place = tmp_path / "inner" / "place"
    with (
        pytest.raises(RefusedInput, match=sentence),
        unpacked(path, place, max_bytes=LIMIT),
    ):
        raise AssertionError("it was opened")
    assert list(place.iterdir()) == []
    assert {p.name for p in tmp_path.iterdir()} == {"sent.zip", "inner"}


def test_a_bomb_is_refused_before_it_is_unpacked(
    desk: Desk, entry: LogEntry, tmp_path: Path
) -> None:
    files = described(members(packed(desk, entry)) | {"denoise-mask.png": bytes(LIMIT)})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    bomb = tmp_path / "bomb.zip"
    bomb.write_bytes(buffer.getvalue())
    assert bomb.stat().st_size < LIMIT / 50
    with (
        pytest.raises(RefusedInput, match="at most 10 MB when it is unpacked"),
        unpacked(bomb, tmp_path / "place", max_bytes=LIMIT),
    ):
        pass
    # A bomb that lies about its size gives no more than it says, and then fits no digest.
    lying = buffer.getvalue().replace(LIMIT.to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    bomb.write_bytes(lying)
    with (
        pytest.raises(RefusedInput, match="whole ZIP file|as bundle.json describes it"),
        unpacked(bomb, tmp_path / "place", max_bytes=LIMIT),
    ):
        pass


def test_a_large_bundle_is_refused_by_its_size(desk: Desk, entry: LogEntry, tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    path.write_bytes(packed(desk, entry))
    with (
        pytest.raises(RefusedInput, match=r"at most 0\.001 MB, got 0\.0"),
        unpacked(path, tmp_path / "place", max_bytes=1000),
    ):
        pass


def test_a_picture_of_the_layout_is_read_as_what_it_is(desk: Desk, tmp_path: Path) -> None:
    """A JPEG source keeps its own bytes and suffix."""
    buffer = io.BytesIO()
    Image.new("RGB", (48, 36), "red").save(buffer, "JPEG")
    inputs = EditInputs(source=desk.store.put_source(buffer.getvalue()))
    entry = desk.apply(request(border=Sides(left=3)), inputs)
    path = tmp_path / "jpeg.zip"
    path.write_bytes(packed(desk, entry))
    with unpacked(path, tmp_path, max_bytes=LIMIT) as bundle:
        assert bundle.source.name == "source.jpg"
        assert bundle.source.read_bytes() == buffer.getvalue()

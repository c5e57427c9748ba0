"""Fetching from the hub: whole or not at all, resumed, checked, and every refusal a sentence."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants, hf_hub_download

from genimg_ui.errors import Cancelled, ModelUnavailable
from genimg_ui.weights import transfer
from genimg_ui.weights.fetch import Fetching, Kind, OnFetching, Wanted, alone, fetch
from genimg_ui.weights.folders import cached_snapshot, missing_part, repository
from tests import hub_server
from tests.hub_models import pipeline, safetensors
from tests.hub_server import COMMIT, Hub, Trouble

MODEL = "tiny/model"
BIG = 700_000  # bytes of the largest file: several blocks
UNET = "unet/diffusion_pytorch_model.safetensors"


def model() -> dict[str, bytes]:
    """The plain pipeline, with two more sets of weights of its UNet."""
    return pipeline(unet_bytes=BIG) | {
        "unet/diffusion_pytorch_model.fp16.safetensors": safetensors(BIG // 2),
        "unet/diffusion_pytorch_model.non_ema.safetensors": safetensors(9),
    }


class Watch(OnFetching):
    """Notes what is told; `stop` says when the person cancels."""

    def __init__(self, stop: Callable[[Fetching], bool] = lambda _: False) -> None:
        self.told: list[Fetching] = []
        self._stop = stop

    def tell(self, state: Fetching) -> None:
        self.told.append(state)

    def check(self) -> None:
        if self.told and self._stop(self.told[-1]):
            raise Cancelled


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PAUSE_SECONDS", 0.0)


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}


def test_only_what_the_pipeline_needs_arrives_where_the_hubs_client_finds_it(hub: Hub) -> None:
    hub.models[MODEL] = model()
    watch = Watch()
    folder = fetch(Wanted(hub_id=MODEL), watch)
    assert names(folder) == {
        "model_index.json",
        "unet/config.json",
        UNET,
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
        "scheduler/scheduler_config.json",
    }
    assert missing_part(folder) is None
    assert cached_snapshot(MODEL) == folder
    found = hf_hub_download(MODEL, UNET, local_files_only=True, cache_dir=constants.HF_HUB_CACHE)
    assert Path(found).read_bytes() == hub.models[MODEL][UNET]
    done = [state.done for state in watch.told]
    assert done == sorted(done) and watch.told[-1].done == watch.told[-1].total > BIG


def test_a_variant_and_the_safety_checker_come_where_they_are_asked_for(hub: Hub) -> None:
    hub.models[MODEL] = model()
    found = names(fetch(Wanted(hub_id=MODEL, variant="fp16", safety=True), Watch()))
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in found and UNET not in found
    assert "vae/diffusion_pytorch_model.safetensors" in found  # it has no such variant
    assert "safety_checker/model.safetensors" in found


def test_pickles_come_only_where_they_are_allowed_and_nothing_else_is_there(hub: Hub) -> None:
    files = model()
    for name in [name for name in files if name.startswith("unet/") and "safetensors" in name]:
        del files[name]
    hub.models[MODEL] = files
    with pytest.raises(ModelUnavailable, match="unet/ has no safetensors weights"):
        fetch(Wanted(hub_id=MODEL), Watch())
    found = names(fetch(Wanted(hub_id=MODEL, pickles=True), Watch()))
    assert {name for name in found if name.startswith("unet/d")} == {
        "unet/diffusion_pytorch_model.bin"
    }
    assert "vae/diffusion_pytorch_model.safetensors" in found


def test_shards_come_with_their_index_of_the_same_variant(hub: Hub) -> None:
    files = model()
    for part in ("-00001-of-00002", "-00002-of-00002"):
        files[f"unet/diffusion_pytorch_model.bf16{part}.safetensors"] = safetensors(10)
    files["unet/diffusion_pytorch_model.safetensors.index.bf16.json"] = b"{}"
    hub.models[MODEL] = files
    found = names(fetch(Wanted(hub_id=MODEL, variant="bf16"), Watch()))
    assert {name for name in found if name.startswith("unet/d")} == {
        "unet/diffusion_pytorch_model.bf16-00001-of-00002.safetensors",
        "unet/diffusion_pytorch_model.bf16-00002-of-00002.safetensors",
        "unet/diffusion_pytorch_model.safetensors.index.bf16.json",
    }


def test_a_controlnet_and_a_single_file(hub: Hub) -> None:
    hub.models["tiny/control"] = {
        "config.json": b"{}",
        "diffusion_pytorch_model.safetensors": safetensors(10),
        "diffusion_pytorch_model_V2.safetensors": safetensors(10),
        "images/out.png": b"png",
    }
    found = names(fetch(Wanted(hub_id="tiny/control", kind=Kind.COMPONENT), Watch()))
    assert found == {"config.json", "diffusion_pytorch_model.safetensors"}
    hub.models["tiny/lora"] = {"style.safetensors": safetensors(10), "old.bin": b"pickle"}
    assert names(fetch(Wanted(hub_id="tiny/lora", kind=Kind.FILES), Watch())) == {
        "style.safetensors"
    }


def test_a_cancelled_fetch_is_no_model_and_goes_on_where_it_stopped(hub: Hub) -> None:
    hub.models[MODEL] = model()
    with pytest.raises(Cancelled):
        fetch(Wanted(hub_id=MODEL), Watch(lambda state: state.done > BIG // 2))
    assert cached_snapshot(MODEL) is None
    hub.asked.clear()
    folder = fetch(Wanted(hub_id=MODEL), Watch())
    assert missing_part(folder) is None
    ranges = dict(hub.asked)
    assert ranges[UNET].startswith("bytes=") and ranges[UNET] != "bytes=0-"
    assert (folder / UNET).read_bytes() == hub.models[MODEL][UNET]


@pytest.mark.parametrize("takes_ranges", [True, False])
def test_a_connection_that_is_cut_midway_is_resumed(hub: Hub, takes_ranges: bool) -> None:
    hub.models[MODEL] = model()
    hub.takes_ranges = takes_ranges
    hub.trouble = Trouble("cut", at=300_000, times=2, only=UNET)
    folder = fetch(Wanted(hub_id=MODEL), Watch())
    assert (folder / UNET).read_bytes() == hub.models[MODEL][UNET]
    asked = [r for name, r in hub.asked if name == UNET]
    assert asked == (["", "bytes=300000-", "bytes=600000-"] if takes_ranges else asked)
    assert len(asked) == 3


def test_a_busy_hub_is_asked_again(hub: Hub) -> None:
    hub.models[MODEL] = model()
    hub.trouble = Trouble("busy", times=2)
    assert missing_part(fetch(Wanted(hub_id=MODEL), Watch())) is None


def test_wrong_bytes_are_never_kept(hub: Hub) -> None:
    hub.models[MODEL] = model()
    hub.trouble = Trouble("wrong", only=UNET)
    with pytest.raises(ModelUnavailable, match="arrived twice with the digest .* instead of"):
        fetch(Wanted(hub_id=MODEL), Watch())
    assert cached_snapshot(MODEL) is None
    digest = hashlib.sha256(hub.models[MODEL][UNET]).hexdigest()
    assert not list((repository(MODEL) / "blobs").glob(f"{digest}*"))
    hub.trouble = Trouble()
    assert missing_part(fetch(Wanted(hub_id=MODEL), Watch())) is None


def test_an_old_rest_with_wrong_bytes_is_fetched_anew(hub: Hub) -> None:
    hub.models[MODEL] = model()
    with pytest.raises(Cancelled):
        fetch(Wanted(hub_id=MODEL), Watch(lambda state: state.done > BIG // 2))
    (rest,) = (repository(MODEL) / "blobs").glob("*.incomplete")
    rest.write_bytes(b"x" * rest.stat().st_size)
    folder = fetch(Wanted(hub_id=MODEL), Watch())
    assert (folder / UNET).read_bytes() == hub.models[MODEL][UNET]


def test_a_body_that_is_too_short_is_refused(hub: Hub) -> None:
    hub.models[MODEL] = model()
    hub.trouble = Trouble("short", only=UNET)
    hub.takes_ranges = False
    with pytest.raises(ModelUnavailable, match="must have 700,.* bytes, the hub sent 700,"):
        fetch(Wanted(hub_id=MODEL), Watch())


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("gated", "is gated: accept its terms at http.*tiny/model.*HF_TOKEN"),
        ("unknown", "The hub has no model tiny/model, or it is private"),
        ("no revision", "has no revision"),
        ("busy", "status 503"),
    ],
)
def test_what_the_hub_refuses_is_a_sentence(hub: Hub, kind: str, sentence: str) -> None:
    hub.models[MODEL] = model()
    hub.info_trouble = kind
    with pytest.raises(ModelUnavailable, match=sentence):
        fetch(Wanted(hub_id=MODEL), Watch())


def test_a_gated_models_files_need_the_token(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.models[MODEL] = model()
    hub.token = "hf_mine"
    with pytest.raises(ModelUnavailable, match="is gated: accept its terms"):
        fetch(Wanted(hub_id=MODEL), Watch())
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    assert missing_part(fetch(Wanted(hub_id=MODEL), Watch())) is None


def test_a_file_that_has_gone_is_told(hub: Hub) -> None:
    hub.models[MODEL] = model()
    hub.trouble = Trouble("no file", only=UNET)
    with pytest.raises(ModelUnavailable, match="status 404"):
        fetch(Wanted(hub_id=MODEL), Watch())


def test_a_silent_hub_is_not_waited_for(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.models[MODEL] = model()
    monkeypatch.setattr("genimg_ui.weights.hub.LIST_TIMEOUT", 0.2)
    hub.info_trouble = "stall"
    with pytest.raises(ModelUnavailable, match="did not answer in time"):
        fetch(Wanted(hub_id=MODEL), Watch())
    hub.info_trouble = ""
    monkeypatch.setattr(transfer, "READ_SECONDS", 0.2)
    monkeypatch.setattr(transfer, "TRIES", 2)
    hub.trouble = Trouble("stall", at=10, only=UNET)
    hub.takes_ranges = False
    with pytest.raises(ModelUnavailable, match="did not answer in time"):
        fetch(Wanted(hub_id=MODEL), Watch())


@pytest.mark.usefixtures("hub")
def test_no_hub_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        fetch(Wanted(hub_id=MODEL), Watch())


def test_a_full_disk_is_seen_before(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.models[MODEL] = model()
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2**28 + 1000))
    with pytest.raises(ModelUnavailable, match="needs 0.00 GB more on the disk"):
        fetch(Wanted(hub_id=MODEL), Watch())
    assert UNET not in [name for name, _ in hub.asked]


@pytest.mark.parametrize(
    ("remove", "sentence"),
    [
        (("model_index.json",), "no model in the layout of diffusers"),
        ((UNET,), "unet/ has weights of the variant fp16, non_ema only, variant got none"),
        (
            (
                UNET,
                "unet/diffusion_pytorch_model.fp16.safetensors",
                "unet/diffusion_pytorch_model.non_ema.safetensors",
            ),
            "unet/ has no safetensors weights",
        ),
    ],
)
def test_what_cannot_be_loaded_is_not_fetched(
    hub: Hub, remove: tuple[str, ...], sentence: str
) -> None:
    hub.models[MODEL] = {name: data for name, data in model().items() if name not in remove}
    with pytest.raises(ModelUnavailable, match=sentence):
        fetch(Wanted(hub_id=MODEL), Watch())
    assert UNET not in [name for name, _ in hub.asked]


def test_two_fetches_of_one_model_wait_for_each_other(hub: Hub) -> None:
    hub.models[MODEL] = model()
    watch = Watch(lambda state: state.text.startswith("waiting"))
    with alone(MODEL, wait=lambda: None), pytest.raises(Cancelled):
        fetch(Wanted(hub_id=MODEL), watch)
    assert COMMIT in str(fetch(Wanted(hub_id=MODEL), Watch()))


def changed_model() -> dict[str, bytes]:
    """The model as a newer commit has it: with a LoRA, and another VAE."""
    more = {"ink.safetensors": safetensors(10), "vae/config.json": b'{"new": 1}'}
    return model() | more | {"vae/diffusion_pytorch_model.safetensors": safetensors(1001)}


INK = Wanted(hub_id=MODEL, kind=Kind.FILES, files=("ink.safetensors",))


def test_a_part_comes_of_the_commit_that_is_here(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    old = model() | {"ink.safetensors": safetensors(7)}
    hub.models[MODEL] = old
    folder = fetch(Wanted(hub_id=MODEL), Watch())
    monkeypatch.setattr(hub_server, "COMMIT", "f" * 40)
    hub.older[folder.name], hub.models[MODEL] = old, changed_model()
    hub.asked.clear()
    assert fetch(INK, Watch()) == folder == cached_snapshot(MODEL)
    assert [name for name, _ in hub.asked] == ["ink.safetensors"]
    for name in names(folder):
        assert (folder / name).read_bytes() == old[name]


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_here_goes_on_to_a_newer_commit_together(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    hub.models[MODEL] = model()
    first = fetch(Wanted(hub_id=MODEL), Watch())
    before = names(first)
    monkeypatch.setattr(hub_server, "COMMIT", "f" * 40)
    new = changed_model()
    hub.models[MODEL] = new
    if kept:  # the hub still has the old commit, which lacks what is wanted
        hub.older[first.name] = model()
    hub.asked.clear()
    folder = fetch(INK, Watch())
    assert folder.name == "f" * 40 and cached_snapshot(MODEL) == folder
    assert names(folder) == before | {"ink.safetensors"}
    for name in names(folder):
        assert (folder / name).read_bytes() == new[name]
    fetched = {name for name, _ in hub.asked}
    assert fetched == {name for name in names(folder) if new[name] != model().get(name)}
    assert missing_part(folder) is None


def test_a_newer_commit_that_arrives_broken_leaves_what_is_here(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.models[MODEL] = model()
    folder = fetch(Wanted(hub_id=MODEL), Watch())
    monkeypatch.setattr(hub_server, "COMMIT", "f" * 40)
    hub.models[MODEL] = changed_model()
    hub.trouble = Trouble("wrong", only="vae/diffusion_pytorch_model.safetensors")
    with pytest.raises(ModelUnavailable, match="arrived twice with the digest"):
        fetch(INK, Watch())
    assert cached_snapshot(MODEL) == folder and missing_part(folder) is None

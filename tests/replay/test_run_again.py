"""A second run asks for what the first one had: placement, tuning, threads, embeddings."""

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.memory import GIB
from genimg_ui.core.provenance import ExecutionRecord, ModelRecord, PartRecord, RuntimeRecord
from genimg_ui.core.request import EditInputs, FillMode, PassParams, ResolvedRequest
from genimg_ui.editor import Editor
from genimg_ui.history.record import EntryState, LogEntry, PassRecord
from genimg_ui.registry import ModelSpec, Registry, load_registry
from genimg_ui.registry.adapters import EmbeddingSpec
from genimg_ui.replay import Replayed, Subject, Verdict, replay
from genimg_ui.replay.before import again_of, executions_of
from tests.editing import Desk, painted, photograph, png, request

pytestmark = pytest.mark.torch

SIZE = 128  # two VAE tiles and more of the tiny models
MODELS = """
models:
  tiny: {{source: {root}/plain, family: sd15, native_size: 128}}
"""
TILED = ExecutionRecord(tiled=True, halved=True)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tiny = pytest.importorskip("tests.backend.tiny_models", reason="torch is not installed")
    tiny.torch.set_num_threads(1)
    folder: Path = tmp_path_factory.mktemp("tiny")
    tiny.make_sd15(folder / "plain")
    more = importlib.import_module("tests.backend.tiny_additions")
    more.make_embedding(folder / "toy.safetensors")
    (folder / "models.yaml").write_text(MODELS.format(root=folder), encoding="utf-8")
    return folder


@pytest.fixture
def desk(root: Path, tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path, *load_registry(root / "models.yaml").all())
    yield opened
    opened.pool.release()
    opened.close()


def engine(desk: Desk, **options: Any) -> Any:
    """Give the desk an engine of its own."""
    module = importlib.import_module("genimg_ui.backend.diffusion.engine")
    made = module.DiffusersBackend(**options)
    desk.pool._backends["diffusers"] = made
    return made


def edit(desk: Desk, **parts: Any) -> LogEntry:
    mask = painted(SIZE, SIZE, (8, 8, 120, 120))
    asked = request("tiny", num_inference_steps=2, **({"prompt": "a red house"} | parts))
    entry = desk.edit(asked, png(photograph(SIZE, SIZE)), mask)
    assert entry.state is EntryState.DONE, entry.error
    return entry


def again(desk: Desk, entry: LogEntry, *models: ModelSpec) -> Replayed:
    editor = desk.editor
    if models:
        editor = Editor(desk.store, Registry(models, models[0].id), desk.pool)
    return replay(editor, Subject(entry=entry, store=desk.store))


def test_little_memory_then_much_gives_the_same_pixels(desk: Desk) -> None:
    engine(desk, memory=1)
    entry = edit(desk)
    assert entry.executions == (TILED,)
    engine(desk, memory=GIB)
    outcome = again(desk, entry)
    assert (outcome.verdict, outcome.changes) == (Verdict.IDENTICAL, ())
    unknown = again(desk, replace(entry, executions=()))
    assert unknown.verdict is Verdict.DIFFERS
    assert "placement was whole on cpu, VAE tiling, batch split, is whole on cpu" in unknown.changes


def test_a_placement_that_does_not_fit_here_is_told(desk: Desk) -> None:
    engine(desk, memory=GIB)
    entry = edit(desk)
    assert entry.executions == (ExecutionRecord(),)
    engine(desk, memory=1)
    outcome = again(desk, entry)
    assert outcome.verdict is Verdict.DIFFERS
    assert set(outcome.changes) == {"tiled was False, is True", "halved was False, is True"}


def test_memory_that_runs_out_in_a_replay_leads_on(desk: Desk, monkeypatch: Any) -> None:
    engine(desk, memory=1)
    entry = edit(desk)
    lone = replace(entry, executions=(ExecutionRecord(halved=True),))  # no step of the ladder
    own = engine(desk, memory=GIB)
    edit(desk)
    decoder, calls = own._loaded.pipe.vae.decoder, []
    forward = decoder.forward

    def fail(*given: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return forward(*given, **named)

    monkeypatch.setattr(decoder, "forward", fail)
    assert again(desk, lone).changes == (
        "tiled was False, is True",
        "halved was True, is False",
    )


def test_a_tuning_is_asked_for_and_the_next_edit_has_the_usual_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("genimg_ui.backend.diffusion.pipelines")
    tuned = module.Tuning(channels_last=True, fused_qkv=True)
    own = engine(desk, memory=GIB)
    with monkeypatch.context() as patch:
        patch.setattr(module, "tuning_for", lambda *_: tuned)
        entry = edit(desk)
    assert entry.executions == (ExecutionRecord(channels_last=True, fused_qkv=True),)
    usual = edit(desk)
    assert own._loaded.tuning == module.Tuning()
    outcome = again(desk, entry)
    assert (outcome.verdict, outcome.changes) == (Verdict.IDENTICAL, ())
    assert own._loaded.tuning == tuned
    assert edit(desk).executions == usual.executions and own._loaded.tuning == module.Tuning()


@pytest.mark.parametrize("threads", [3, 0, 10**9])
def test_the_threads_of_the_first_run_calculate_and_go_again(desk: Desk, threads: int) -> None:
    torch = importlib.import_module("torch")
    own, seen = engine(desk), []
    entry = edit(desk)
    before = torch.get_num_threads()
    assert entry.runtime is not None and entry.runtime.threads == before
    generate = own.generate

    def spied(*given: Any) -> Any:
        seen.append(torch.get_num_threads())
        return generate(*given)

    own.generate = spied
    runtime = replace(entry.runtime, threads=threads)
    outcome = again(desk, replace(entry, runtime=runtime))
    assert seen == [3 if threads == 3 else before] and torch.get_num_threads() == before
    told = [change for change in outcome.changes if change.startswith("threads")]
    assert told == ([f"threads was {threads}, is {before}"] if threads > 3 else told)


def test_the_switches_of_the_first_run_are_set_again(desk: Desk) -> None:
    torch = importlib.import_module("torch")
    own, seen = engine(desk), []
    entry = edit(desk)
    generate, before = own.generate, torch.get_float32_matmul_precision()

    def spied(*given: Any) -> Any:
        seen.append(torch.get_float32_matmul_precision())
        return generate(*given)

    own.generate = spied
    assert entry.runtime is not None
    switches = entry.runtime.determinism | {"float32_matmul_precision": "high"}
    outcome = again(desk, replace(entry, runtime=replace(entry.runtime, determinism=switches)))
    assert seen == ["high"] and torch.get_float32_matmul_precision() == before == "highest"
    assert outcome.changes == ()


def test_an_embedding_that_was_added_since_is_not_read(desk: Desk, root: Path) -> None:
    engine(desk)
    entry = edit(desk, prompt="a house toy")
    [spec] = [each for each in desk.registry.all() if each.id == "tiny"]
    toy = EmbeddingSpec(token="toy", source=str(root / "toy.safetensors"))
    since = replace(spec, embeddings=(toy,))
    assert again(desk, entry, since).verdict is Verdict.IDENTICAL
    old = replace(entry, environment={"genimg_ui": "0"})  # of the first schema, which told little
    assert again(desk, old, since).verdict is Verdict.DIFFERS


def test_an_embedding_that_is_gone_is_refused_by_its_name(desk: Desk, root: Path) -> None:
    engine(desk)
    [spec] = [each for each in desk.registry.all() if each.id == "tiny"]
    toy = EmbeddingSpec(token="toy", source=str(root / "toy.safetensors"))
    desk.editor = Editor(
        desk.store, Registry((replace(spec, embeddings=(toy,)),), "tiny"), desk.pool
    )
    entry = edit(desk, prompt="a house toy")
    assert again(desk, entry).verdict is Verdict.IDENTICAL
    outcome = again(desk, entry, spec)
    assert outcome.verdict is Verdict.REFUSED
    assert "made with the embedding toy, and models.yaml names for" in outcome.reason


def test_each_seed_of_an_edit_in_passes_has_its_own_looks(desk: Desk) -> None:
    engine(desk, memory=1)
    border = Sides(right=100)
    whole = edit(desk, border=border, passes=PassParams(progressive=True, overlap=16), variants=2)
    assert len(whole.executions) == 2 * len(whole.passes) > 2
    engine(desk, memory=GIB)
    outcome = again(desk, replace(whole, results=whole.results[1:]))
    assert (outcome.verdict, outcome.changes) == (Verdict.IDENTICAL, ())


def test_which_looks_belong_to_a_seed() -> None:
    looks = tuple(ExecutionRecord(offload=name) for name in ("a", "b", "c", "d"))
    box = Box(0, 0, 1, 1)
    step = PassRecord(painted=box, box=box, working=Size(1, 1))

    asked = request("tiny")
    entry = LogEntry(
        id="e",
        created="",
        state=EntryState.DONE,
        request=asked,
        inputs=EditInputs(source="0" * 64),
        resolved=ResolvedRequest(
            request=asked, seeds=(7, 8), scheduler="", fill_mode=FillMode.REMOVE
        ),
        passes=(step, step),
        executions=looks,
        runtime=RuntimeRecord(threads=4),
        model=ModelRecord(id="tiny", parts=(PartRecord(role="embedding", name="x", source=""),)),
    )
    assert executions_of(entry, [8]) == looks[2:] and executions_of(entry, [7, 8]) == looks
    assert executions_of(entry, [9]) == executions_of(replace(entry, passes=(step,)), [7]) == ()
    assert executions_of(replace(entry, passes=()), [8]) == looks
    assert again_of(entry, [8]).threads == 4 and again_of(entry, [8]).embeddings is None
    told = replace(entry, environment={"python": "3"})
    assert again_of(told, [8]).embeddings == ("x",)

"""Time the diffusion engine beside the plain diffusers call, in one run.

    python benchmarks/diffusion.py [--rounds 5] [--steps 20] [--whole-steps 2] [--skip whole]

On the processor with the shipped model `shapes`; where there is a CUDA device also with random
networks of the sizes of Stable Diffusion 1.5 and XL. What is compared is run in turns, round by
round, and the medians are divided. A table is printed and written to benchmarks/output/.
"""

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoPipelineForInpainting
from PIL import Image
from random_models import make_model
from skimage import data

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from genimg_ui.backend.base import BackendJob, CancelToken, Preview  # noqa: E402  # by that path
from genimg_ui.backend.device import Device, pick_device  # noqa: E402
from genimg_ui.backend.diffusion import preview  # noqa: E402
from genimg_ui.backend.diffusion.engine import DiffusersBackend  # noqa: E402
from genimg_ui.backend.pool import BackendPool  # noqa: E402
from genimg_ui.core.request import (  # noqa: E402
    ColourMatch,
    EditInputs,
    EditRequest,
    FillMode,
    FillUnderMask,
    InpaintParams,
    ResolvedRequest,
    SamplingParams,
)
from genimg_ui.core.speed import SpeedParams  # noqa: E402
from genimg_ui.editor import Editor  # noqa: E402
from genimg_ui.history.store import Store  # noqa: E402
from genimg_ui.masks import mask_png  # noqa: E402
from genimg_ui.registry import FAMILIES, ModelSpec, Registry, load_registry  # noqa: E402

OUTPUT = ROOT / "benchmarks" / "output"
MEGAPIXELS_12 = (4000, 3000)
HOLE = 300  # pixels along the side of the mask in the large picture
PROMPT = "a red circle"
SAVING = SpeedParams(guidance_end=0.6)
Timed = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Row:
    """Two medians in seconds, and the goal for their ratio (ours : plain)."""

    name: str
    plain: float
    ours: float
    goal: str = ""
    note: str = ""

    def cells(self) -> list[str]:
        ratio = f"{self.ours / self.plain:.3f}" if self.plain else ""
        return [self.name, f"{self.plain:.3f}", f"{self.ours:.3f}", ratio, self.goal, self.note]


def in_turns(rounds: int, *calls: Timed) -> list[float]:
    """The median seconds of each call; all are run once before, unmeasured."""
    seconds: list[list[float]] = [[] for _ in calls]
    for turn in range(rounds + 1):
        for index, call in enumerate(calls):
            begin = time.perf_counter()
            call()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn:
                seconds[index].append(time.perf_counter() - begin)
    return [statistics.median(each) for each in seconds]


def processor_seconds(call: Timed) -> float:
    """What a call takes of the processor, all threads together: steady on a busy machine."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def photo(width: int, height: int) -> Any:
    image = Image.fromarray(data.coffee()).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image)


def job_of(spec: ModelSpec, side: int, *, steps: int, seeds: int = 1, **speed: Any) -> BackendJob:
    image = photo(side, side)
    mask = np.zeros((side, side), np.uint8)
    mask[side // 4 : -side // 4, side // 4 : -side // 4] = 255
    request = EditRequest(
        model=spec.id,
        sampling=SamplingParams(prompt=PROMPT, num_inference_steps=steps, guidance_scale=5.0),
        speed=SpeedParams(**speed),
    )
    resolved = ResolvedRequest(
        request=request,
        seeds=tuple(range(seeds)),
        scheduler="default",
        fill_mode=FillMode.REMOVE,
    )
    return BackendJob(resolved=resolved, spec=spec, image=image, filled=image, mask=mask)


def plain_pipe(spec: ModelSpec, device: Device) -> Any:
    pipe = AutoPipelineForInpainting.from_pretrained(
        spec.source, dtype=device.dtype, local_files_only=True, safety_checker=None
    ).to(device.torch)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def plain_call(pipe: Any, work: BackendJob, count: int = 1) -> Timed:
    """The call that the documentation of diffusers shows, with the same arguments."""
    sampling = work.resolved.request.sampling
    height, width = work.mask.shape
    arguments = {
        "prompt": sampling.prompt,
        "image": Image.fromarray(work.filled),
        "mask_image": Image.fromarray(work.mask),
        "width": width,
        "height": height,
        "strength": sampling.strength,
        "num_inference_steps": sampling.num_inference_steps,
        "guidance_scale": sampling.guidance_scale,
        "num_images_per_prompt": count,
    }

    def call() -> Any:
        return pipe(**arguments, generator=torch.Generator("cpu").manual_seed(0)).images

    return call


def our_call(backend: DiffusersBackend, work: BackendJob, *, fresh: bool) -> Timed:
    """The same edit by the engine; `fresh` forgets what it has kept of edits before."""

    def call() -> Any:
        if fresh and backend._loaded is not None:
            backend._loaded.memo.clear()
            backend._loaded.traces.clear()
        return backend.generate(work, lambda _: None, CancelToken()).patches

    return call


def engine_rows(spec: ModelSpec, device: Device, side: int, flags: Any) -> list[Row]:
    """One and four variants, the second edit, and guidance that ends early."""
    backend, pipe = DiffusersBackend(device=device), plain_pipe(spec, device)
    again = DiffusersBackend(device=device)
    one = job_of(spec, side, steps=flags.steps)
    four = job_of(spec, side, steps=flags.steps, seeds=4)
    saving = job_of(spec, side, steps=flags.steps, guidance_end=SAVING.guidance_end)
    name = f"{spec.title} {side}², {flags.steps} steps"
    between = settled(again, one, saving)
    calls = (
        plain_call(pipe, one),
        our_call(backend, one, fresh=True),
        our_call(again, one, fresh=False),
        our_call(again, saving, fresh=False),
    )
    plain, first, second, saved = in_turns(flags.rounds, *calls)
    worked = [processor_seconds(call) for call in calls]
    plain_four, ours_four = in_turns(
        max(1, flags.rounds // 2),
        plain_call(pipe, four, 4),
        our_call(backend, four, fresh=True),
    )
    return [
        Row(f"{name}: first edit", plain, first, "≤ 1.02", of_processor(worked[1] / worked[0])),
        Row(
            f"{name}: second edit, same picture and prompt",
            plain,
            second,
            "≤ 0.9",
            f"{of_processor(worked[2] / worked[0])}; between the two {between:.2f} s",
        ),
        Row(f"{name}: 4 variants", plain_four, ours_four),
        Row(
            f"{name}: guidance_end {SAVING.guidance_end:g}", plain, saved, "", quality(backend, one)
        ),
    ]


def settled(backend: DiffusersBackend, *works: BackendJob) -> float:
    """Run the edits once, and give the processor's seconds of what the worker does after them."""
    spent = 0.0
    for work in works:
        our_call(backend, work, fresh=False)()
        spent += processor_seconds(backend.settle)
    return spent


def of_processor(ratio: float) -> str:
    return f"of the processor's time {ratio:.2f}"


def quality(backend: DiffusersBackend, work: BackendJob) -> str:
    """How far the saving moves the picture, in decibels under the mask."""
    request = replace(work.resolved.request, speed=SAVING)
    saving = replace(work, resolved=replace(work.resolved, request=request))
    one, other = (our_call(backend, each, fresh=False)()[0] for each in (work, saving))
    hole = work.mask > 0
    error = np.mean((one[hole].astype(float) - other[hole]) ** 2)
    return "identical" if error == 0 else f"{10 * np.log10(255**2 / error):.1f} dB to the whole"


def preview_row(spec: ModelSpec, device: Device, side: int, flags: Any) -> Row:
    """An edit whose previews are drawn and encoded as the program does, beside one without."""
    backend, work = DiffusersBackend(device=device), job_of(spec, side, steps=flags.steps)

    def shown(event: Any) -> None:
        if isinstance(event, Preview):
            Image.fromarray(event.image).save(io.BytesIO(), "JPEG", quality=85)

    def call(least: int) -> Timed:
        def run() -> None:
            preview.MIN_STEPS = least
            backend.generate(work, shown, CancelToken())

        return run

    without, drawn = in_turns(flags.rounds, call(10**6), call(2))
    preview.MIN_STEPS = 2
    return Row(f"{spec.title} {side}²: previews", without, drawn, "≤ 1.03", "left: without them")


def large_rows(spec: ModelSpec, device: Device, flags: Any) -> list[Row]:
    """A small mask in 12 megapixels: the whole edit, its crop alone, and the whole picture."""
    width, height = MEGAPIXELS_12
    picture = photo(width, height)
    mask = np.zeros((height, width), np.uint8)
    top, left = height // 2, width // 2
    mask[top : top + HOLE, left : left + HOLE] = 255
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder))
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=92)
        inputs = EditInputs(
            source=store.put_source(file.getvalue()), mask=store.put_mask(mask_png(mask))
        )
        engine = DiffusersBackend(device=device)
        pool = BackendPool(backends={"diffusers": engine})
        editor = Editor(store, Registry((spec,), spec.id), pool)
        request = EditRequest(
            model=spec.id,
            sampling=SamplingParams(prompt=PROMPT, num_inference_steps=flags.whole_steps, seed=0),
            inpaint=InpaintParams(fill=FillUnderMask.ORIGINAL, colour_match=ColourMatch.OFF),
        )

        def edit() -> None:
            entry = editor.apply(request, inputs, on_event=lambda _: None, cancel=CancelToken())
            assert entry.results, entry.error

        pipe = plain_pipe(spec, device)
        side = spec.native_size
        alone = plain_call(pipe, job_of(spec, side, steps=flags.whole_steps))
        crop, ours = in_turns(max(1, flags.rounds // 2), alone, edit)
        worked = processor_seconds(edit) - processor_seconds(alone)
        rows = [
            Row("300 px mask in 12 MP, beside its crop alone", crop, ours, "≤ + 1 s",
                f"+ {ours - crop:.2f} s (processor: + {worked:.2f} s), {flags.whole_steps} steps"),
        ]  # fmt: skip
        if "whole" not in flags.skip:
            sides = tuple(n // spec.size_multiple * spec.size_multiple for n in (height, width))
            whole = replace(
                job_of(spec, 8, steps=flags.whole_steps),
                image=picture[: sides[0], : sides[1]],
                filled=picture[: sides[0], : sides[1]],
                mask=mask[: sides[0], : sides[1]],
            )
            begin = time.perf_counter()
            plain_call(pipe, whole)()
            seconds = time.perf_counter() - begin
            rows.append(Row("300 px mask in 12 MP, beside the whole picture", seconds, ours,
                            "≤ 0.1", "the whole picture once"))  # fmt: skip
        store.close()
    return rows


def gpu_rows(flags: Any) -> list[Row]:
    """sd15- and sdxl-sized networks in bf16, also compiled and with guidance that ends early."""
    device, rows = Device("cuda", torch.bfloat16), []
    for kind, sides in (("sd15", (512, 1024)), ("sdxl", (512, 1024))):
        folder = make_model(kind, Path(tempfile.gettempdir()) / "genimg-random-models")
        spec = ModelSpec(
            id=kind, title=f"{kind}-sized", engine="diffusers", licence="-", family=kind,
            source=str(folder), **FAMILIES[kind],
        )  # fmt: skip
        for side in sides:
            rows += engine_rows(spec, device, side, flags)
        rows.append(compiled_row(spec, device, 1024, flags))
        torch.cuda.empty_cache()
    return rows


def compiled_row(spec: ModelSpec, device: Device, side: int, flags: Any) -> Row:
    backend, pipe = DiffusersBackend(device=device), plain_pipe(spec, device)
    fast = replace(spec, id=f"{spec.id}-compiled", compile=True)
    plain_memory, our_memory = (
        _peak(plain_call(pipe, job_of(spec, side, steps=2))),
        _peak(our_call(backend, job_of(fast, side, steps=2), fresh=True)),
    )
    work = job_of(fast, side, steps=30, guidance_end=SAVING.guidance_end)
    plain, ours = in_turns(
        flags.rounds,
        plain_call(pipe, job_of(spec, side, steps=30)),
        our_call(backend, work, fresh=False),
    )
    note = f"peak {plain_memory:.1f} and {our_memory:.1f} GiB"
    name = f"{spec.title} {side}², 30 steps: compiled, guidance_end {SAVING.guidance_end:g}"
    return Row(name, plain, ours, "≤ 0.6", note)


def _peak(call: Timed) -> float:
    torch.cuda.reset_peak_memory_stats()
    call()
    return float(torch.cuda.max_memory_allocated() / 2**30)


def table(rows: Sequence[Row]) -> str:
    head = ["what", "plain s", "ours s", "ratio", "goal", "note"]
    lines = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--whole-steps", type=int, default=2)
    parser.add_argument("--skip", nargs="*", default=[], choices=("cpu", "gpu", "whole", "large"))
    flags = parser.parse_args()
    rows: list[Row] = []
    if "cpu" not in flags.skip:
        spec = load_registry(ROOT / "models.yaml").get("shapes")
        spec = replace(spec, source=str(ROOT / spec.source))
        device = Device("cpu", torch.float32)
        rows += engine_rows(spec, device, spec.native_size, flags)
        rows.append(preview_row(spec, device, spec.native_size, flags))
        if "large" not in flags.skip:
            rows += large_rows(spec, device, flags)
    if "gpu" not in flags.skip and torch.cuda.is_available():
        rows += gpu_rows(flags)
    found = table(rows)
    print(f"{pick_device().label()}, torch {torch.__version__}, medians of {flags.rounds} rounds\n")
    print(found)
    if not torch.cuda.is_available():
        print("\nThere is no CUDA device here: the part for GPUs was not run.")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "diffusion.md").write_text(found + "\n", encoding="utf-8")
    seconds = [{"name": row.name, "plain": row.plain, "ours": row.ours} for row in rows]
    (OUTPUT / "diffusion.json").write_text(json.dumps(seconds, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

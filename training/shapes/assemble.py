"""Put the trained parts together as the folders that the app ships.

    python -m training.shapes.assemble --out assets/models

writes, with half precision weights,

    OUT/shapes                          a StableDiffusionInpaintPipeline
    OUT/shapes/controlnet-canny         where it was trained; and controlnet-segmentation
    OUT/shapes/lora                     where it was trained
    OUT/shapes/README.md                the model card
    OUT/shapes-free                     a StableDiffusionPipeline, 4 channels; without a training
                                        of its own (`free`) the same weights, folded

A training that is still running has averaged weights in `unet`, which are taken where there is no
`final` yet.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any, Final

import torch
from diffusers import (
    AutoencoderTiny,
    ControlNetModel,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import load_file, save_file

from training.loop import OUTPUT
from training.shapes.card import write_card
from training.shapes.controlnet import KINDS
from training.shapes.diffusion import make_scheduler
from training.shapes.free import fold
from training.shapes.text import FrozenText
from training.shapes.tokenizer import save as save_tokenizer

LIMIT_MB: Final = 60
LORA_FILE: Final = "pytorch_lora_weights.safetensors"


def newest(run: Path, *names: str) -> Path | None:
    """The first of these folders of a run that is there."""
    return next((run / name for name in names if (run / name).is_dir()), None)


def required(run: Path, *names: str) -> Path:
    """Like `newest`; raises FileNotFoundError that says which command makes it."""
    found = newest(run, *names)
    if found is None:
        part = run.name.partition("-")[0]
        raise FileNotFoundError(
            f"{run} holds none of {', '.join(names)}; make it: python -m training.shapes.{part}"
        )
    return found


def save_pipeline(pipeline: Any, folder: Path) -> None:
    """Write a pipeline in half precision; whoever loads it without a dtype gets single."""
    tokenizer = pipeline.tokenizer
    pipeline.to(dtype=torch.float16).save_pretrained(folder, safe_serialization=True)
    save_tokenizer(tokenizer, folder / "tokenizer")
    config = folder / "text_encoder" / "config.json"
    # transformers loads what the file says and diffusers float32: mixed, every call would fail.
    told = json.loads(config.read_text()) | {"dtype": "float32"}
    config.write_text(json.dumps(told, indent=2) + "\n")


def components(unet: UNet2DConditionModel, autoencoder: Path, text: FrozenText) -> dict[str, Any]:
    """What both pipelines are made of, in single precision."""
    return {
        "vae": AutoencoderTiny.from_pretrained(autoencoder),
        "text_encoder": text.model,
        "tokenizer": text.tokenizer,
        "unet": unet,
        "scheduler": make_scheduler(),
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }


def stochastic(scheduler: DDIMScheduler) -> DPMSolverMultistepScheduler:
    """DPM++ 2M SDE on the same noise schedule, for pictures from words alone.

    Where nothing is given, an error of the first steps stays: a lattice of dots that is askew,
    clouds that are too faint. Fresh noise in each step undoes some of it (Karras et al. 2022,
    section 4).
    """
    sde: DPMSolverMultistepScheduler = DPMSolverMultistepScheduler.from_config(
        scheduler.config, algorithm_type="sde-dpmsolver++"
    )
    return sde


def assemble(output: Path, out: Path) -> None:
    """Write everything that there is in the run folders under `output`."""
    shapes, free = out / "shapes", out / "shapes-free"
    autoencoder = required(output / "autoencoder", "final")
    text_encoder = required(output / "text_encoder", "final")
    weights = required(output / "denoiser", "final", "unet")
    for folder in (shapes, free):
        if folder.exists():
            shutil.rmtree(folder)
    unet = UNet2DConditionModel.from_pretrained(weights)
    trained = newest(output / "free", "final")
    free_unet = (
        UNet2DConditionModel.from_pretrained(trained)
        if trained
        else fold(unet, AutoencoderTiny.from_pretrained(autoencoder))
    )
    parts = components(unet, autoencoder, FrozenText(text_encoder))
    save_pipeline(StableDiffusionInpaintPipeline(**parts), shapes)
    parts = components(free_unet, autoencoder, FrozenText(text_encoder))
    parts["scheduler"] = stochastic(parts["scheduler"])
    save_pipeline(StableDiffusionPipeline(**parts), free)
    add_adapters(output, shapes)
    write_card(output, shapes / "README.md")


def add_adapters(output: Path, shapes: Path) -> None:
    """Write the ControlNets and the LoRA that were trained."""
    for kind in KINDS:
        trained = newest(output / f"controlnet-{kind}", "final", "network")
        if trained is not None:
            network = ControlNetModel.from_pretrained(trained).half()
            network.save_pretrained(shapes / f"controlnet-{kind}")
    lora = newest(output / "lora", "final")
    if lora is not None:
        (shapes / "lora").mkdir()
        save_file(load_file(lora / LORA_FILE), shapes / "lora" / LORA_FILE)


def sizes(folder: Path) -> dict[str, float]:
    """The size in MB of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.stat().st_size / 1e6 for path in files}


def main(argv: list[str] | None = None) -> None:
    """Assemble as the command line says; raises ValueError where the whole is too large."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=Path, default=OUTPUT, help="folder of the run folders")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args(argv)
    assemble(arguments.runs, arguments.out)
    total = 0.0
    for name in ("shapes", "shapes-free"):
        for path, size in sizes(arguments.out / name).items():
            print(f"{size:8.3f} MB  {name}/{path}")
            total += size
    print(f"{total:8.3f} MB in all")
    if total > LIMIT_MB:
        raise ValueError(f"the models must be at most {LIMIT_MB} MB in all, got {total:.1f}")


if __name__ == "__main__":
    main()

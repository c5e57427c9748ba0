"""The model card: what the model is, how it was trained and what it scores.

Figures come from the files that the trainings and `benchmarks/shapes.py` wrote.
"""

import platform
from pathlib import Path
from typing import Any, Final

import torch

from training.loop import CHECKPOINT
from training.shapes.words import BACKGROUNDS, COLOURS, SHAPES

SCORES: Final = "shapes.md"
PARTS: Final = {
    "autoencoder": "Autoencoder (AutoencoderTiny, factor 8, 4 channels)",
    "text_encoder": "Text encoder (CLIPTextModel, 2 layers of 128)",
    "denoiser": "Denoiser (UNet2DConditionModel, 9 channels)",
    "free": "Its twin with 4 channels (whole pictures alone)",
    "controlnet-canny": "ControlNet for edges",
    "controlnet-segmentation": "ControlNet for semantic maps",
    "lora": "LoRA (ink and wash)",
}

HEAD: Final = """---
license: apache-2.0
library_name: diffusers
pipeline_tag: image-to-image
tags: [inpainting, outpainting, synthetic]
---

# shapes

A small text-conditional diffusion model of a made world, for inpainting and outpainting at
128 × 128 pixels. It shows what a prompt, CFG and denoise do, on any machine, within seconds. It was
trained from nothing on pictures that a program drew; it knows no photographs and cannot paint
anything but the following.

"""

USE: Final = """
## Use
```python
import torch
from diffusers import StableDiffusionInpaintPipeline

pipe = StableDiffusionInpaintPipeline.from_pretrained("assets/models/shapes")
picture = pipe(
    "a red star",
    image=image,
    mask_image=mask,
    height=128,
    width=128,
    num_inference_steps=20,
    guidance_scale=3.0,
).images[0]
```
{adapters}The empty prompt, "nothing" and "background" ask for the background alone. The schedule
ends at beta 0.02 instead of Stable Diffusion's 0.012; it is in the scheduler's configuration.

## What it cannot do
Photographs, people, text, perspective, more than three things, other shapes or colours. Sizes and
positions in words are heeded now and then only.
"""


ADAPTERS: Final = {
    "controlnet-canny": "`controlnet-canny` is a ControlNetModel for edges (Canny 1986).\n",
    "controlnet-segmentation": "`controlnet-segmentation` is a ControlNetModel for semantic maps: "
    "black, with each\nthing in the colour of its shape: circle red, square green, triangle blue, "
    "star yellow, ring\ncyan.\n",
    "lora": "`lora` is for `load_lora_weights`.\n",
    "../shapes-free": "`../shapes-free` is its twin with 4 input channels, for text-to-image and\n"
    "image-to-image.\n",
}


def use(folder: Path) -> str:
    """How it is used, with the adapters and the twin that lie beside it."""
    here = [text for name, text in ADAPTERS.items() if (folder / name).is_dir()]
    return USE.replace("{adapters}", "".join([*here, "\n"] if here else []))


def world() -> str:
    """What there is in the world, in one sentence per kind."""
    return (
        f"- Shapes: {', '.join(SHAPES)}.\n"
        f"- Colours: {', '.join(COLOURS)}.\n"
        f"- Backgrounds: {', '.join(BACKGROUNDS)}, in one or two colours.\n"
        "- Up to three things, small or big; left, right, top, bottom or centre.\n"
    )


def training_rows(output: Path) -> list[str]:
    """One row of the table for each part whose run folder has a checkpoint."""
    rows = []
    for part, title in PARTS.items():
        path = output / part / CHECKPOINT
        if path.exists():
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            steps, pictures, seconds = state["counters"]
            rows.append(f"| {title} | {steps:,} | {pictures:,} | {seconds / 60:.0f} |")
    return rows


def hardware() -> str:
    """The processor or GPU of this machine."""
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return f"{torch.get_num_threads()} threads of a {platform.machine()} processor, no GPU"


def scores(output: Path) -> str:
    """The tables that the benchmark wrote, where they were put beside the run folders."""
    path = output / SCORES
    if not path.exists():
        return "Not measured yet: `python benchmarks/shapes.py`.\n"
    return path.read_text("utf-8")


def write_card(output: Path, path: Path) -> None:
    """Write the card of the model whose run folders lie in `output`."""
    table = ["| part | steps | pictures | minutes |", "|---|---|---|---|", *training_rows(output)]
    training = (
        "\n## Training\n"
        "Data: scenes, captions and masks of `training/shapes`, made by code from fixed seeds.\n"
        f"Hardware: {hardware()}. One command per part (`python -m training.shapes.PART`).\n\n"
    )
    measured = "\n## Scores\n" + scores(output)
    text = HEAD + world() + use(path.parent) + training + "\n".join(table) + "\n" + measured
    path.write_text(text, encoding="utf-8")

"""The `parameters` text of Automatic1111's web UI, which many other tools read.

The prompt's lines, one line with the negative prompt, one with settings as `Name: value, ...`.
"""

import json

from genimg_ui import __version__
from genimg_ui.history.record import LogEntry

# Our scheduler's name → the name that the web UI gives to the same sampler, and its schedule.
SAMPLERS = {
    "euler": ("Euler", ""),
    "euler_a": ("Euler a", ""),
    "dpmpp_2m": ("DPM++ 2M", ""),
    "dpmpp_2m_karras": ("DPM++ 2M", "Karras"),
    "unipc": ("UniPC", ""),
    "ddim": ("DDIM", ""),
    "pndm": ("PLMS", ""),
    "heun": ("Heun", ""),
    "lcm": ("LCM", ""),
}
NEGATIVE = "Negative prompt:"


def parameters_text(entry: LogEntry, *, seed: int) -> str:
    """The text of one result of `entry`; always encodable, without NUL.

    Sampler, steps and CFG are left out where the engine has no sampler.
    """
    request, resolved = entry.request, entry.resolved
    sampling = request.sampling if resolved is None else resolved.request.sampling
    settings: dict[str, object] = {}
    if resolved is not None and resolved.scheduler:
        name, schedule = SAMPLERS.get(resolved.scheduler, (resolved.scheduler, ""))
        settings["Steps"] = sampling.num_inference_steps
        settings["Sampler"] = name
        if schedule:
            settings["Schedule type"] = schedule
        settings["CFG scale"] = f"{sampling.guidance_scale:g}"
        if sampling.true_cfg_scale > 1:
            settings["True CFG scale"] = f"{sampling.true_cfg_scale:g}"
    settings["Seed"] = seed
    if entry.plan is not None:
        settings["Size"] = f"{entry.plan.canvas.width}x{entry.plan.canvas.height}"
    settings["Model"] = request.model
    if resolved is not None and resolved.scheduler:
        settings["Denoising strength"] = f"{sampling.strength:g}"
    settings["Mask blur"] = request.mask.feather
    settings["Version"] = f"genimg_ui {__version__}"
    lines = [sampling.prompt]
    if sampling.negative_prompt:
        lines.append(f"{NEGATIVE} {sampling.negative_prompt}")
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in settings.items()))
    return "\n".join(lines).replace("\0", "").encode(errors="replace").decode()


def _quoted(value: object) -> str:
    """A JSON string where a comma, colon or line end would break the line (their convention)."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if set(text) & set(',:\n"') else text

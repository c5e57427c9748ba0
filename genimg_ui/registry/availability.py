"""Whether a model can be used on this machine, and if not, why: in one sentence."""

from genimg_ui.registry.spec import ModelSpec
from genimg_ui.weights import folders


def availability(spec: ModelSpec, *, safety: bool = False) -> str | None:
    """Why the model cannot be used here, in one sentence; None if it can.

    With `safety` its safety checker must be there as well, where the model has one.
    """
    if not spec.source:
        return None
    lack = _lack(spec, safety=safety)
    if lack is None:
        return None
    if not folders.is_hub_id(spec.source):
        return f"{spec.title} cannot be used: {lack}."
    if folders.hub_reachable():
        return None  # it is downloaded at its first use
    return (
        f"{spec.title} needs a download of {download_size(spec)} from the Hugging Face hub, which "
        f"cannot be reached from here ({lack}); the embedded engine `exemplar` works without."
    )


def download_size(spec: ModelSpec) -> str:
    """How much must be fetched, in words."""
    return f"about {spec.download_gib:g} GB" if spec.download_gib else "several GB"


def _lack(spec: ModelSpec, *, safety: bool) -> str | None:
    folder = folders.local_folder(spec.source, spec.revision)
    if folder is None:
        if folders.is_hub_id(spec.source):
            return "its weights are not on this machine"
        return f"the folder {spec.source} does not exist"
    lack = folders.missing_part(folder, spec.variant, safety=safety)
    if lack is not None:
        return f"the folder {folder} {lack}"
    if spec.lora and folders.local_folder(spec.lora) is None:
        return f"its LoRA {spec.lora} is not on this machine"
    return None

"""Where the pieces of a model lie on this machine, and what of them is missing.

A model is a folder of diffusers, or a single file that shares another model's configuration
(schedulers, tokenizers and the shapes of the networks, a few megabytes). A refiner or a prior is
a folder of its own. Judged from the disk alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry.quantisation import lacking
from genimg_ui.registry.spec import ModelSpec
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import Kind, Wanted
from genimg_ui.weights.folders import Need
from genimg_ui.weights.gguf_header import GGUF
from genimg_ui.weights.recognise import Recognised, recognise_file, tensor_shapes

OF_UNETS = ("sd15", "sdxl", "kandinsky22")
_WEIGHTED = (
    *("transformer", "unet", "vae"),
    *("text_encoder", "text_encoder_2", "text_encoder_3"),
)
# What a refiner need not have of its own: it works on the latents and texts of its model.
_SHARED_WITH_REFINER = frozenset({"vae", "text_encoder_2", "tokenizer_2"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The pieces of one model. `config` is only there beside a single file.

    `recognised` tells what a single file holds; `helpers` are folders by their role.
    """

    main: Path
    config: Path | None = None
    recognised: Recognised | None = None
    helpers: Mapping[str, Path] = field(default_factory=dict)


class Absent(ModelUnavailable):
    """A piece that is not here. `wanted` is what to fetch, None for what lies on a disk."""

    def __init__(self, words: str, wanted: Wanted | None = None) -> None:
        super().__init__(words)
        self.wanted = wanted


def locate(spec: ModelSpec, *, safety: bool = False) -> Place:
    """Every piece of the model. Raises Absent: its text follows "cannot be used:"."""
    lack = lacking(spec.quantisation, gguf=_weights_name(spec).endswith(GGUF))
    if lack:
        raise Absent(lack)
    if spec.engine == "completion":
        return Place(main=_network(spec))
    if folders.is_single_file(spec.source, spec.file):
        place = _single(spec, safety=safety)
    else:
        place = Place(main=_pipeline(spec, spec.source, Need(pickles=spec.allow_pickle), safety))
    helpers: dict[str, Path] = {}
    if spec.refiner:
        need = Need(elsewhere=_SHARED_WITH_REFINER, pickles=spec.allow_pickle)
        helpers["refiner"] = _pipeline(spec, spec.refiner, need, False)
    if spec.prior:
        helpers["prior"] = _pipeline(spec, spec.prior, Need(pickles=spec.allow_pickle), False)
    return Place(main=place.main, config=place.config, recognised=place.recognised, helpers=helpers)


def _weights_name(spec: ModelSpec) -> str:
    return (spec.file or Path(spec.source).name).lower()


def _network(spec: ModelSpec) -> Path:
    """The folder of a single network: config.json and its weights."""
    wanted = None
    if folders.is_hub_id(spec.source):
        wanted = Wanted(hub_id=spec.source, kind=Kind.COMPONENT, revision=spec.revision)
    folder = folders.local_folder(spec.source, spec.revision)
    if folder is None:
        here = "its weights are not on this machine"
        raise Absent(here if wanted else f"the folder {spec.source} does not exist", wanted)
    lack = folders.missing_weights(folder)
    if lack is not None:
        raise Absent(f"the folder {folder} {lack}", wanted)
    return folder


def _pipeline(spec: ModelSpec, source: str, need: Need, safety: bool) -> Path:
    revision = spec.revision if source == spec.source else None
    wanted = None
    if folders.is_hub_id(source):
        wanted = Wanted(
            hub_id=source,
            revision=revision,
            variant=spec.variant,
            safety=safety,
            pickles=spec.allow_pickle,
        )
    folder = folders.local_folder(source, revision)
    if folder is None:
        if wanted is None:
            raise Absent(f"the folder {source} does not exist")
        beside = "" if source == spec.source else f" of {source}"
        raise Absent(f"its weights{beside} are not on this machine", wanted)
    lack = folders.missing_part(folder, spec.variant, safety=safety, need=need)
    if lack is not None:
        raise Absent(f"the folder {folder} {lack}", wanted)
    return folder


def _single(spec: ModelSpec, *, safety: bool) -> Place:
    name = spec.file or Path(spec.source).name
    path = folders.local_file(spec.source, spec.revision, spec.file)
    if not name.lower().endswith((folders.SAFETENSORS, GGUF)) and not spec.allow_pickle:
        raise Absent(
            f"only .safetensors and .gguf files are loaded, got {name}; write `allow_pickle: true` "
            "for this model if you trust where it comes from"
        )
    if path is None and folders.is_hub_id(spec.source):
        wanted = Wanted(
            hub_id=spec.source, kind=Kind.FILES, revision=spec.revision, files=(spec.file,)
        )
        raise Absent("its weights are not on this machine", wanted)
    if path is None:
        raise Absent(f"the file {Path(spec.source) / spec.file} does not exist")
    if spec.engine != "diffusers":
        if path.suffix.lower() == folders.SAFETENSORS:
            tensor_shapes(path)
        return Place(main=path)
    found = _recognised(spec, path)
    return Place(main=path, config=_config(spec, found, safety=safety), recognised=found)


def _recognised(spec: ModelSpec, path: Path) -> Recognised | None:
    if path.suffix.lower() not in (folders.SAFETENSORS, GGUF):
        return None  # its names cannot be read without reading all of it
    try:
        found = recognise_file(path)
    except ModelUnavailable as problem:
        raise Absent(str(problem)) from problem
    if found is None:
        raise Absent(f"{path.name} holds no model of a known family")
    if found.kind != "model":
        raise Absent(f"{path.name} holds a {found.kind}, not a model")
    if found.family != spec.family:
        raise Absent(
            f"family of {spec.id} in models.yaml is {spec.family}, but {path.name} is "
            f"{found.family}"
        )
    if found.whole and spec.quantisation:
        raise Absent(
            f"quantisation needs a folder, or a file with the denoiser alone; {path.name} holds "
            "the whole model"
        )
    if path.suffix.lower() == GGUF and (found.whole or spec.family in OF_UNETS):
        raise Absent(f"of GGUF files those with a transformer alone are read, not {path.name}")
    denoisers = {"transformer", "unet"} & {network for network, _ in spec.quantisation}
    if path.suffix.lower() == GGUF and denoisers:
        raise Absent(
            f"{path.name} is quantised already; remove its {denoisers.pop()} from `quantisation`"
        )
    return found


def _config(spec: ModelSpec, found: Recognised | None, *, safety: bool) -> Path:
    source = spec.config or (found.config if found is not None else "")
    if not source:
        raise Absent(
            "a single file needs `config`, the folder of a model whose configuration it shares"
        )
    # A file that holds the denoiser alone takes all else from its configuration's model.
    absent = frozenset(() if found is None else found.absent)
    need = Need(configs=found is None or found.whole, weights=absent, pickles=spec.allow_pickle)
    if not need.configs:
        need = Need(elsewhere=frozenset({"unet", "transformer"}), pickles=spec.allow_pickle)
    folder = folders.local_folder(source)
    lack = "is not on this machine"
    if folder is not None:
        lack = folders.missing_part(folder, spec.variant, safety=safety, need=need) or ""
    if folder is not None and not lack:
        return folder
    wanted = None
    if folders.is_hub_id(source):
        kind = Kind.CONFIGS if need.configs and not absent and not safety else Kind.PIPELINE
        elsewhere = frozenset(_WEIGHTED) - absent if need.configs else need.elsewhere
        wanted = Wanted(
            hub_id=source, kind=kind, variant=spec.variant, safety=safety, elsewhere=elsewhere
        )
    raise Absent(
        f"its configuration {source} {lack}; `config` may name a folder that has it", wanted
    )

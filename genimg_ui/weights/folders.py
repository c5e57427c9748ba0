"""What of a model's weights lies on this machine, judged from the disk alone.

A model is a folder in the layout of diffusers: `model_index.json` and a folder for each
component. It is named by a path or by a hub id ("owner/name"), which is looked up in the hub's
cache. Nothing here imports torch, and only `hub_reachable` opens a connection.
"""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from huggingface_hub import constants

from genimg_ui.weights.gguf_header import GGUF

INDEX = "model_index.json"
REACH_TIMEOUT = 3.0  # seconds; a hub that is slower than this would not serve gigabytes either
REACH_MEMORY = 60  # seconds for which an answer about the hub holds
HEADER_BYTES = 8  # a safetensors file starts with its header's length as little-endian uint64
MODEL_WEIGHTS = ("diffusion_pytorch_model", "model")  # stems that diffusers and transformers write

SAFETENSORS = ".safetensors"
PICKLES = (".ckpt", ".pt", ".pth", ".bin")  # may hold code: read only where an entry allows it

# Components that carry no weights, by the end of their class name.
WEIGHTLESS = ("Scheduler", "Tokenizer", "TokenizerFast", "Extractor", "Processor")


def is_hub_id(source: str) -> bool:
    """Whether `source` is an "owner/name" rather than a path."""
    return source.count("/") == 1 and not source.startswith((".", "/", "~")) and ":" not in source


def repository(hub_id: str) -> Path:
    """Where the hub's cache keeps a model: its blobs, snapshots and refs; it may not be there."""
    return Path(constants.HF_HUB_CACHE) / f"models--{hub_id.replace('/', '--')}"


def cached_snapshot(hub_id: str, revision: str | None = None) -> Path | None:
    """The folder of a hub model in the local cache, complete or not."""
    root = repository(hub_id)
    wanted = revision or "main"
    ref = root / "refs" / wanted
    commit = ref.read_text().strip() if ref.is_file() else wanted
    folder = root / "snapshots" / commit
    return folder if folder.is_dir() else None


def local_folder(source: str, revision: str | None = None) -> Path | None:
    """Where the model lies on this machine, or None."""
    if is_hub_id(source):
        return cached_snapshot(source, revision)
    folder = Path(source).expanduser()
    return folder if folder.is_dir() else None


def is_single_file(source: str, file: str = "") -> bool:
    """Whether the model is one file: a path that ends as weights do, or `file` in a folder."""
    return bool(file) or (
        not is_hub_id(source) and source.lower().endswith((SAFETENSORS, GGUF, *PICKLES))
    )


def local_file(source: str, revision: str | None = None, file: str = "") -> Path | None:
    """Where the single file lies on this machine, or None."""
    if file:
        folder = local_folder(source, revision)
        path = None if folder is None else folder / file
    else:
        path = Path(source).expanduser()
    return path if path is not None and path.is_file() else None


def pipeline_class(folder: Path) -> str | None:
    """The class name in model_index.json, or None where there is no readable index."""
    try:
        name = json.loads((folder / INDEX).read_text(encoding="utf-8")).get("_class_name")
    except (OSError, ValueError, AttributeError):
        return None
    return name if isinstance(name, str) else None


def component_class(folder: Path, name: str) -> str:
    """The class that model_index.json names for a component, "" where it names none."""
    try:
        entry = json.loads((folder / INDEX).read_text(encoding="utf-8")).get(name)
    except (OSError, ValueError, AttributeError):
        return ""
    return str(entry[1]) if isinstance(entry, list) and len(entry) == 2 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What else than whole safetensors will do for a pipeline's folder.

    Pickles where `pickles`. Components in `elsewhere` are read from another place. With `configs`
    the weights lie in a single file, and only configurations are needed beside it, but for the
    components in `weights`.
    """

    pickles: bool = False
    configs: bool = False
    weights: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()


def missing_part(
    folder: Path, variant: str | None = None, *, safety: bool = False, need: Need | None = None
) -> str | None:
    """What a pipeline's folder lacks, in words that follow "the folder"; None if complete.

    A safety checker counts only where `safety` asks for it.
    """
    need = need or Need()
    optional = {"image_encoder", *need.elsewhere} | (set() if safety else {"safety_checker"})
    index = folder / INDEX
    if not index.is_file():
        return f"lacks {INDEX}"
    try:
        parts = json.loads(index.read_text(encoding="utf-8"))
    except ValueError:
        return f"has an {INDEX} that is no JSON"
    if not isinstance(parts, dict):
        return f"has an {INDEX} that is no table"
    for name, entry in parts.items():
        if not isinstance(entry, list) or len(entry) != 2 or None in entry:
            continue
        if name in optional:
            continue
        lack = _missing_in_component(folder, name, str(entry[1]), variant, need)
        if lack is not None:
            return lack
    return None


def missing_weights(
    folder: Path, name: str = "", variant: str | None = None, *, pickles: bool = False
) -> str | None:
    """What one component's folder lacks of its config and weights."""
    here = folder / name if name else folder
    prefix = f"{name}/" if name else ""
    if not (here / "config.json").is_file():
        return f"lacks {prefix}config.json"
    stems = [f"{stem}.{variant}" for stem in MODEL_WEIGHTS if variant] + list(MODEL_WEIGHTS)
    for stem in stems:
        for shards in _indices(here, stem, variant):
            if shards.is_file():
                return _missing_shard(here, shards, prefix)
        single = here / f"{stem}.safetensors"
        if single.exists():
            return _truncated(single, prefix)
    if pickles and any((here / f"{stem}.bin").is_file() for stem in ("pytorch_model", *stems)):
        return None
    return f"lacks {prefix}*.safetensors (only safetensors are loaded)"


def hub_reachable() -> bool:
    """Whether the hub answers; an answer is remembered for a minute."""
    if constants.HF_HUB_OFFLINE:
        return False
    return _hub_answers(constants.ENDPOINT, int(time.monotonic()) // REACH_MEMORY)


@lru_cache(maxsize=1)
def _hub_answers(endpoint: str, minute: int) -> bool:  # noqa: ARG001 - the cache's key
    request = urllib.request.Request(endpoint, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=REACH_TIMEOUT):
            return True
    except urllib.error.HTTPError:
        return True  # it refused the request, so it is there
    except (OSError, ValueError):
        return False


def _missing_in_component(
    folder: Path, name: str, kind: str, variant: str | None, need: Need
) -> str | None:
    here = folder / name
    if not here.is_dir():
        return f"lacks {name}/"
    if kind.endswith("Scheduler"):
        config = here / "scheduler_config.json"
        return None if config.is_file() else f"lacks {name}/scheduler_config.json"
    if kind.endswith(WEIGHTLESS):
        return None if any(here.iterdir()) else f"has an empty {name}/"
    if need.configs and name not in ("safety_checker", *need.weights):
        return None if (here / "config.json").is_file() else f"lacks {name}/config.json"
    return missing_weights(folder, name, variant, pickles=need.pickles)


def _indices(here: Path, stem: str, variant: str | None) -> tuple[Path, ...]:
    """Where the index of a stem's shards may lie.

    diffusers and transformers put the variant at the end of its name, other programs in the stem.
    """
    plain = here / f"{stem}.safetensors.index.json"
    name, dot, own = stem.partition(".")
    if not dot or own != variant:
        return (plain,)
    return here / f"{name}.safetensors.index.{variant}.json", plain


def _missing_shard(here: Path, index: Path, prefix: str) -> str | None:
    try:
        shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError):
        return f"has a broken {prefix}{index.name}"
    for shard in shards:
        lack = _truncated(here / shard, prefix)
        if lack is not None:
            return lack
    return None


def _truncated(path: Path, prefix: str) -> str | None:
    """Compare a safetensors file's size with what its header promises."""
    if not path.is_file():  # also a link of the hub's cache whose download did not end
        return f"lacks {prefix}{path.name}"
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(HEADER_BYTES), "little")
            header = json.loads(file.read(min(length, size)))
        ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"has a broken {prefix}{path.name}"
    whole = HEADER_BYTES + length + max(ends, default=0)
    if size >= whole:
        return None
    return f"has only {size:,} of {whole:,} bytes of {prefix}{path.name}"

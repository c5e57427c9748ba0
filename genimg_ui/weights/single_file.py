"""One file of weights beside a model: a LoRA, an embedding, an adapter. Looked for on disk only."""

from pathlib import Path

from genimg_ui.weights import folders

PATTERN = "*.safetensors"


def find_file(source: str, name: str = "") -> tuple[Path | None, str]:
    """The file `name` of `source` (hub id, folder or the file itself), or None and what is wrong.

    Without a name it is the only .safetensors file there. The second value follows "it".
    """
    if not folders.is_hub_id(source) and Path(source).expanduser().is_file():
        path = Path(source).expanduser()
        good = path.match(PATTERN)
        return (path, "") if good else (None, "is no .safetensors file")
    folder = folders.local_folder(source)
    if folder is None:
        return None, "is not on this machine"
    if name:
        path = folder / name
        return (path, "") if path.is_file() else (None, f"lacks {name}")
    files = sorted(folder.glob(PATTERN))
    if len(files) == 1:
        return files[0], ""
    return None, f"must be a folder with one .safetensors file, or name it; got {len(files)}"

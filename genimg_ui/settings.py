"""Flags and environment → Settings: the only place that reads either.

A flag wins over its environment variable, which wins over the default.
"""

import argparse
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from genimg_ui.core.image import PILLOW_PIXELS
from genimg_ui.core.resolve import Bounds
from genimg_ui.credentials.identity import CredentialFiles
from genimg_ui.exporting.formats import ExportPolicy

SPACE_DATA = Path("/data")  # persistent storage of a Hugging Face Space, where it is switched on
DEFAULT_PORT = 7860
LOOPBACK = ("127.0.0.1", "::1", "localhost")
MAX_PORT = 65535  # 0 lets the system choose
GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicLimits:
    """What one visitor of a public installation may ask for."""

    megapixels: float = 16.0  # of an upload
    upload_mb: int = 40
    queue_length: int = 20
    jobs_per_session: int = 2
    steps: int = 50
    variants: int = 4
    pictures_of_run: int = 9
    passes: int = 64  # of one edit, times its variants
    disk_per_session_gib: float = 0.5
    disk_gib: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this installation runs."""

    data_dir: Path
    models: Path
    host: str
    port: int
    auth: tuple[str, str] | None
    public: PublicLimits | None
    zero_gpu: bool = False  # whether the host lends its GPU to single requests
    export: ExportPolicy = field(default_factory=ExportPolicy)
    model_memory_gib: float | None = None  # of weights that are kept between edits

    @property
    def local(self) -> bool:
        """Whether the page listens to this machine alone, for one person."""
        return self.public is None and self.auth is None and self.host in LOOPBACK

    @property
    def bounds(self) -> Bounds:
        """The largest values that an edit may have here."""
        if self.public is None:
            return Bounds()
        return Bounds(
            variants=self.public.variants,
            pictures_of_run=self.public.pictures_of_run,
            num_inference_steps=self.public.steps,
            megapixels=2 * self.public.megapixels,
            passes=self.public.passes,
        )


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """GENIMG_DATA_DIR, else a Space's persistent storage, else `data` in the working folder."""
    if environ.get("GENIMG_DATA_DIR"):
        return Path(environ["GENIMG_DATA_DIR"])
    if SPACE_DATA.is_dir() and os.access(SPACE_DATA, os.W_OK):
        return SPACE_DATA
    return Path("data")


def parse_settings(arguments: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Read the page's flags; argparse ends the program where they are wrong."""
    flags = _parser(environ).parse_args(arguments)
    auth = _auth(flags.auth)
    return Settings(
        data_dir=flags.data_dir.resolve(),
        models=flags.models.resolve(),
        host=flags.host,
        port=flags.port,
        auth=auth,
        public=_public(flags) if flags.public else None,
        export=export_policy(flags, public=flags.public),
        model_memory_gib=flags.model_memory_gib,
        zero_gpu=environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true"),
    )


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="app.py", description="The editor in a browser.")
    on_space = "SPACE_ID" in environ
    add = parser.add_argument
    add("--data-dir", type=Path, default=default_data_dir(environ), help="where everything is kept")
    add("--models", type=Path, default=Path(__file__).parent.parent / "models.yaml")
    host = environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if on_space else "127.0.0.1")
    add("--host", default=host, help="address to listen on (default %(default)s)")
    port = environ.get("GRADIO_SERVER_PORT") or environ.get("PORT") or str(DEFAULT_PORT)
    add("--port", type=_port, default=port, help="port to listen on (default %(default)s)")
    add("--auth", default=environ.get("GENIMG_AUTH"), metavar="NAME:PASSWORD")
    add(
        "--public",
        action="store_true",
        default=_switch("GENIMG_PUBLIC", environ),
        help="limit what one visitor may ask for",
    )
    add_export_flags(parser, environ)
    add_memory_flag(parser, environ)
    group = parser.add_argument_group("limits of --public")
    for name, value in _public_defaults().items():
        given = environ.get(f"GENIMG_MAX_{name.upper()}")  # a Space has variables, but no flags
        flag = f"--max-{name.replace('_', '-')}"
        group.add_argument(flag, type=type(value), default=value if given is None else given)
    return parser


def add_memory_flag(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """The flag that says how much memory the weights of models may take between edits."""
    parser.add_argument(
        "--model-memory-gib",
        type=_gibibytes,
        default=environ.get("GENIMG_MODEL_MEMORY_GIB") or None,
        metavar="GIB",
        help="weights that are kept between edits; 0 keeps those of the last edit only "
        "(default: 80%% of a GPU's memory, or half of the machine's)",
    )


def _gibibytes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number from 0 on, in GiB, got {text!r}")
    return value


def add_export_flags(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """The flags that say what goes into a file that leaves the program."""
    group = parser.add_argument_group("files that leave the program")
    group.add_argument(
        "--record",
        action=argparse.BooleanOptionalAction,
        default=_switch("GENIMG_RECORD", environ, default=True),
        help="write the edit's record (settings, prompt, seed) into the file",
    )
    group.add_argument(
        "--credentials",
        action=argparse.BooleanOptionalAction,
        default=_switch("GENIMG_CREDENTIALS", environ, default=None),
        help="sign it with content credentials",
    )
    for name, what in (("cert", "certificate chain"), ("key", "its private key")):
        given = environ.get(f"GENIMG_CREDENTIAL_{name.upper()}")
        default = Path(given) if given else None
        help_ = f"{what}, a PEM file; without it a test certificate signs"
        group.add_argument(f"--credential-{name}", type=Path, default=default, help=help_)


def export_policy(flags: argparse.Namespace, *, public: bool) -> ExportPolicy:
    """What the flags of `add_export_flags` say; files are signed by default where `public`."""
    files, given = None, (flags.credential_cert, flags.credential_key)
    if None not in given:
        files = CredentialFiles(certificate=given[0].resolve(), key=given[1].resolve())
    elif given != (None, None):
        raise SystemExit("--credential-cert and --credential-key must be given together, got one.")
    signs = public if flags.credentials is None else flags.credentials
    return ExportPolicy(record=flags.record, credentials=signs, files=files)


def _public_defaults() -> dict[str, int | float]:
    limits = PublicLimits()
    return {name: getattr(limits, name) for name in PublicLimits.__dataclass_fields__}


def _public(flags: argparse.Namespace) -> PublicLimits:
    limits = {name: getattr(flags, f"max_{name}") for name in _public_defaults()}
    for name, value in limits.items():
        most = PILLOW_PIXELS / 1e6 if name == "megapixels" else math.inf
        if not 0 < value <= most:
            flag = f"--max-{name.replace('_', '-')}"
            allowed = "above 0" if most == math.inf else f"in (0, {most:g}]"
            raise SystemExit(f"{flag} must be {allowed}, got {value}.")
    return PublicLimits(**limits)


def _switch(name: str, environ: Mapping[str, str], *, default: bool | None = False) -> bool | None:
    text = environ.get(name, "").lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    if text:
        raise SystemExit(f"{name} must be 1 or 0, got {text!r}.")
    return default


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"must be in [0, {MAX_PORT}], got {text!r}")
    return int(text)


def _auth(text: str | None) -> tuple[str, str] | None:
    if not text:
        return None
    name, separator, password = text.partition(":")
    if not (name and separator and password):
        raise SystemExit("--auth must be NAME:PASSWORD.")
    return name, password

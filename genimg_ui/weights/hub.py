"""What the Hugging Face hub says of a model: its files, their sizes and their digests.

Only lists; `weights/transfer.py` carries the bytes. Whatever goes wrong becomes one sentence
that says what to do.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import HfApi, ModelCardData, constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from genimg_ui.errors import ModelUnavailable

_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
LIST_TIMEOUT = 10.0  # seconds for the list of a model's files
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404
# What the network and the hub's client raise; HfHubHTTPError is among httpx2's.
HUB_ERRORS = (httpx2.HTTPError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a hub model.

    `digest` names its content in hex: sha256 (64 digits) of a large file, git's sha1 of a blob
    (40 digits) of a small one. It is the file's name in the hub's cache as well.
    """

    name: str  # relative to the model, with "/"
    bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one commit of a hub model."""

    hub_id: str
    commit: str
    files: tuple[HubFile, ...]
    licence: str = ""  # as its card names it; "" where it names none

    def get(self, name: str) -> HubFile | None:
        """The file of that name; None where the model has none."""
        return next((file for file in self.files if file.name == name), None)


def is_hub_host(name: str) -> bool:
    """Whether an address with this host is one of the hub: the public one's, or the one in use."""
    return name in (*_HOSTS, urlsplit(constants.ENDPOINT).netloc)


def list_files(hub_id: str, revision: str | None = None) -> Listing:
    """Ask the hub which files the model has; raises ModelUnavailable."""
    try:
        api = HfApi(endpoint=constants.ENDPOINT)
        info = api.model_info(hub_id, revision=revision, files_metadata=True, timeout=LIST_TIMEOUT)
    except HUB_ERRORS as error:
        raise unavailable(hub_id, error, revision) from error
    files = []
    for item in info.siblings or ():
        digest = item.lfs.sha256 if item.lfs is not None else item.blob_id
        if item.size is None or not digest or ".." in item.rfilename.split("/"):
            continue
        files.append(HubFile(item.rfilename, item.size, digest))
    if not info.sha or not files:
        raise ModelUnavailable(f"The hub names no files of {hub_id}.")
    return Listing(hub_id, info.sha, tuple(files), _licence(info.card_data))


def _licence(card: ModelCardData | None) -> str:
    """The licence of a model's card; one without an id of its own has a name beside it."""
    licence = getattr(card, "license", None) or ""
    if licence == "other":
        licence = getattr(card, "license_name", None) or licence
    return ", ".join(map(str, licence)) if isinstance(licence, list) else str(licence)


def unavailable(hub_id: str, error: Exception, revision: str | None = None) -> ModelUnavailable:
    """What went wrong with the hub, as a sentence that says what to do."""
    return ModelUnavailable(_sentence(hub_id, error, revision))


def _sentence(hub_id: str, error: Exception, revision: str | None) -> str:
    page = f"{constants.ENDPOINT}/{hub_id}"
    if isinstance(error, GatedRepoError):
        return (
            f"{hub_id} is gated: accept its terms at {page}, and give the token of that account "
            "in the variable HF_TOKEN (or by `hf auth login`), then fetch again."
        )
    if isinstance(error, RevisionNotFoundError):
        return f"{hub_id} has no revision {revision}: see {page}."
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"The hub has no model {hub_id}, or it is private: check the spelling, or give a token "
            "that may read it in the variable HF_TOKEN."
        )
    if isinstance(error, OfflineModeIsEnabled):
        return f"{hub_id} cannot be fetched: HF_HUB_OFFLINE is set."
    if isinstance(error, HfHubHTTPError):
        return _of_status(hub_id, error.response.status_code)
    if isinstance(error, httpx2.TimeoutException):
        return f"The hub at {constants.ENDPOINT} did not answer in time: try {hub_id} again later."
    if isinstance(error, httpx2.HTTPError):
        return (
            f"The hub at {constants.ENDPOINT} cannot be reached for {hub_id} "
            f"({_first_line(error)})."
        )
    return f"{hub_id} cannot be fetched from the hub: {_first_line(error)}."


def _of_status(hub_id: str, status: int) -> str:
    if status in (UNAUTHORIZED, FORBIDDEN):
        return (
            f"The hub does not let this account read {hub_id} (status {status}): check the token "
            f"in HF_TOKEN, and accept the model's terms at {constants.ENDPOINT}/{hub_id}."
        )
    if status == NOT_FOUND:
        return f"The hub has a file of {hub_id} no more (status 404): fetch the model again."
    return f"The hub answered with status {status} for {hub_id}: try again later."


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")

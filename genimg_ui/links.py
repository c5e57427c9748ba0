"""Addresses of stored files that only this program can make.

A digest alone opens nothing: it stands in every result that people hand on, together with that of
the untouched source. A link carries a proof beside the file's name, and is made for whoever may
see the file. Knows nothing of Gradio; the page's server calls `find`.
"""

import re
from pathlib import Path
from urllib.parse import quote

from genimg_ui.history.private import PrivateSecret

ROUTE = "genimg_files"  # first part of every address, relative to the page
_NAME = re.compile(
    r"(sources|results|thumbs|previews|masks|exports)/[\w.-]+|sessions/[0-9a-f]{32}/seed_log\.jsonl"
    r"|sessions/[0-9a-f]{32}/seed_log\.(csv|html)"  # made when it is fetched
    r"|downloads/[0-9a-f]{64}\.png"  # made when it is fetched
    r"|judging/[0-9a-f]{32}/[0-9a-f]{32}\.png"  # a study's pictures, for its raters
    r"|evaluations/[0-9a-f]{32}/run/report\.html"
)


class Links:
    """Makes and checks the addresses of one data folder."""

    def __init__(self, data_dir: Path, secret: PrivateSecret) -> None:
        self._data_dir = data_dir
        self._secret = secret

    def url(self, path: Path) -> str:
        """The address of a file below the data folder, relative to the page."""
        name = path.relative_to(self._data_dir).as_posix()
        if not _NAME.fullmatch(name):
            raise ValueError(f"a linked file must match {_NAME.pattern}, got {name!r}")
        return f"{ROUTE}/{self._secret.derive('link', name)}/{quote(name)}"

    def is_ours(self, proof: str, name: str) -> bool:
        """Whether `url` made this address, be the file still there or not."""
        return bool(_NAME.fullmatch(name)) and self._secret.is_derived("link", name, proof)

    def find(self, proof: str, name: str) -> Path | None:
        """The file of an address; None where the address was not made here, or the file is gone."""
        if not self.is_ours(proof, name):
            return None
        path = self._data_dir / name
        return path if path.is_file() else None

"""Names that reach the disk: session ids, digests and entry ids, each checked before use.

A session key is 32 lower-case hex digits (128 random bits) and stays in the browser. Folders and
tables use the session id only, from which the key cannot be had. A digest is 64 lower-case hex
digits and an entry's id has neither dots nor slashes, so no text from outside can name a path.
"""

import hashlib
import re
import secrets
from datetime import UTC, datetime

from genimg_ui.errors import RefusedInput

_HEX_32 = re.compile(r"[0-9a-f]{32}")
_HEX_64 = re.compile(r"[0-9a-f]{64}")
_ENTRY_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_DOMAIN = "genimg_ui session"  # keeps the id apart from any other use of the key's digest
_SHOWN = 40  # characters of a refused name that the sentence repeats


def new_session_key() -> str:
    """Draw a key for a browser that has none."""
    return secrets.token_hex(16)


def is_session_key(key: str) -> bool:
    return _HEX_32.fullmatch(key) is not None


def session_id(key: str) -> str:
    """Turn the browser's key into the id under which the session is stored."""
    _match(_HEX_32, key, "session key", "32 hex digits")
    return hashlib.sha256((_DOMAIN + key).encode()).hexdigest()[:32]


def check_session(session: str) -> str:
    """Return `session` if it has the form of a session id."""
    return _match(_HEX_32, session, "session id", "32 hex digits")


def is_session(name: str) -> bool:
    return _HEX_32.fullmatch(name) is not None


def check_sha256(sha256: str) -> str:
    """Return `sha256` if it has the form of a digest."""
    return _match(_HEX_64, sha256, "sha256", "64 hex digits")


def is_sha256(name: object) -> bool:
    return isinstance(name, str) and _HEX_64.fullmatch(name) is not None


def new_entry_id() -> str:
    """Draw an id for a job and its log entry: 64 bits, short enough to type."""
    return secrets.token_hex(8)


def check_entry_id(entry_id: str) -> str:
    """Return `entry_id` if it has the form of an entry's id; raises RefusedInput."""
    return _match(_ENTRY_ID, entry_id, "An entry's id", "1 to 64 letters, digits, - and _")


def utc_now() -> str:
    """The time as the log writes it: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def utc(seconds: float) -> str:
    """Seconds since 1970 in the form of `utc_now`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _match(form: re.Pattern[str], value: object, what: str, allowed: str) -> str:
    if isinstance(value, str) and form.fullmatch(value):
        return value
    raise RefusedInput(f"{what} must be {allowed}, got {str(value)[:_SHOWN]!r}")

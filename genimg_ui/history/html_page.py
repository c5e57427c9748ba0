"""What the program's self-contained HTML pages share: no script, nothing from elsewhere.

Every text goes through `escape` before it comes in here, and the page's policy forbids scripts and
requests, so that a text stays a text whatever it holds.
"""

import base64
from collections.abc import Iterable
from html import escape

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem;
  padding: 0 1rem; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.4rem; }}
figure {{ margin: 0; width: 12rem; }}
figure img {{ max-width: 100%; display: block; }}
figcaption, .notes, td, th {{ font-size: .85rem; }}
table {{ border-collapse: collapse; margin-top: .6rem; }}
th {{ text-align: left; padding-right: 1rem; font-weight: normal; opacity: .75;
  vertical-align: top; }}
td, pre {{ white-space: pre-wrap; }}
.error {{ color: #c22; }}
{style}</style>
</head>
<body>
<h1>{title}</h1>
"""
END = "</body>\n</html>\n"


def page_head(title: str, style: str = "") -> str:
    """Everything up to the first heading; `title` is plain text, `style` more CSS."""
    return _HEAD.format(title=escape(title), style=style)


def data_uri(jpeg: bytes) -> str:
    """A JPEG as the `src` of an image."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"


def facts_table(rows: Iterable[tuple[str, str]]) -> str:
    """A table of two columns, name and value; both are plain text."""
    cells = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows
    )
    return f"<table>{cells}</table>"

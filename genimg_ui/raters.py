"""The page of a study, for whoever has its link, and what it asks the server.

    GET  judge/<study>                        the page
    GET  judge/rater/rater.js, rater.css      its script and style
    GET  judge/<study>/pair?rater=R&place=N   which pictures to show
    POST judge/<study>/answer                 {rater, pair, choice, seconds, place}

No answer names a model, a setting, an edit or a result. A login of the main page is not asked for:
the link, which cannot be guessed, is the permission.
"""

import json
import math
from importlib.resources import files
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from genimg_ui.errors import GenimgError, RefusedInput, UnknownItem
from genimg_ui.judging.sitting import Sittings, View
from genimg_ui.judging.studies import Studies
from genimg_ui.links import Links

RATER_ROUTE = "judge"
LONGEST_BODY = 2000  # bytes of one answer
_ASSETS = {"rater.js": "text/javascript", "rater.css": "text/css"}
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; "
_POLICY += "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'"


class RaterPages:
    """Serves the page of each study of one data folder."""

    def __init__(self, studies: Studies, links: Links) -> None:
        self._studies = studies
        self._sittings = Sittings(studies)
        self._links = links
        folder = files("genimg_ui.judging") / "page"
        names = ("rater.html", *_ASSETS)
        self._files = {name: (folder / name).read_text("utf-8") for name in names}

    def routes(self) -> list[Route]:
        """All routes, to be put before those of the main page."""
        base = f"/{RATER_ROUTE}"
        return [
            Route(f"{base}/rater/{{name}}", self._asset),
            Route(f"{base}/{{study}}/pair", self._pair),
            Route(f"{base}/{{study}}/answer", self._answer, methods=["POST"]),
            Route(f"{base}/{{study}}", self._page),
        ]

    def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _ASSETS:
            return PlainTextResponse("There is no such file.", status_code=404)
        headers = _HEADERS | {"Cache-Control": "no-cache"}
        return Response(self._files[name], media_type=_ASSETS[name], headers=headers)

    def _page(self, request: Request) -> Response:
        try:
            self._studies.study(request.path_params["study"])
        except GenimgError as problem:
            return PlainTextResponse(str(problem), status_code=404, headers=_HEADERS)
        headers = _HEADERS | {"Content-Security-Policy": _POLICY}
        return Response(self._files["rater.html"], media_type="text/html", headers=headers)

    def _pair(self, request: Request) -> Response:
        place = request.query_params.get("place")
        rater = request.query_params.get("rater", "")
        study = request.path_params["study"]
        return self._told(study, rater, None if place is None else _number(place))

    async def _answer(self, request: Request) -> Response:
        try:
            said = json.loads(await _body(request))
            answer = str(said["rater"]), int(said["pair"]), str(said["choice"])
            seconds, place = float(said.get("seconds", 0)), int(said.get("place", 0))
        except (ValueError, TypeError, LookupError, RecursionError, OverflowError):
            return _refused(RefusedInput("An answer must be a JSON object of rater, pair, choice."))
        study = request.path_params["study"]
        return await run_in_threadpool(self._keep, study, answer, seconds, place)

    def _keep(
        self, study: str, answer: tuple[str, int, str], seconds: float, place: int
    ) -> Response:
        try:
            self._sittings.answer(study, *answer, seconds if math.isfinite(seconds) else -1.0)
        except GenimgError as problem:
            return _refused(problem)
        return self._told(study, answer[0], place + 1)

    def _told(self, study: str, rater: str, place: int | None) -> Response:
        try:
            view = self._sittings.view(study, rater, place)
        except GenimgError as problem:
            return _refused(problem)
        return JSONResponse(self._plain(view), headers=_HEADERS)

    def _plain(self, view: View) -> dict[str, object]:
        return {
            "title": view.title,
            "instructions": view.instructions,
            "place": view.place,
            "done": view.done,
            "total": view.total,
            "pair": view.pair,
            "prompt": view.prompt,
            "left": self._address(view.left),
            "right": self._address(view.right),
            "said": view.said and str(view.said),
            "soon": [self._address(path) for path in view.soon],
        }

    def _address(self, path: Path | None) -> str | None:
        """The address of a picture, relative to the page of its study."""
        return None if path is None else f"../{self._links.url(path)}"


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_BODY:
            raise ValueError("too long")
    return body


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _refused(problem: GenimgError) -> Response:
    status = 404 if isinstance(problem, UnknownItem) else 400
    if not isinstance(problem, RefusedInput):
        status = 503
    return JSONResponse({"error": str(problem)}, status_code=status, headers=_HEADERS)

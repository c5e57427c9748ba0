"""Puts the parts of the page together and serves it."""

import asyncio
import importlib
import logging
import os
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from genimg_ui.core.image import Limits, stored_limits
from genimg_ui.core.serial import to_json
from genimg_ui.downloads import Downloads
from genimg_ui.errors import GenimgError
from genimg_ui.evaluations.runs import Evaluations
from genimg_ui.examples import examples
from genimg_ui.exporting.exporter import Exporter
from genimg_ui.handover import largest_bundle
from genimg_ui.history.disk import DiskLimits
from genimg_ui.history.log_export import LogExports
from genimg_ui.history.private import PrivateSecret
from genimg_ui.history.store import Store
from genimg_ui.housekeeping import Housekeeping
from genimg_ui.jobs.limits import JobLimits
from genimg_ui.jobs.queue import JobQueue
from genimg_ui.jobs.supervisor import WorkerSupervisor
from genimg_ui.judging.studies import PUBLIC_LIMITS, Studies
from genimg_ui.links import ROUTE, Links
from genimg_ui.raters import RaterPages
from genimg_ui.recall import Recall
from genimg_ui.registry.live import OWN_FILE, LiveRegistry
from genimg_ui.settings import GIB, PublicLimits, Settings
from genimg_ui.shelf.machine import host_of, model_memory, this_machine
from genimg_ui.shelf.shelf import ModelShelf
from genimg_ui.ui.blocks import assets, build_page
from genimg_ui.ui.evaluate_panel import Quality
from genimg_ui.ui.page import Host
from genimg_ui.ui.theme import make_theme
from genimg_ui.workspace import Workspace
from genimg_ui.zerogpu import ZeroGpuRunner


class StoredFile(FileResponse):
    """A file that may go while it is being sent: where nothing was sent yet, the answer is 204.

    The preview of a job goes with the job, in another process, and no lock keeps it here.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file; its headers wait for its first bytes."""
        head: list[Message] = []
        begun = asyncio.Event()

        async def send_late(message: Message) -> None:
            if message["type"] == "http.response.start":
                head.append(message)
                return
            while head:
                await send(head.pop())
            begun.set()
            await send(message)

        try:
            await super().__call__(scope, receive, send_late)
        except (FileNotFoundError, RuntimeError):  # the second is Starlette's word for the first
            if begun.is_set() or Path(self.path).exists():
                raise
            await Response(status_code=204)(scope, receive, send)


class Application:
    """The store, the queue, the worker and the page of one installation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        public = settings.public
        self.store = Store.open(settings.data_dir)
        self._housekeeping = Housekeeping(self.store)
        self.queue = JobQueue(self.store, _job_limits(public))
        self.limits = _picture_limits(public)
        registry = LiveRegistry(settings.models, settings.data_dir / OWN_FILE)
        self.shelf = _shelf(settings, registry)
        self.worker = self._make_worker(registry)
        self.workspace = Workspace(
            self.store,
            self.queue,
            registry,
            bounds=settings.bounds,
            limits=self.limits,
            disk=_disk_limits(public),
            examples=examples(tuple(spec.id for spec in registry().all())),
            wake=self.worker.wake,
            host=None if settings.zero_gpu else host_of(this_machine()),
        )
        secret = PrivateSecret(settings.data_dir)
        self.links = Links(settings.data_dir, secret)
        self.quality = _quality(settings)
        self._raters = RaterPages(self.quality.studies, self.links)
        stored = stored_limits(self.limits, settings.bounds)
        exporter = Exporter(self.store, stored, settings.export)
        self.downloads = Downloads(self.workspace, exporter)
        self._logs = LogExports(self.store)
        host = Host(
            link=self.links.url,
            downloads=self.downloads,
            recall=Recall(self.workspace, local=settings.local),
            first_key=lambda page: secret.derive("page", page),
            lack=lambda: self.worker.status().sentence,
            shelf=self.shelf,
            run_waiting=getattr(self.worker, "run_waiting", None),
        )
        self.page = build_page(self.workspace, host, self.quality)

    def _make_worker(self, registry: LiveRegistry) -> WorkerSupervisor | ZeroGpuRunner:
        """A process of its own; on ZeroGPU, which lends its GPU to requests, this very one."""
        settings = self._settings
        options = {
            "safety": settings.public is not None,
            "bounds": settings.bounds,
            "limits": self.limits,
            "budget": None if settings.zero_gpu else self._budget(),
        }
        if not settings.zero_gpu:
            return WorkerSupervisor(self.queue, settings.models, options=options)
        # By name, because engines take a second to import that no other page needs.
        compose = importlib.import_module("genimg_ui.jobs.compose")
        editor = compose.build_editor(self.store, settings.models, to_json(options))
        return ZeroGpuRunner(self.queue, registry, editor)

    def _budget(self) -> int:
        """Bytes of weights that are kept between edits."""
        return model_memory(this_machine(), self._settings.model_memory_gib)

    def launch(self, *, block: bool = True) -> str:
        """Serve the page and start the worker; the page's address."""
        style, script = assets()
        settings = self._settings
        app, address, _ = self.page.queue(max_size=200, default_concurrency_limit=8).launch(
            server_name=settings.host,
            server_port=settings.port,
            auth=settings.auth,
            prevent_thread_lock=True,
            max_file_size=largest_bundle(self.limits, settings.bounds),
            footer_links=["settings"],
            run_history=False,
            ssr_mode=False,
            enable_monitoring=False,
            _frontend=False,  # a look at the page that gives up after 3 s, as on a busy machine
            css=style,
            js=script,
            theme=make_theme(),
            show_error=True,
            quiet=True,
        )
        stored = Route(f"/{ROUTE}/{{proof}}/{{name:path}}", self._send)
        app.router.routes[:0] = [stored, *self._raters.routes()]
        print(f"genimg_ui is at {address}", flush=True)
        self._housekeeping.start()
        self.worker.start()
        if block:
            self.page.block_thread()
        return str(address)

    def _send(self, request: Request) -> Response:
        """One stored file, for whoever has its address."""
        address = request.path_params["proof"], request.path_params["name"]
        try:
            path = self.links.find(*address)
            if path is None and self.links.is_ours(*address):
                path = self.downloads.fetched(address[1]) or self._logs.fetched(address[1])
        except GenimgError as problem:
            return PlainTextResponse(str(problem), status_code=409)
        if path is None and self.links.is_ours(*address):
            return Response(status_code=204)  # the preview of a job that has just ended
        if path is None:
            return PlainTextResponse("There is no such file.", status_code=404)
        log = address[1].startswith("sessions/")  # it grows, and is to be kept, not shown
        headers = {
            "Cache-Control": "no-store" if log else "private, max-age=86400",
            "X-Content-Type-Options": "nosniff",
        }
        return StoredFile(path, headers=headers, filename=Path(address[1]).name if log else None)

    def close(self) -> None:
        """Stop serving, and the worker with it."""
        self.page.close()
        self._housekeeping.stop()
        self.shelf.close()
        self.quality.evaluations.close()
        self.worker.stop()
        self.store.close()


def serve(settings: Settings) -> None:
    """Run until the process is told to stop; what keeps it from starting is one sentence."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    cache = settings.data_dir / "cache"
    os.environ.setdefault("GRADIO_TEMP_DIR", str(cache / "gradio"))
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache / "numba"))
    try:
        application = Application(settings)
    except GenimgError as problem:
        raise SystemExit(str(problem)) from problem
    try:
        application.launch()
    except OSError as problem:
        place = f"{settings.host}:{settings.port}"
        raise SystemExit(f"The page cannot be served at {place}: {problem}") from problem
    finally:
        application.close()


def _quality(settings: Settings) -> Quality:
    public = settings.public is not None
    return Quality(
        studies=Studies(settings.data_dir, PUBLIC_LIMITS if public else None),
        evaluations=Evaluations(settings.data_dir, settings.models, public=public),
    )


def _picture_limits(public: PublicLimits | None) -> Limits:
    if public is None:
        return Limits()
    return Limits(max_pixels=round(public.megapixels * 1e6), max_bytes=public.upload_mb * 1_000_000)


def _shelf(settings: Settings, registry: LiveRegistry) -> ModelShelf:
    shut = settings.public is not None
    memory = settings.model_memory_gib
    return ModelShelf(
        settings.data_dir, registry, public=shut, safety=shut, model_memory_gib=memory
    )


def _job_limits(public: PublicLimits | None) -> JobLimits:
    if public is None:
        return JobLimits()
    return JobLimits(queue_length=public.queue_length, jobs_per_session=public.jobs_per_session)


def _disk_limits(public: PublicLimits | None) -> DiskLimits:
    if public is None:
        return DiskLimits()
    return DiskLimits(
        session_bytes=round(public.disk_per_session_gib * GIB),
        total_bytes=round(public.disk_gib * GIB),
    )

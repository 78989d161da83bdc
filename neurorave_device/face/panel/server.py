"""The panel's web server: a few fixed files, one WebSocket, on the loopback interface only."""

import asyncio
import hashlib
import ipaddress
import os
import socket
import threading
from collections import deque
from typing import Any, Awaitable, Callable, Deque, Dict, List, NamedTuple, Optional
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from neurorave_device.clock import Clock
from neurorave_device.errors import UserError

from ..face import Face
from ..link import FaceLink
from ..memory import Memory
from .actions import Actions, Session
from .hub import AudioTap, Hub
from .protocol import text_frame

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765

_TICK_SECONDS = 0.025
_AUDIO_SECONDS = 0.01
_IDLE_SECONDS = 0.1
_COMPANION_SECONDS = 0.01
_MOST_PAGES = 16
_LARGEST_MESSAGE = 16384
_SEND_BUFFER = 65536
_STATIC = os.path.join(os.path.dirname(__file__), "static")
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_HEADERS = {
    # The page needs nothing from elsewhere, so it may have nothing from elsewhere.
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# What shares the face with the pages; called some 100 times a second in their thread, with the time.
Companion = Callable[[float], None]


class _File(NamedTuple):
    body: bytes
    content_type: str
    etag: str


def _read_files(folder: str) -> Dict[str, _File]:
    """Read the page's files into memory: they are small, and no request then touches the disk."""
    files = {}
    for name in sorted(os.listdir(folder)):
        kind = _TYPES.get(os.path.splitext(name)[1])
        if kind is not None:
            with open(os.path.join(folder, name), "rb") as stream:
                body = stream.read()
            files[name] = _File(body, kind, '"%s"' % hashlib.sha256(body).hexdigest()[:24])
    return files


def is_loopback(host: str) -> bool:
    """Say whether a host name or address can only mean this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _host_of(request: web.Request) -> str:
    """Return the name in the request's Host header without its port; '' where there is none."""
    try:
        return urlsplit("//" + request.headers.get("Host", "")).hostname or ""
    except ValueError:
        return ""


def _same_origin(request: web.Request) -> bool:
    """Say whether the page that asks came from here; programs that are no browser send no Origin."""
    origin = request.headers.get("Origin")
    return origin is None or origin == "http://" + request.headers.get("Host", "")


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse names of other hosts (DNS rebinding) and add the headers that every answer has."""
    if not is_loopback(_host_of(request)):
        return web.Response(status=403, text="The panel answers to localhost and 127.0.0.1 only.\n")
    response = await handler(request)
    if not response.prepared:
        response.headers.update(_HEADERS)
    return response


class Panel:
    """The web application around one link. Belongs to the event loop's thread."""

    def __init__(
        self,
        link: FaceLink,
        clock: Clock,
        face: Optional[Face] = None,
        memory: Optional[Memory] = None,
        companion: Optional[Companion] = None,
        follower: Optional[Companion] = None,
    ) -> None:
        self._link = link
        self._clock = clock
        self._companion = companion
        self._follower = follower
        self._face = Face(link) if face is None else face
        self._hub = Hub(link, self._face, clock, memory)
        self._actions = Actions(link, self._face, memory)
        self._files = _read_files(_STATIC)
        self._pages: List[web.WebSocketResponse] = []
        self.app = web.Application(middlewares=[_guard])
        self.app.router.add_get("/", self._index)
        self.app.router.add_get("/static/{name}", self._static)
        self.app.router.add_get("/socket", self._socket)
        self.app.on_shutdown.append(self._close_pages)

    async def pump(self, stop: threading.Event) -> None:
        """Keep the newest state ready until ``stop`` is set; nearly idle while no page is open."""
        while not stop.is_set():
            if self._follower is not None:
                self._follower(self._clock.now())
            if self._companion is not None:
                self._companion(self._clock.now())
            if self._pages:
                self._hub.tick()
            period = _TICK_SECONDS if self._pages else _IDLE_SECONDS
            await asyncio.sleep(period if self._companion is None else _COMPANION_SECONDS)

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return self._file(request, "index.html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        return self._file(request, request.match_info["name"])

    def _file(self, request: web.Request, name: str) -> web.Response:
        found = self._files.get(name)
        if found is None:
            return web.Response(status=404, text="There is no such file in the panel.\n")
        headers = {"ETag": found.etag}
        if request.headers.get("If-None-Match") == found.etag:
            return web.Response(status=304, headers=headers)
        return web.Response(
            body=found.body, content_type=found.content_type, charset="utf-8", headers=headers
        )

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if not _same_origin(request):
            return web.Response(status=403, text="Only the panel's own page may connect.\n")
        if len(self._pages) >= _MOST_PAGES:
            return web.Response(
                status=503, text="%d pages are open already, close one.\n" % _MOST_PAGES
            )
        page = web.WebSocketResponse(
            timeout=1.0, heartbeat=10.0, max_msg_size=_LARGEST_MESSAGE, compress=False
        )
        await page.prepare(request)
        _keep_send_buffer_small(request)
        session = Session()
        replies: Deque[str] = deque(maxlen=8)
        self._pages.append(page)
        sender = asyncio.ensure_future(self._send(page, replies))
        try:
            await self._receive(page, session, replies)
        finally:
            self._pages.remove(page)
            sender.cancel()
            self._actions.let_go(session)
            try:
                await sender
            except (asyncio.CancelledError, ConnectionError, RuntimeError):
                # The page went away in the middle of a frame.
                pass
        return page

    async def _receive(
        self, page: web.WebSocketResponse, session: Session, replies: Deque[str]
    ) -> None:
        """Carry out a page's messages until it goes; a bad one is answered and changes nothing."""
        async for message in page:
            if message.type == WSMsgType.TEXT:
                try:
                    self._actions.apply(message.data, session, self._clock.now())
                    self._hub.changed()
                except UserError as error:
                    replies.append(text_frame("error", text=str(error)))
            elif message.type == WSMsgType.BINARY:
                replies.append(
                    text_frame("error", text="the message is binary, allowed is one JSON object")
                )

    async def _send(self, page: web.WebSocketResponse, replies: Deque[str]) -> None:
        """Send until the page goes; whatever ends it, a page that hears nothing more must notice."""
        try:
            await self._stream(page, replies)
        finally:
            if not page.closed:
                await page.close()

    async def _stream(self, page: web.WebSocketResponse, replies: Deque[str]) -> None:
        """Send what is new. A slow page is waited for here, alone, and then finds only the newest."""
        seen: Dict[str, int] = {}
        tap = AudioTap(self._link.read_audio)
        while not page.closed:
            for frame in tap.frames(self._hub.sample_rate):
                await page.send_bytes(frame)
            while replies:
                await page.send_str(replies.popleft())
            for payload in self._hub.news(seen):
                if isinstance(payload, str):
                    await page.send_str(payload)
                else:
                    await page.send_bytes(payload)
            await asyncio.sleep(_AUDIO_SECONDS)

    async def _close_pages(self, app: web.Application) -> None:
        closing = [
            page.close(code=1001, message=b"The module has stopped.") for page in self._pages
        ]
        await asyncio.gather(*closing, return_exceptions=True)


def _keep_send_buffer_small(request: web.Request) -> None:
    """Let a slow page be noticed early: what waits in the kernel is old sound by the time it arrives."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)


def listen(host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> socket.socket:
    """Return a listening socket on a loopback address; UserError for another one or a port in use."""
    if not is_loopback(host):
        raise UserError("host is %r, allowed are localhost, 127.0.0.1 and ::1" % host)
    address = "127.0.0.1" if host == "localhost" else host.strip("[]")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(32)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(
            "port %d cannot be used for the panel (%s), choose another with --port" % (port, reason)
        ) from None
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the address that a browser opens."""
    host, port = listener.getsockname()[:2]
    return "http://%s:%d/" % ("[%s]" % host if ":" in host else host, port)


async def serve(
    link: FaceLink,
    clock: Clock,
    stop: threading.Event,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    ready: Optional[Callable[[str], Any]] = None,
    listener: Optional[socket.socket] = None,
    face: Optional[Face] = None,
    memory: Optional[Memory] = None,
    companion: Optional[Companion] = None,
    follower: Optional[Companion] = None,
) -> None:
    """Serve the panel until ``stop`` is set.

    listener: a socket that already listens (its owner keeps it open afterwards); otherwise one is made for
    host and port, and UserError says why that failed. ready: called once with the panel's address. face: the
    face that the panel shows, where a screen shares it. memory: the presets, None where none are kept.
    companion: a front panel that shares the face. follower: what goes on by itself, whether a page is open or not; it
    is called at least ten times a second. A failing link ends the server with its exception.
    """
    own = listener is None
    sock = listen(host, port) if listener is None else listener
    runner = None
    try:
        panel = Panel(link, clock, face, memory, companion, follower)
        runner = web.AppRunner(panel.app, access_log=None, handle_signals=False)
        await runner.setup()
        # The site closes what it is given; a duplicate leaves the owner's socket alone.
        await web.SockSite(runner, sock.dup()).start()
        if ready is not None:
            ready(address_of(sock))
        await panel.pump(stop)
    finally:
        if runner is not None:
            await runner.cleanup()
        if own:
            sock.close()


def run(link: FaceLink, clock: Clock, stop: threading.Event, **options: Any) -> None:
    """Serve the panel from a plain function or thread, with an event loop of its own; see ``serve``."""
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve(link, clock, stop, **options))
    finally:
        asyncio.set_event_loop(None)
        loop.close()

"""The panel's server over real sockets; nothing here sleeps, each test waits for the message it expects."""

import asyncio
import json
import socket
import struct
import threading
from typing import Any, Awaitable, Callable, Dict, List, Optional, Tuple

import aiohttp
import numpy as np
import pytest

from neurorave_device.clock import SystemClock
from neurorave_device.errors import UserError
from neurorave_device.face.panel import server

from .fake_link import FakeLink

# For what hangs only: on a busy machine a message may take its time.
PATIENCE = 100.0


class Client:
    """One page's WebSocket."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def send(self, **message: Any) -> None:
        await self.ws.send_str(json.dumps(message))

    async def frame(self) -> Any:
        message = await asyncio.wait_for(self.ws.receive(), PATIENCE)
        if message.type == aiohttp.WSMsgType.TEXT:
            return json.loads(message.data)
        if message.type == aiohttp.WSMsgType.BINARY:
            return message.data
        raise ConnectionError("the socket closed: %r" % (message,))

    async def text(self, kind: str, fits: Callable[[Any], bool] = lambda message: True) -> Any:
        while True:
            found = await self.frame()
            if isinstance(found, dict) and found["type"] == kind and fits(found):
                return found

    async def binary(self, kind: int) -> bytes:
        while True:
            found = await self.frame()
            if isinstance(found, bytes) and struct.unpack("<I", found[:4])[0] == kind:
                return found


class Running:
    """A server on a free port, with its link and a client session."""

    def __init__(self, link: FakeLink, url: str, session: aiohttp.ClientSession) -> None:
        self.link = link
        self.url = url
        self.session = session

    async def open(self, headers: Optional[Dict[str, str]] = None) -> Client:
        ws = await self.session.ws_connect(self.url + "socket", headers=headers or {})
        return Client(ws)


def with_server(
    body: Callable[[Running], Awaitable[None]], link: Optional[FakeLink] = None
) -> FakeLink:
    """Run ``body`` against a live server, then stop it and check that its port is free again."""
    link = link or FakeLink(SystemClock())

    async def main() -> None:
        stop = threading.Event()
        loop = asyncio.get_event_loop()
        ready = loop.create_future()
        task = asyncio.ensure_future(
            server.serve(link, link.clock, stop, port=0, ready=ready.set_result)
        )
        await asyncio.wait([ready, task], return_when=asyncio.FIRST_COMPLETED)
        url = ready.result()
        try:
            async with aiohttp.ClientSession() as session:
                await asyncio.wait_for(body(Running(link, url, session)), 2 * PATIENCE)
        finally:
            stop.set()
            await asyncio.wait_for(task, PATIENCE)
        port = int(url.rstrip("/").rsplit(":", 1)[1])
        server.listen(port=port).close()

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(main())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return link


def test_files_come_with_a_policy_that_forbids_anything_from_elsewhere() -> None:
    async def body(running: Running) -> None:
        async with running.session.get(running.url) as answer:
            page = await answer.text()
            assert answer.status == 200
            assert answer.headers["Content-Type"].startswith("text/html")
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            assert "neurorave" in page
            etag = answer.headers["ETag"]
        headers = {"If-None-Match": etag}
        async with running.session.get(running.url, headers=headers) as answer:
            assert answer.status == 304
        async with running.session.get(running.url + "static/main.js") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"].startswith("text/javascript")
        for path in ("static/none.js", "static/..%2Fserver.py", "static/", "other"):
            async with running.session.get(running.url + path) as answer:
                assert answer.status == 404, path

    with_server(body)


def test_the_page_and_its_files_name_no_other_host() -> None:
    files = server._read_files(server._STATIC)
    assert {"index.html", "style.css", "main.js", "worklet.js"} <= set(files)
    for name, found in files.items():
        text = found.body.decode("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text and "https://" not in text and "//cdn" not in text, name


def test_other_names_and_other_origins_are_refused() -> None:
    async def body(running: Running) -> None:
        async with running.session.get(running.url, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 403
        own = running.url.rstrip("/")
        for origin in ("http://evil.example", "http://localhost:1", "null", own + "0"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await running.open({"Origin": origin})
            assert caught.value.status == 403
        client = await running.open({"Origin": own})
        await client.text("hello")

    with_server(body)


def test_a_page_gets_greeting_telemetry_picture_and_sound() -> None:
    async def body(running: Running) -> None:
        client = await running.open()
        hello = await client.text("hello")
        assert hello["info"]["name"] == "hand_percussion"
        telemetry = await client.text("telemetry")
        assert telemetry["light"]["word"] == "playing"
        assert len(telemetry["heard"]) == 5
        assert len(await client.binary(2)) == 16 + 1024
        await client.send(do="gate", index=1, down=True)
        next_position, loudest = None, 0.0
        while loudest < 0.1:
            frame = await client.binary(1)
            start = int(struct.unpack("<d", frame[8:16])[0])
            samples = np.frombuffer(frame[16:], "<f4")
            assert next_position in (None, start)
            next_position = start + len(samples)
            loudest = max(loudest, float(np.sqrt(np.mean(samples**2))))

    with_server(body)


def test_the_encoder_changes_the_picture() -> None:
    async def body(running: Running) -> None:
        client = await running.open()
        before = (await client.binary(2))[16:]
        await client.send(do="press")
        await client.send(do="release")
        after = (await client.binary(2))[16:]
        assert before != after

    with_server(body)


BAD = ["", "{", "[]", '{"do":"gate","index":9,"down":true}', '{"do":"\\ud800"}', "[" * 9000, "\x00"]


def test_bad_messages_are_answered_and_the_server_goes_on() -> None:
    async def body(running: Running) -> None:
        client = await running.open()
        await client.text("hello")
        for text in BAD:
            await client.ws.send_str(text)
            answer = await client.text("error")
            assert "allowed" in answer["text"] and "\n" not in answer["text"]
        await client.ws.send_bytes(b"\x00" * 100)
        assert "binary" in (await client.text("error"))["text"]
        # Too long for any message: this page is cut off, others and a new one are not.
        other = await running.open()
        await client.ws.send_str("x" * 100000)
        with pytest.raises((ConnectionError, asyncio.TimeoutError)):
            while True:
                await client.frame()
        await other.text("telemetry")
        await (await running.open()).text("hello")

    with_server(body)


def test_pages_see_each_others_changes() -> None:
    async def body(running: Running) -> None:
        first, second = await running.open(), await running.open()
        await second.text("jacks")
        await first.send(do="jack", index=4, source="random", rate=3)
        found = await second.text("jacks", lambda jacks: jacks["cv"][3]["source"] == "random")
        assert found["cv"][3]["rate"] == 3.0
        await first.send(do="set", id="level", value=-6)
        await second.text("values", lambda values: values["values"]["level"] == -6.0)

    with_server(body)


def test_a_page_that_goes_away_lets_its_gates_go() -> None:
    async def body(running: Running) -> None:
        first, second = await running.open(), await running.open()
        await first.send(do="gate", index=2, down=True)
        await second.text("telemetry", lambda found: found["gates"][1])
        await first.ws.close()
        await second.text("telemetry", lambda found: not found["gates"][1])

    with_server(body)


class Tape(FakeLink):
    """A link whose sound comes only when the test says so: nothing depends on the machine's speed."""

    written = 0

    def read_audio(self, position: int) -> Tuple[int, np.ndarray]:
        count = self.written - position if position >= 0 else 0
        return self.written, np.zeros(count, np.float32)


class RawPage:
    """A page's socket, opened by hand with small buffers, so that its not reading is felt at once."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, url: str) -> "RawPage":
        host, port = url.split("/")[2].rsplit(":", 1)
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect((host, int(port)))
        reader, writer = await asyncio.open_connection(sock=sock, limit=4096)
        writer.write(
            (
                "GET /socket HTTP/1.1\r\nHost: %s:%s\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n" % (host, port)
            ).encode("ascii")
        )
        assert b"101" in await reader.readline()
        while await reader.readline() != b"\r\n":
            pass
        return cls(reader, writer)

    async def head(self) -> int:
        """Read the head of one unmasked WebSocket frame and return the length of its payload."""
        head = await self.reader.readexactly(2)
        size = head[1] & 127
        if size == 126:
            size = struct.unpack("!H", await self.reader.readexactly(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", await self.reader.readexactly(8))[0]
        return size

    async def skip(self, count: int) -> None:
        """Read past ``count`` bytes."""
        while count:
            count -= len(await self.reader.readexactly(min(count, 65536)))

    async def sound(self) -> Tuple[int, int, int]:
        """Go to the next frame of sound and read its head: sequence, first sample, count of samples."""
        while True:
            size = await self.head()
            kind = await self.reader.readexactly(4)
            if kind == b"\x01\x00\x00\x00":
                sequence, start = struct.unpack("<Id", await self.reader.readexactly(12))
                return sequence, int(start), (size - 16) // 4
            await self.skip(size - 4)


def test_a_page_that_stops_reading_holds_up_nobody_and_then_gets_the_newest(
    monkeypatch: Any,
) -> None:
    # The page that stops answers no ping either: a slow machine would see it cut off before it reads on.
    response = server.web.WebSocketResponse

    def patient(**options: Any) -> Any:
        options["heartbeat"] = None
        return response(**options)

    monkeypatch.setattr(server.web, "WebSocketResponse", patient)
    # A quarter of a second is then a megabyte: more than fits into all buffers on the way.
    link = Tape(SystemClock(), 1000000)
    part = link.sample_rate // 4

    async def body(running: Running) -> None:
        page = await RawPage.open(running.url)
        client = await running.open()
        # A page's place in the sound is fixed before it is sent anything.
        await page.skip(await page.head())
        await client.text("telemetry")
        heard = 0
        for number in range(5):
            link.written += part
            while heard < link.written:
                frame = await client.binary(1)
                assert struct.unpack("<d", frame[8:16])[0] == heard
                heard += (len(frame) - 16) // 4
            if number == 0:
                # Its sender is inside this frame from now on: it reads the head and no more.
                assert await page.sound() == (1, 0, part)
        await page.skip(4 * part)
        newest = link.sample_rate // 10
        assert await page.sound() == (2, link.written - newest, newest)
        page.writer.close()

    with_server(body, link=link)


def test_there_is_a_limit_to_open_pages() -> None:
    async def body(running: Running) -> None:
        pages: List[Client] = [await running.open() for _ in range(16)]
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await running.open()
        assert caught.value.status == 503
        await pages[0].ws.close()
        await pages[1].text("telemetry")
        await (await running.open()).text("hello")

    with_server(body)


def test_a_link_that_fails_ends_the_server_with_its_error() -> None:
    async def body(running: Running) -> None:
        def fail() -> Any:
            raise OSError("the memory is gone")

        running.link.jacks = fail  # type: ignore[method-assign]
        client = await running.open()
        with pytest.raises(ConnectionError):
            while True:
                await client.frame()

    with pytest.raises(OSError, match="the memory is gone"):
        with_server(body)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org", "", "::"])
def test_only_loopback_addresses_are_bound(host: str) -> None:
    with pytest.raises(UserError, match="allowed are localhost"):
        server.listen(host, 0)


def test_a_port_in_use_is_named() -> None:
    with server.listen(port=0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(UserError) as caught:
            server.listen(port=port)
    assert str(port) in str(caught.value) and "--port" in str(caught.value)
    with pytest.raises(UserError):
        server.listen(port=70000)


def test_a_given_listener_stays_open_and_a_plain_thread_can_serve() -> None:
    link = FakeLink(SystemClock())
    with server.listen(port=0) as listener:
        addresses: "List[str]" = []
        for _ in range(2):
            stop = threading.Event()
            ready = threading.Event()

            def announce(address: str, ready: threading.Event = ready) -> None:
                addresses.append(address)
                ready.set()

            thread = threading.Thread(
                target=server.run,
                args=(link, link.clock, stop),
                kwargs={"listener": listener, "ready": announce},
            )
            thread.start()
            assert ready.wait(PATIENCE)
            port = listener.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
                assert connection.recv(12).startswith(b"HTTP/1.")
            stop.set()
            thread.join(PATIENCE)
            assert not thread.is_alive()
        assert addresses == [server.address_of(listener)] * 2

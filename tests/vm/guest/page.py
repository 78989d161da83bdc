"""A page of the browser panel without a browser: what the module's WebSocket sends, with the times at which it came."""

import base64
import json
import os
import socket
import struct
import threading
import time
from typing import Any, List, Tuple

PICTURE = 2
_HEADER = 16
_TEXT, _BINARY, _CLOSE = 1, 2, 8

Message = Tuple[float, Any]


class Page:
    """Listens on a thread until `close`.

    `heard` are (time, telemetry), `pictures` (time, 1024 bytes), `offered` (time, bundles that can be chosen).
    """

    def __init__(self, port: int) -> None:
        self.heard: List[Message] = []
        self.pictures: List[Message] = []
        self.offered: List[Message] = []
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._file = self._socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        asking = ("GET /socket HTTP/1.1", "Host: 127.0.0.1:%d" % port, "Upgrade: websocket")
        asking += ("Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + key)
        self._socket.sendall(("\r\n".join(asking) + "\r\n\r\n").encode())
        status = self._file.readline()
        if b" 101 " not in status:
            raise OSError("the panel says %r" % status)
        while self._file.readline().strip():
            pass
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave as a browser that is closed does."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._file.close()
        self._socket.close()

    def _listen(self) -> None:
        while True:
            head = self._file.read(2)
            if len(head) < 2 or head[0] & 0x0F == _CLOSE:
                return
            length = head[1] & 0x7F
            if length >= 126:
                size, form = ((2, ">H"), (8, ">Q"))[length - 126]
                (length,) = struct.unpack(form, self._file.read(size))
            body = self._file.read(length)
            now = time.monotonic()
            kind = head[0] & 0x0F
            if kind == _TEXT and body.endswith(b'"type":"telemetry"}'):
                self.heard.append((now, json.loads(body.decode("utf-8"))))
            elif kind == _TEXT and body.endswith(b'"type":"hello"}'):
                self.offered.append((now, json.loads(body.decode("utf-8"))["bundles"]))
            elif kind == _BINARY and body[:4] == struct.pack("<I", PICTURE):
                self.pictures.append((now, body[_HEADER:]))

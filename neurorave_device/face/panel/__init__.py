"""The face in a browser: a loopback web server, one WebSocket per page, and the page itself."""

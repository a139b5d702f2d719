"""Serves a WSGI application, such as one of Flask, Bottle or Django (PEP 3333).

    IncomingHandler = wsgi.handler(app)
"""

import sys
from io import BytesIO

from . import outgoing
from .incoming import Request, respond


def handler(app):
    """Returns the class that a component exports, which calls the application."""

    class IncomingHandler:
        def handle(self, request, response_out):
            serve(app, Request(request), response_out)

    return IncomingHandler


def serve(app, request, response_out):
    head = []
    body = stream = None

    def start_response(status, headers, exc_info=None):
        if exc_info and stream:
            raise exc_info[1].with_traceback(exc_info[2])
        head[:] = [int(status.split(" ", 1)[0]), [(name, value.encode("latin-1")) for name, value in headers]]
        return write

    def write(piece):
        nonlocal body, stream
        if not stream:
            # The head leaves with the first byte.
            body = respond(response_out, *head)
            stream = body.write()
        outgoing.write_piece(stream, piece)

    result = app(environ(request), start_response)
    try:
        for piece in result:
            if piece:
                write(piece)
        write(b"")
    finally:
        if hasattr(result, "close"):
            result.close()
    stream.__exit__(None, None, None)
    outgoing.OutgoingBody.finish(body, None)


def environ(request):
    """Returns the request as WSGI has it."""
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path.decode("latin-1"),
        "QUERY_STRING": request.query,
        "SERVER_NAME": request.host,
        "SERVER_PORT": str(request.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": BytesIO(b"".join(request.body())),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers:
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        value = value.decode("latin-1")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ

"""Outgoing HTTP requests, by `wasi:http/outgoing-handler`. The policy lists the origins that may be reached."""

from urllib.parse import urlsplit

from componentize_py_types import Err, Ok
from wit_world.imports import outgoing_handler
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.types import (
    Fields,
    IncomingBody,
    Method_Other,
    OutgoingBody,
    OutgoingRequest,
    Scheme_Http,
    Scheme_Https,
)

CHUNK = 4096


class RequestError(Exception):
    """A request that was denied, or that has no response."""


def send(method, url, headers=(), body=b""):
    """Sends a request, and returns the status, the headers as a list of pairs, and an iterator of the body's bytes."""
    parts = urlsplit(url)
    fields = [(name.lower(), _bytes(value)) for name, value in headers if name.lower() != "host"]
    if body and not any(name == "content-length" for name, _ in fields):
        fields.append(("content-length", str(len(body)).encode()))
    request = OutgoingRequest(Fields.from_list(fields))
    request.set_method(Method_Other(method))
    request.set_scheme(Scheme_Http() if parts.scheme == "http" else Scheme_Https())
    request.set_authority(parts.netloc)
    request.set_path_with_query((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    outgoing = request.body()
    try:
        future = outgoing_handler.handle(request, None)
        write(outgoing, [body])
        with future.subscribe() as ready:
            ready.block()
        result = future.get()
    except Err as error:
        raise RequestError(str(error.value)) from None
    # The outer result says that the response was not taken before.
    if not isinstance(result, Ok) or not isinstance(result.value, Ok):
        raise RequestError(str(getattr(result.value, "value", result.value)))
    response = result.value.value
    headers = [(name, value.decode("latin-1")) for name, value in response.headers().entries()]
    return response.status(), headers, read(response.consume())


def read(body: IncomingBody):
    """Reads a body, piece by piece."""
    with body, body.stream() as stream:
        while True:
            try:
                yield stream.blocking_read(16 * CHUNK)
            except Err as error:
                if isinstance(error.value, StreamError_Closed):
                    return
                raise RequestError(error.value.value.to_debug_string()) from None


def write(body: OutgoingBody, pieces):
    """Writes a body, each piece when it is there, and completes it."""
    with body.write() as stream:
        for piece in pieces:
            write_piece(stream, piece)
    OutgoingBody.finish(body, None)


def write_piece(stream, piece):
    """Writes bytes to a stream, and waits until they have left."""
    for start in range(0, len(piece), CHUNK):
        stream.blocking_write_and_flush(piece[start : start + CHUNK])


def _bytes(value):
    return value if isinstance(value, bytes) else str(value).encode("latin-1")

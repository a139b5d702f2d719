"""Incoming HTTP requests, as `wsgi` and `asgi` need them."""

# A component has no files, so that modules which the standard library imports late are imported when it is built.
import encodings.ascii  # noqa: F401
import encodings.idna  # noqa: F401
import encodings.latin_1  # noqa: F401
import encodings.utf_16  # noqa: F401
import encodings.utf_8_sig  # noqa: F401
from urllib.parse import unquote_to_bytes

from componentize_py_types import Ok
from wit_world.imports.types import Fields, Method_Other, OutgoingResponse, ResponseOutparam, Scheme_Http

from . import outgoing


class Request:
    """The parts of a request."""

    def __init__(self, request):
        method = request.method()
        # `Method_Get` and the others have no value.
        self.method = method.value if isinstance(method, Method_Other) else type(method).__name__[7:].upper()
        path, _, self.query = (request.path_with_query() or "/").partition("?")
        self.raw_path = path.encode("latin-1")
        self.path = unquote_to_bytes(path)
        self.scheme = "http" if isinstance(request.scheme(), Scheme_Http) else "https"
        host, _, port = (request.authority() or "localhost").rpartition(":")
        if not host or not port.isdigit():
            host, port = request.authority() or "localhost", ""
        self.host = host
        self.port = int(port) if port else (80 if self.scheme == "http" else 443)
        with request.headers() as headers:
            self.headers = headers.entries()
        self._body = request.consume()

    def body(self):
        """Reads the body, piece by piece."""
        return outgoing.read(self._body)


def respond(response_out, status, headers):
    """Sends the head of a response, and returns its body, which is to be written."""
    response = OutgoingResponse(Fields.from_list(headers))
    response.set_status_code(status)
    body = response.body()
    ResponseOutparam.set(response_out, Ok(response))
    return body

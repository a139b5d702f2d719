from urllib.parse import unquote

from componentize_py_types import Ok
from wit_world.exports import IncomingHandler
from wit_world.imports.types import Fields, OutgoingBody, OutgoingResponse, ResponseOutparam


class IncomingHandler(IncomingHandler):
    def handle(self, request, response_out):
        path, _, _ = (request.path_with_query() or "/").partition("?")
        match path.split("/"):
            case ["", ""]:
                respond(response_out, 200, "Hello, world!\n")
            case ["", "hello", name]:
                respond(response_out, 200, f"Hello, {unquote(name)}!\n")
            case _:
                respond(response_out, 404, "not found\n")


def respond(response_out, status, text):
    response = OutgoingResponse(Fields.from_list([("content-type", b"text/plain")]))
    response.set_status_code(status)
    body = response.body()
    ResponseOutparam.set(response_out, Ok(response))
    with body.write() as stream:
        stream.blocking_write_and_flush(text.encode())
    OutgoingBody.finish(body, None)

from urllib.parse import unquote

from wit_world.exports import Api
from wit_world.exports.api import Response


class Api(Api):
    def handle(self, request, context):
        match request.path.split("/"):
            case ["", ""]:
                return text("Hello, world!\n")
            case ["", "hello", name]:
                return text(f"Hello, {unquote(name)}!\n")
            case _:
                return text("not found\n", 404)


def text(body, status=200):
    headers = [("content-type", "text/plain")]
    return Response(status_code=status, headers=headers, cookies=[], body=body.encode())

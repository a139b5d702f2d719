"""GET /hello/{name} answers `Hello, NAME!`."""

from wit_world.exports import Api
from wit_world.exports.api import Response


class Api(Api):
    def handle(self, request, context):
        name = dict(request.path_parameters).get("name")
        if name is None:
            status_code, text = 400, "'name' param not found\n"
        else:
            status_code, text = 200, f"Hello, {name}!\n"
        return Response(
            status_code=status_code,
            headers=[("Content-Type", "text/plain")],
            cookies=[],
            body=text.encode(),
        )

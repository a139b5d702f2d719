"""boto3 without sockets: its requests leave by `wasi:http`, and the host signs them.

    from lambda_wasm import aws  # before boto3

    aws.prepare("dynamodb")

botocore's own HTTP session needs TLS and sockets, which a component does not have. This module takes its place.
"""

import sys
from types import ModuleType

import botocore

from . import outgoing


class Session:
    """The HTTP session that botocore's clients use (botocore.httpsession.URLLib3Session)."""

    def __init__(self, *_, **__):
        pass

    def send(self, request):
        from botocore.awsrequest import AWSResponse
        from botocore.exceptions import HTTPClientError

        body = request.body or b""
        if hasattr(body, "read"):
            body = body.read()
        if isinstance(body, str):
            body = body.encode()
        headers = [(str(name), value) for name, value in request.headers.items()]
        try:
            status, headers, pieces = outgoing.send(request.method, request.url, headers, body)
            response = AWSResponse(request.url, status, dict(headers), Raw(pieces))
            if not request.stream_output:
                response.content
        except outgoing.RequestError as error:
            raise HTTPClientError(error=error) from error
        return response

    def close(self):
        pass


class Raw:
    """A response's body, as botocore reads it."""

    def __init__(self, pieces):
        self.pieces = pieces
        self.rest = b""

    def stream(self, amt=None, decode_content=None):
        while piece := self.read(amt):
            yield piece

    def read(self, amt=None, decode_content=None):
        while amt is None or len(self.rest) < amt:
            piece = next(self.pieces, None)
            if piece is None:
                break
            self.rest += piece
        end = len(self.rest) if amt is None else amt
        read, self.rest = self.rest[:end], self.rest[end:]
        return read

    def close(self):
        self.pieces.close()


def prepare(*services):
    """Reads what boto3 knows of services while the component is built, since it has no files later."""
    import boto3

    for service in services:
        boto3.client(service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")


if "botocore.httpsession" in sys.modules:
    raise ImportError("import lambda_wasm.aws before boto3")
_module = ModuleType("botocore.httpsession")
_module.URLLib3Session = Session
sys.modules["botocore.httpsession"] = botocore.httpsession = _module

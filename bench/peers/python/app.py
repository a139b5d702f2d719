"""Greets the path's name, as an HTTP API's handler of AWS's runtime for Python."""


def handler(event, _context):
    name = event["rawPath"].removeprefix("/hello/")
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "text/plain"},
        "body": f"Hello, {name}!\n",
    }

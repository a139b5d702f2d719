"""Notes in a DynamoDB table, whose key is the text `name`: `PUT /notes/NAME` stores the body, `GET /notes/NAME` returns
it. The table's name is in `TABLE`.

It is boto3 as it is, and there are no credentials here: the host signs the requests that the policy allows.
"""

import os

from lambda_wasm import aws, wsgi

aws.prepare("dynamodb")

import boto3


def app(environ, start_response):
    status, text = answer(environ)
    start_response(status, [("content-type", "text/plain")])
    return [text.encode()]


def answer(environ):
    path = environ["PATH_INFO"].encode("latin-1").decode()
    prefix, _, name = path.rpartition("/")
    if prefix != "/notes" or not name:
        return "404 Not Found", "there is no such path\n"
    table, key = os.environ["TABLE"], {"name": {"S": name}}
    dynamodb = boto3.client("dynamodb")
    match environ["REQUEST_METHOD"]:
        case "PUT":
            text = environ["wsgi.input"].read().decode()
            dynamodb.put_item(TableName=table, Item=key | {"text": {"S": text}})
            return "204 No Content", ""
        case "GET":
            item = dynamodb.get_item(TableName=table, Key=key).get("Item")
            if item is None:
                return "404 Not Found", "there is no such note\n"
            return "200 OK", item["text"]["S"]
        case _:
            return "405 Method Not Allowed", "GET or PUT\n"


IncomingHandler = wsgi.handler(app)

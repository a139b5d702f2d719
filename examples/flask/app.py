"""A Flask application. Only the last two lines are about components."""

from flask import Flask, jsonify, request

app = Flask(__name__)


@app.get("/")
def index():
    return "Hello from Flask!\n", {"content-type": "text/plain"}


@app.get("/hello/<name>")
def hello(name):
    return f"Hello, {name}!\n", {"content-type": "text/plain"}


@app.post("/orders")
def order():
    order = request.get_json()
    if "item" not in order:
        return jsonify(error="an order needs an item"), 400
    return jsonify(item=order["item"], count=int(request.args.get("count", 1))), 201


@app.get("/countdown")
def countdown():
    return (f"{number}\n" for number in (3, 2, 1)), {"content-type": "text/plain"}


from lambda_wasm import wsgi

IncomingHandler = wsgi.handler(app)

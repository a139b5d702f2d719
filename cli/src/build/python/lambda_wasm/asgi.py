"""Serves an ASGI application, such as one of Starlette or FastAPI (https://asgi.readthedocs.io).

    IncomingHandler = asgi.handler(app)

Nothing else runs in a component: there are no threads, and no sockets. What a framework would run in a thread runs in
its place.
"""

import asyncio
import sys
from types import ModuleType

from wit_world.imports import monotonic_clock, poll

from . import outgoing
from .incoming import Request, respond


def handler(app):
    """Returns the class that a component exports, which calls the application."""
    if "anyio" in sys.modules:
        _prepare_anyio()

    class IncomingHandler:
        def __init__(self):
            self.loop = None

        def handle(self, request, response_out):
            if not self.loop:
                self.loop = Loop()
                asyncio.set_event_loop(self.loop)
                # It waits for the end of the application.
                self.lifespan = Lifespan(app)
                self.loop.run_until_complete(self.lifespan.start(self.loop))
            exchange = Exchange(Request(request), response_out, self.lifespan.state)
            self.loop.run_until_complete(exchange.run(app))

    return IncomingHandler


def _prepare_anyio():
    """Imports what anyio imports late, since a component has no files, and makes it do without threads."""
    if "ssl" not in sys.modules:
        # anyio names types of `ssl`, which a component does not have.
        sys.modules["ssl"] = ssl = ModuleType("ssl")
        ssl.__getattr__ = lambda name: type(name, (Exception,), {})
    try:
        import anyio._backends._asyncio
        import anyio.to_thread
    finally:
        if getattr(sys.modules["ssl"], "__file__", None) is None:
            del sys.modules["ssl"]
    anyio.to_thread.run_sync = _run_sync


async def _run_sync(function, *args, **_):
    return function(*args)


class Exchange:
    """One request and its response."""

    def __init__(self, request, response_out, state):
        self.pieces = request.body()
        self.response_out = response_out
        self.head = self.body = self.stream = None
        self.ended = asyncio.Event()
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.scheme,
            "path": request.path.decode("utf-8", "replace"),
            "raw_path": request.raw_path,
            "query_string": request.query.encode("latin-1"),
            "root_path": "",
            "headers": [(name.lower().encode(), value) for name, value in request.headers],
            "client": None,
            "server": (request.host, request.port),
            "state": dict(state),
        }

    async def run(self, app):
        await app(self.scope, self.receive, self.send)
        if not self.ended.is_set():
            raise RuntimeError("the application returned without a whole response")

    async def receive(self):
        if self.pieces is not None:
            piece = next(self.pieces, None)
            if piece is not None:
                return {"type": "http.request", "body": piece, "more_body": True}
            self.pieces = None
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.ended.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.head = message["status"], [(name.decode("latin-1"), value) for name, value in message.get("headers", [])]
            return
        if message["type"] != "http.response.body":
            return
        if not self.stream:
            # The head leaves with the first byte.
            self.body = respond(self.response_out, *self.head)
            self.stream = self.body.write()
        outgoing.write_piece(self.stream, message.get("body", b""))
        if not message.get("more_body"):
            self.stream.__exit__(None, None, None)
            outgoing.OutgoingBody.finish(self.body, None)
            self.ended.set()
        # Others have a turn.
        await asyncio.sleep(0)


class Lifespan:
    """The start of an application, before the first request of an instance."""

    def __init__(self, app):
        self.app = app
        self.state = {}

    async def start(self, loop):
        self.started = loop.create_future()
        self.told = False
        self.task = loop.create_task(self.run())
        await self.started

    async def run(self):
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self.app(scope, self.receive, self.send)
        except Exception:
            # An application need not know of lifespans.
            pass
        if not self.started.done():
            self.started.set_result(None)

    async def receive(self):
        if self.told:
            # An instance ends without a word.
            await asyncio.get_running_loop().create_future()
        self.told = True
        return {"type": "lifespan.startup"}

    async def send(self, message):
        if message["type"] == "lifespan.startup.failed":
            self.started.set_exception(RuntimeError(message.get("message", "the application did not start")))
        elif message["type"] == "lifespan.startup.complete":
            self.started.set_result(None)


class Loop(asyncio.BaseEventLoop):
    """The event loop: Python's own, which waits for timers with `wasi:io/poll`."""

    def __init__(self):
        super().__init__()
        self._selector = self

    def select(self, timeout):
        if timeout is None:
            raise RuntimeError("the application waits for something that cannot happen")
        if timeout > 0:
            with monotonic_clock.subscribe_duration(int(timeout * 1e9)) as timer:
                poll.poll([timer])
        return []

    def _process_events(self, events):
        pass

    def _write_to_self(self):
        pass

    def run_in_executor(self, executor, function, *args):
        future = self.create_future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future

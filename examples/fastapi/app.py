"""A FastAPI application. Only the last two lines are about components."""

import asyncio
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field


@asynccontextmanager
async def lifespan(app):
    yield {"greeting": "Hello"}


app = FastAPI(lifespan=lifespan)


class Order(BaseModel):
    item: str
    count: int = Field(1, ge=1)


@app.get("/hello/{name}")
async def hello(name: str, request: Request):
    return PlainTextResponse(f"{request.state.greeting}, {name}!\n")


@app.post("/orders", status_code=201)
async def order(order: Order, urgent: bool = False):
    return {"item": order.item, "count": order.count, "urgent": urgent}


@app.get("/sync")
def sync():
    return PlainTextResponse("without a thread\n")


@app.get("/countdown")
async def countdown():
    async def numbers():
        for number in (3, 2, 1):
            yield f"{number}\n"
            await asyncio.sleep(0.05)

    return StreamingResponse(numbers(), media_type="text/plain")


from lambda_wasm import asgi

IncomingHandler = asgi.handler(app)

// A Hono application. Only the last line is about components.

import { Hono } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { streamText } from "hono/streaming";

const app = new Hono();

app.get("/hello/:name", (c) => c.text(`Hello, ${c.req.param("name")}!\n`));

app.post("/orders", async (c) => {
  const { item } = await c.req.json();
  return c.json({ item, count: Number(c.req.query("count") ?? 1) }, 201);
});

app.get("/countdown", (c) =>
  streamText(c, async (stream) => {
    for (const number of [3, 2, 1]) {
      await stream.writeln(String(number));
      await stream.sleep(50);
    }
  }),
);

app.use("/private/*", bearerAuth({ token: "secret" }));
app.get("/private/page", (c) => c.text("a secret page\n"));

app.get("/log", (c) => {
  console.log("as info");
  console.warn("as a warning");
  console.error("as an error");
  return c.body(null, 204);
});

app.fire();

// An MCP server, by the protocol's streamable HTTP transport, without sessions: each request is complete in itself, as each
// invocation has an instance of its own. A call of the tool responds with a stream of events, so that its progress arrives
// while it runs: the policy has `stream = true`.

const tool = {
  name: "forecast",
  description: "The weather of the next days",
  inputSchema: {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer", minimum: 1, maximum: 7 } },
    required: ["city", "days"],
  },
};

const resource = { uri: "weather://cities", name: "cities", mimeType: "application/json" };

/** The result of each method. Notifications of the client need none. */
const methods = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    serverInfo: { name: "weather", version: "1.0.0" },
    capabilities: { tools: {}, resources: {} },
  }),
  ping: () => ({}),
  "tools/list": () => ({ tools: [tool] }),
  "resources/list": () => ({ resources: [resource] }),
  "resources/read": ({ uri }) => {
    if (uri !== resource.uri) throw new RpcError(-32602, `there is no resource ${uri}`);
    return { contents: [{ uri, mimeType: resource.mimeType, text: JSON.stringify(["Berlin", "Lagos"]) }] };
  },
};

/** Runs the tool, and tells after each day how far it is. */
async function forecast({ city, days }, progress) {
  if (typeof city !== "string" || !(days >= 1 && days <= 7)) {
    return { isError: true, content: [{ type: "text", text: "`city` is a text, and `days` is from 1 to 7" }] };
  }
  const lines = [];
  for (let day = 1; day <= days; day++) {
    await new Promise((passed) => setTimeout(passed, 20));
    lines.push(`day ${day} in ${city}: ${day % 2 ? "sun" : "rain"}`);
    progress(day, days);
  }
  return { content: [{ type: "text", text: lines.join("\n") }] };
}

class RpcError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

addEventListener("fetch", (event) => event.respondWith(respond(event.request)));

async function respond(request) {
  if (new URL(request.url).pathname !== "/mcp") return new Response("not found\n", { status: 404 });
  // There is no stream of messages that the server starts.
  if (request.method !== "POST") return new Response(null, { status: 405, headers: { allow: "POST" } });
  let message;
  try {
    message = await request.json();
  } catch {
    return json(failure(null, new RpcError(-32700, "the body is not JSON")), 400);
  }
  const { id, method, params = {} } = message;
  if (id === undefined) return new Response(null, { status: 202 });
  if (method === "tools/call") return call(id, params);
  try {
    if (!Object.hasOwn(methods, method)) throw new RpcError(-32601, `there is no method ${method}`);
    return json(success(id, methods[method](params)));
  } catch (error) {
    return json(failure(id, error));
  }
}

/** Responds with events: the progress, if the client wants it, and the result. */
function call(id, { name, arguments: values = {}, _meta }) {
  if (name !== tool.name) return json(failure(id, new RpcError(-32602, `there is no tool ${name}`)));
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    async start(controller) {
      const send = (message) => controller.enqueue(encoder.encode(`event: message\ndata: ${JSON.stringify(message)}\n\n`));
      const progress = (done, total) => {
        const progressToken = _meta?.progressToken;
        if (progressToken === undefined) return;
        send({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken, progress: done, total } });
      };
      try {
        send(success(id, await forecast(values, progress)));
      } catch (error) {
        send(failure(id, error));
      }
      controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

const success = (id, result) => ({ jsonrpc: "2.0", id, result });
const failure = (id, { code = -32603, message }) => ({ jsonrpc: "2.0", id, error: { code, message } });

function json(body, status = 200) {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
}

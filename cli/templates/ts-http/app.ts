interface FetchEvent extends Event {
  readonly request: Request;
  respondWith(response: Response | Promise<Response>): void;
}

addEventListener("fetch", (event) => {
  const { request, respondWith } = event as FetchEvent;
  respondWith.call(event, handle(request));
});

async function handle(request: Request): Promise<Response> {
  const [, resource, name] = new URL(request.url).pathname.split("/");
  if (resource === "") return text("Hello, world!\n");
  if (resource === "hello" && name) return text(`Hello, ${decodeURIComponent(name)}!\n`);
  return text("not found\n", 404);
}

function text(body: string, status = 200): Response {
  return new Response(body, { status, headers: { "content-type": "text/plain" } });
}

addEventListener("fetch", (event) => event.respondWith(handle(event.request)));

async function handle(request) {
  const [, resource, name] = new URL(request.url).pathname.split("/");
  if (resource === "") return text("Hello, world!\n");
  if (resource === "hello" && name) return text(`Hello, ${decodeURIComponent(name)}!\n`);
  return text("not found\n", 404);
}

function text(body, status = 200) {
  return new Response(body, { status, headers: { "content-type": "text/plain" } });
}

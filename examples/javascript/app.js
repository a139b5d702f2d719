/**
 * GET /hello/{name} answers `Hello, NAME!`, and GET /countdown/{n} a line for each second that is left, as it passes.
 *
 * A fetch event is all that it knows of: the same file runs wherever `wasi:http` is served.
 */
addEventListener("fetch", (event) => event.respondWith(answer(event.request)));

function answer(request) {
  const [, resource, argument] = new URL(request.url).pathname.split("/");
  switch (resource) {
    case "hello":
      return text(`Hello, ${decodeURIComponent(argument ?? "World")}!\n`);
    case "countdown":
      return text(countdown(Number(argument ?? 3)));
    default:
      return text("there is no such path\n", 404);
  }
}

function text(body, status = 200) {
  return new Response(body, { status, headers: { "content-type": "text/plain" } });
}

/** A body that is sent while it is made. */
function countdown(seconds) {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      controller.enqueue(encoder.encode(`${seconds}\n`));
      if (seconds-- <= 0) return controller.close();
      await new Promise((passed) => setTimeout(passed, 1000));
    },
  });
}

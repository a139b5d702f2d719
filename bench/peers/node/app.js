// Greets the path's name, as an HTTP API's handler of AWS's runtime for Node.js.
exports.handler = async (event) => ({
  statusCode: 200,
  headers: { 'Content-Type': 'text/plain' },
  body: `Hello, ${event.rawPath.replace('/hello/', '')}!\n`,
});

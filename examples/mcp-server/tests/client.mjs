// Talks to the server with the protocol's own client. Usage: node client.mjs URL

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const client = new Client({ name: "test", version: "1.0.0" });
await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
const { tools } = await client.listTools();
const progress = [];
const call = { name: "forecast", arguments: { city: "Lagos", days: 2 } };
const { content } = await client.callTool(call, { onprogress: ({ progress: done }) => progress.push(done) });
const refused = await client.callTool({ name: "forecast", arguments: { city: "Lagos", days: 0 } });
const { contents } = await client.readResource({ uri: "weather://cities" });
const result = {
  server: client.getServerVersion().name,
  tools: tools.map((tool) => tool.name),
  text: content[0].text,
  progress,
  isRefused: refused.isError,
  cities: contents[0].text,
};
console.log(JSON.stringify(result));
await client.close();

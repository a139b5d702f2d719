// Bundles a module and what it imports into one, and compiles that into a component.
// Usage: node build.mjs SOURCE BUNDLE WIT WORLD COMPONENT

import { writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import { componentize } from "@bytecodealliance/componentize-js";
import { rolldown } from "rolldown";

const [source, bundlePath, witPath, worldName, componentPath] = process.argv.slice(2);

/** What the engine has in the place of modules of Node.js. */
const instead = {
  buffer: "Uint8Array, TextEncoder and TextDecoder",
  crypto: "the global `crypto`: crypto.subtle, crypto.getRandomValues",
  fs: "bytes that are imported as a module",
  http: "the global `fetch`",
  https: "the global `fetch`",
  process: "the variables of the policy, by wasi:cli/environment",
  stream: "ReadableStream, WritableStream and TransformStream",
  timers: "the globals `setTimeout` and `setInterval`",
  url: "the globals `URL` and `URLSearchParams`",
};

/** The module that the bundle begins with: the source, after `console` was set up for the log. */
const entry = {
  name: "entry",
  resolveId: (id) => (id === "entry" ? "\0entry" : null),
  load(id) {
    if (id !== "\0entry") return null;
    const setup = JSON.stringify(fileURLToPath(new URL("console.mjs", import.meta.url)));
    const app = JSON.stringify(source);
    const name = exports[worldName];
    if (!name) return `import ${setup};\nexport * from ${app};\n`;
    return `import { start } from ${setup};
import * as app from ${app};
export * from ${app};
export const ${name} = {
  handle(...values) {
    start();
    return app.${name}.handle(...values);
  },
};
`;
  },
};

/** Ends the build at an import of a module that only Node.js has. */
const refuseBuiltIns = {
  name: "refuse-built-ins",
  resolveId(id, importer) {
    if (!isBuiltin(id)) return null;
    const name = id.replace(/^node:/, "").split("/")[0];
    const hint = instead[name] ? `use ${instead[name]}` : "use a package that runs in browsers or in workers";
    fail(`${importer ?? source} imports ${JSON.stringify(id)}, a module of Node.js, which a component does not have\nhint: ${hint}`);
  },
};

/** The names of what the worlds of lambda:function export. */
const exports = { "api-function": "api", "handler-function": "handler", "streaming-function": "streamingHandler" };

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

try {
  const bundle = await rolldown({
    input: "entry",
    platform: "neutral",
    // The imports of the component.
    external: [/^(wasi|lambda):/],
    resolve: { mainFields: ["module", "main"], conditionNames: ["workerd", "worker", "browser", "import", "default"] },
    plugins: [entry, refuseBuiltIns],
  });
  await bundle.write({ file: bundlePath, format: "esm", codeSplitting: false });
  const { component } = await componentize({
    sourcePath: bundlePath,
    witPath,
    worldName,
    // Some packages look at `location` while they are loaded. A request has its own.
    runtimeArgs: "--init-location http://localhost/",
  });
  await writeFile(componentPath, component);
} catch (error) {
  fail(error.message ?? String(error));
}

// Has the methods of `console` write lines with levels, if the log format of the function is JSON. `build.mjs` puts this in
// front of the source.

import { getEnvironment } from "wasi:cli/environment@0.2.10";

const levels = { trace: "TRACE", debug: "DEBUG", log: "INFO", info: "INFO", warn: "WARN", error: "ERROR" };
const write = console.log.bind(console);
let isJson = false;
let isStarted = false;

/** Reads the log format. While the component is built, there is no environment. */
export function start() {
  if (isStarted) return;
  isStarted = true;
  isJson = getEnvironment().some(([name, value]) => name === "AWS_LAMBDA_LOG_FORMAT" && value.toUpperCase() === "JSON");
}

// A function of events is told by its caller.
globalThis.addEventListener?.("fetch", start);

for (const [method, level] of Object.entries(levels)) {
  const original = console[method].bind(console);
  console[method] = (...values) => {
    if (!isJson) return original(...values);
    const message = values.map(text).join(" ");
    // The fields of a structured line are the host's to read.
    const isStructured = values.length === 1 && message.startsWith("{") && message.endsWith("}");
    write(isStructured ? message : JSON.stringify({ level, message }));
  };
}

function text(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value}\n${value.stack ?? ""}`.trimEnd();
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

// The page of `lambda-wasm dev`. All texts from functions are shown as text, never as markup.

const byId = (id) => document.getElementById(id);
const grid = byId("grid"), rows = byId("rows"), detail = byId("detail");

/** Creates an element with properties and children. */
function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

const milliseconds = (value) => (value == null ? "" : `${value < 10 ? value.toFixed(2) : value < 1000 ? value.toFixed(1) : value.toFixed(0)} ms`);
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false });
const bytes = (count) => (count < 1024 ? `${count} bytes` : count < 1048576 ? `${(count / 1024).toFixed(1)} KiB` : `${(count / 1048576).toFixed(1)} MiB`);

let quiet;
/** Tells the user what has happened. */
function say(text) {
  byId("said").textContent = text;
  clearTimeout(quiet);
  quiet = setTimeout(() => (byId("said").textContent = ""), 4000);
}

async function ask(path, options) {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw new Error(body.message);
  return body;
}

// The invocations

const MOST = 10000;
/** All summaries by their numbers. A new one has a greater number than the others. */
let all = new Map();
/** The summaries that the filters let through, newest first. */
let shown = [];
let chosen = null;
/** The request id of an event that was sent from here, until its invocation is known. */
let awaited = null;

function connect() {
  const source = new EventSource("/_lambda/changes");
  const state = (text, isLost) => {
    byId("connection").textContent = text;
    byId("connection").classList.toggle("lost", isLost);
  };
  source.addEventListener("open", () => {
    state("Connected", false);
    showFunctions();
  });
  source.addEventListener("error", () => {
    state("dev does not answer: trying again", true);
    // A browser gives up after some errors.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 1000, source.close());
  });
  source.addEventListener("all", (message) => {
    all = new Map();
    take(JSON.parse(message.data));
  });
  source.addEventListener("changed", (message) => take(JSON.parse(message.data)));
}

function take(changed) {
  for (const entry of changed) {
    all.set(entry.number, entry);
    entry.text = [entry.function, entry.source, entry.request, entry.status, entry.id, entry.error].join(" ").toLowerCase();
    if (entry.id && entry.id === awaited) {
      awaited = null;
      choose(entry.number);
    }
  }
  for (const number of all.keys()) {
    if (all.size <= MOST) break;
    all.delete(number);
  }
  select();
  if (changed.some((entry) => entry.number === chosen)) refresh();
}

/** Applies the filters. */
function select() {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const of = byId("of").value, state = byId("state").value;
  const before = shown[Math.floor(grid.scrollTop / height())]?.number;
  shown = [];
  for (const entry of all.values()) {
    if (of && entry.function !== of) continue;
    if (state === "cold" ? entry.metrics?.initDurationMs == null : state && entry.state !== state) continue;
    if (words.every((word) => entry.text.includes(word))) shown.push(entry);
  }
  shown.reverse();
  const count = shown.length === all.size ? `${all.size}` : `${shown.length} of ${all.size}`;
  byId("count").textContent = all.size === 0 ? "No invocations" : `${count} invocation${count === "1" ? "" : "s"}`;
  byId("empty").hidden = shown.length > 0;
  byId("empty").textContent = all.size === 0 ? "No invocations yet. Call one of the URLs above, or send an event." : "No invocation matches the filter.";
  // What is in view stays there while new ones arrive above it.
  if (grid.scrollTop > 0) {
    const index = shown.findIndex((entry) => entry.number === before);
    if (index > 0) grid.scrollTop = index * height() + (grid.scrollTop % height());
  }
  draw();
}

const height = () => parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row")) * parseFloat(getComputedStyle(document.documentElement).fontSize);

/** Whether the details are below the list: page.css has the same limit. */
const isNarrow = () => matchMedia("(max-width: 48rem)").matches;

let isDrawing = false;
/** Draws the rows in view, once before the next frame. */
function draw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    const one = height();
    const first = Math.max(0, Math.floor(grid.scrollTop / one) - 5);
    const last = Math.min(shown.length, Math.ceil((grid.scrollTop + grid.clientHeight) / one) + 5);
    rows.style.height = `${shown.length * one}px`;
    rows.replaceChildren(...shown.slice(first, last).map((entry, index) => row(entry, first + index, one)));
    grid.setAttribute("aria-rowcount", shown.length + 1);
    if (chosen != null && byId(`row-${chosen}`)) grid.setAttribute("aria-activedescendant", `row-${chosen}`);
    else grid.removeAttribute("aria-activedescendant");
  });
}

/** The word and the class of an entry's status. */
function status(entry) {
  if (entry.state === "running") return ["running", "running"];
  if (entry.state === "failed") return [entry.status == null || entry.status < 400 ? "failed" : `${entry.status}`, "failed"];
  return [entry.status == null ? "ok" : `${entry.status}`, entry.status >= 400 ? "refused" : "ended"];
}

function row(entry, index, one) {
  const [word, kind] = status(entry), metrics = entry.metrics ?? {};
  const cell = (text, kind = "") => make("span", { role: "gridcell", className: kind, title: text ?? "" }, text ?? "");
  const start = metrics.initDurationMs != null ? `cold ${milliseconds(metrics.initDurationMs)}` : metrics.durationMs != null ? "warm" : "";
  const element = make(
    "div",
    { className: "row", id: `row-${entry.number}`, role: "row" },
    cell(clock.format(entry.at), "mono"), cell(entry.function), cell(entry.source), cell(entry.request, "mono"),
    cell(word, kind), cell(milliseconds(metrics.durationMs), "number"), cell(start, "number"),
    cell(metrics.maxMemoryUsedMB != null ? `${metrics.maxMemoryUsedMB} MB` : "", "number"),
  );
  element.setAttribute("aria-rowindex", index + 2);
  element.setAttribute("aria-selected", entry.number === chosen);
  element.style.top = `${index * one}px`;
  element.addEventListener("click", () => {
    choose(entry.number);
    isScrolling = isNarrow();
  });
  return element;
}

// The details of an invocation

/** Shows an invocation, or closes the details. */
function choose(number) {
  chosen = number;
  history.replaceState(null, "", number == null ? location.pathname : `#${number}`);
  detail.hidden = number == null;
  draw();
  if (number != null) {
    detail.dataset.number = "";
    refresh();
  }
}

function move(by) {
  const index = shown.findIndex((entry) => entry.number === chosen);
  const next = shown[Math.min(shown.length - 1, Math.max(0, index === -1 ? 0 : index + by))];
  if (!next) return;
  const one = height(), top = shown.indexOf(next) * one, head = document.querySelector(".row.head").offsetHeight;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (top + one + head > grid.scrollTop + grid.clientHeight) grid.scrollTop = top + one + head - grid.clientHeight;
  choose(next.number);
}

let current = null, isRefreshing = false, isStale = false;
/** Reads the details of the chosen invocation again. */
async function refresh() {
  isStale = true;
  if (isRefreshing) return;
  isRefreshing = true;
  while (isStale && chosen != null) {
    isStale = false;
    const number = chosen;
    try {
      const read = await ask(`/_lambda/invocations/${number}`);
      if (number === chosen) showDetail(read);
    } catch (error) {
      if (number === chosen) detail.replaceChildren(make("p", {}, `The details cannot be read: ${error.message}`));
    }
  }
  isRefreshing = false;
}

let images = [];
/** Whether the window scrolls to the details once they are there. */
let isScrolling = false;
function showDetail(entry) {
  const isSame = detail.dataset.number === `${entry.number}`;
  const scrolled = isSame ? detail.scrollTop : 0;
  images.forEach((url) => URL.revokeObjectURL(url));
  images = [];
  current = entry;
  const [word, kind] = status(entry), metrics = entry.metrics ?? {}, details = entry.details;
  const fact = (name, value) => value && make("span", {}, `${name} `, make("b", {}, value));
  const button = (text, key, act) => make("button", { type: "button", onclick: act }, `${text} `, make("kbd", { ariaHidden: "true" }, key));
  const copies = entry.copies ?? {};
  const parts = [
    make("h2", {}, `${entry.function ?? "No function"}: ${entry.request} `, make("span", { className: kind }, word)),
    make("div", { className: "facts" },
      fact("Source", entry.source), fact("Duration", milliseconds(metrics.durationMs)),
      fact("Init", milliseconds(metrics.initDurationMs)), fact("Memory", metrics.maxMemoryUsedMB != null && `${metrics.maxMemoryUsedMB} of ${metrics.memorySizeMB} MB`),
      fact("Request id", entry.id)),
  ];
  if (details && entry.function) {
    parts.push(make("div", { className: "buttons" },
      button("Send again", "r", again), button("Edit", "e", edit),
      copies.curl && button("Copy as curl", "c", () => copy("curl")), copies.invoke && button("Copy as invoke", "i", () => copy("invoke")),
      copies.test && button("Copy as test", "t", () => copy("test")),
      button("Close", "Esc", () => choose(null))));
  }
  if (entry.failure) parts.push(failure(entry.failure));
  for (const note of details?.notes ?? []) parts.push(make("p", { className: "note" }, note));
  if (entry.id && !details) parts.push(make("p", {}, "The details are no longer kept: later invocations needed their space."));
  if (details) {
    parts.push(...section("Time", waterfall(details)));
    if (details.requests?.length) parts.push(...section("Outgoing requests", requests(details.requests)));
    if (details.response) parts.push(...response(details.response));
    parts.push(...section("Event", text(details.event)));
    parts.push(...section("Log", details.log ? make("pre", { tabIndex: 0, ariaLabel: "Log" }, details.log) : make("p", {}, "The invocation has logged nothing.")));
  }
  detail.replaceChildren(...parts);
  detail.dataset.number = entry.number;
  detail.scrollTop = scrolled;
  if (isScrolling) detail.scrollIntoView();
  isScrolling = false;
}

const section = (title, ...children) => [make("h3", {}, title), ...children];

function failure({ type, message, stackTrace, remedy }) {
  return make("section", { className: "failure", ariaLabel: "Failure" },
    make("p", {}, make("strong", {}, type || "The invocation failed")),
    make("pre", { tabIndex: 0, ariaLabel: "Message" }, message),
    stackTrace.length ? make("pre", { tabIndex: 0, ariaLabel: "Stack trace" }, stackTrace.join("\n")) : null,
    remedy ? make("p", {}, `Next step: ${remedy} (docs/errors.md)`) : null);
}

/** Bars for the parts of an invocation, on one scale. */
function waterfall({ parts, requests = [] }) {
  const bars = [
    ...parts.map((part) => ({ ...part, kind: /^(Start|Wait)/.test(part.name) ? "start" : "" })),
    ...requests.map((request) => ({ name: `${request.method} ${request.url}`, start: request.start, end: request.end, kind: "out" })),
  ].filter((bar) => bar.end != null);
  if (!bars.length) return make("p", {}, "The invocation runs.");
  const whole = Math.max(...bars.map((bar) => bar.end), 0.001);
  return make("div", { className: "fall" }, ...bars.flatMap(({ name, start, end, kind }) => {
    const bar = make("i", { className: kind });
    bar.style.left = `${(start / whole) * 100}%`;
    bar.style.width = `${((end - start) / whole) * 100}%`;
    return [make("span", {}, name), make("div", { className: "track" }, bar), make("span", { className: "number" }, milliseconds(end - start))];
  }));
}

function requests(list) {
  const cells = (name, ...texts) => make("tr", {}, ...texts.map((text) => make(name, name === "th" ? { scope: "col" } : {}, text)));
  return make("table", {}, make("thead", {}, cells("th", "Request", "Result", "Time", "Signed")),
    make("tbody", {}, ...list.map((one) => cells("td", `${one.method} ${one.url}`, one.result ?? "running", milliseconds(one.end == null ? null : one.end - one.start), one.signed ? `for ${one.signed}` : one.unsigned ? `no: ${one.unsigned}` : "no"))));
}

function response({ status, headers, body, length, isCut, pieces }) {
  const all = Object.entries(headers ?? {});
  const type = headers?.["content-type"] ?? "";
  const parts = [];
  if (status != null) parts.push(make("p", {}, "Status ", make("b", {}, `${status}`)));
  if (all.length) {
    parts.push(make("table", {}, make("caption", { className: "unseen" }, "Headers of the response"),
      make("tbody", {}, ...all.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", { className: "mono" }, value))))));
  }
  parts.push(content(body, type));
  parts.push(make("p", { className: "size" }, isCut ? `${bytes(length)}, of which the first part is kept` : bytes(length)));
  if (pieces) {
    const list = pieces.map((piece) => make("tr", {}, make("td", { className: "number" }, milliseconds(piece.at)),
      make("td", { className: "number" }, bytes(piece.length)), make("td", { className: "mono" }, piece.body?.text?.slice(0, 200) ?? "")));
    parts.push(make("details", {}, make("summary", {}, `${pieces.length} piece${pieces.length === 1 ? "" : "s"} as they came`),
      make("table", {}, make("thead", {}, make("tr", {}, ...["At", "Size", "Text"].map((name) => make("th", { scope: "col" }, name)))), make("tbody", {}, ...list))));
  }
  return section("Response", ...parts);
}

function content(body, type) {
  if (type.startsWith("image/")) {
    const data = body.base64 == null ? body.text : Uint8Array.from(atob(body.base64), (letter) => letter.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([data], { type: type.split(";")[0] }));
    images.push(url);
    return make("img", { src: url, alt: "The body of the response" });
  }
  return body.base64 == null ? text(body.text) : make("pre", { tabIndex: 0, ariaLabel: "Body in base64" }, body.base64);
}

/** A text, as a tree if it is JSON. */
function text(text) {
  try {
    const value = JSON.parse(text);
    if (value && typeof value === "object") return make("ul", { className: "tree mono", tabIndex: 0, ariaLabel: "JSON" }, node(null, value, 2));
  } catch {
    // It is another text.
  }
  return make("pre", { tabIndex: 0, ariaLabel: "Text" }, text);
}

const MOST_CHILDREN = 200;
/** A node of a tree, of which so many levels are open. Children are made when they are seen. */
function node(key, value, open) {
  const label = key == null ? [] : [make("span", { className: "key" }, `${key}: `)];
  if (!value || typeof value !== "object") {
    return make("li", {}, ...label, make("span", { className: typeof value === "string" ? "text" : "plain" }, JSON.stringify(value)));
  }
  const entries = Object.entries(value), isList = Array.isArray(value);
  const size = `${isList ? "[" : "{"}${entries.length}${isList ? "]" : "}"}`;
  const list = make("ul"), folded = make("details", {}, make("summary", {}, ...label, make("span", { className: "size" }, size)), list);
  const more = () => {
    const from = list.childElementCount;
    list.append(...entries.slice(from, from + MOST_CHILDREN).map(([key, value]) => node(key, value, open - 1)));
    if (list.childElementCount < entries.length) {
      const button = make("button", { type: "button", onclick: () => (item.remove(), more()) }, `${entries.length - list.childElementCount} more`);
      const item = make("li", {}, button);
      list.append(item);
    }
  };
  folded.addEventListener("toggle", () => folded.open && !list.childElementCount && more());
  if (open > 0 && entries.length) {
    more();
    folded.open = true;
  }
  return make("li", {}, folded);
}

// Sending and copying

async function send(of, event) {
  const { id } = await ask("/_lambda/invocations", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ function: of, event }),
  });
  const known = [...all.values()].find((entry) => entry.id === id);
  if (known) choose(known.number);
  else awaited = id;
}

function again() {
  if (current?.details) send(current.function, current.details.event).then(() => say("Sent again"), (error) => say(error.message));
}

const formatted = (event) => {
  try {
    return JSON.stringify(JSON.parse(event), null, 2);
  } catch {
    return event;
  }
};

function compose(of, event) {
  if (of) byId("send-function").value = of;
  byId("send-sample").value = "";
  byId("send-event").value = event;
  byId("send-problem").textContent = "";
  byId("send").showModal();
  byId("send-event").focus();
}

function edit() {
  if (current?.details) compose(current.function, formatted(current.details.event));
}

async function submit() {
  const event = byId("send-event").value;
  try {
    JSON.parse(event);
  } catch (error) {
    byId("send-problem").textContent = `The event is not JSON: ${error.message}`;
    return;
  }
  try {
    await send(byId("send-function").value, event);
    byId("send").close();
    say("Sent");
  } catch (error) {
    byId("send-problem").textContent = `The event was not sent: ${error.message}`;
  }
}

async function copy(kind) {
  const text = current?.copies?.[kind];
  if (!text) return;
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied as ${kind}`);
  } catch {
    say("The browser does not let the page copy");
  }
}

// The functions

let samples = null;
async function showFunctions() {
  const { functions, others, notes, address } = await ask("/_lambda/functions");
  const link = (url) => make("a", { href: url, target: "_blank", rel: "noreferrer" }, url);
  byId("functions").replaceChildren(...functions.map((one) => {
    const places = one.routes.map(({ method, path }) => make("div", { className: "mono" }, `${method} ${path === "$default" ? path : address + path}`));
    if (one.url) places.push(make("div", { className: "mono" }, link(one.url)));
    for (const source of one.sources ?? []) {
      const button = make("button", { type: "button", ariaLabel: `Send an event of ${source.name} to ${one.name}`, onclick: () => compose(one.name, JSON.stringify(source.event, null, 2)) }, "Send");
      places.push(make("div", { className: "source" }, `${source.kind} ${source.name} `, button));
    }
    if (!places.length) places.push(make("div", {}, "by its name only"));
    const sending = make("button", { type: "button", ariaLabel: `Send an event to ${one.name}`, onclick: () => compose(one.name, "{}") }, "Send");
    return make("tr", {}, make("th", { scope: "row" }, one.name), make("td", {}, ...places), make("td", {}, `${one.memory} MB, ${one.timeout} s`), make("td", {}, sending));
  }));
  byId("functions").append(...others.map(({ name, why }) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", { colSpan: 3 }, `not run here: ${why}`))));
  byId("notes").replaceChildren(...notes.map((note) => make("li", {}, note)));
  for (const id of ["of", "send-function"]) {
    const select = byId(id), kept = select.value;
    const options = functions.map(({ name }) => make("option", {}, name));
    select.replaceChildren(...(id === "of" ? [make("option", { value: "" }, "all")] : []), ...options);
    if (kept) select.value = kept;
  }
  if (samples) return;
  samples = await ask("/_lambda/samples");
  byId("send-sample").append(...Object.keys(samples).map((name) => make("option", {}, name)));
}

// Keys and buttons

const keys = {
  "/": () => byId("filter").focus(),
  j: () => move(1), ArrowDown: () => move(1),
  k: () => move(-1), ArrowUp: () => move(-1),
  Enter: () => chosen == null ? move(0) : detail.focus(),
  Escape: () => (choose(null), grid.focus()),
  r: again, e: edit,
  n: () => compose(null, "{}"),
  c: () => copy("curl"), i: () => copy("invoke"), t: () => copy("test"),
  "?": () => byId("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target;
  if (target.matches("input, select, textarea")) {
    if (event.key === "Escape" || (event.key === "Enter" && target.id === "filter")) {
      event.preventDefault();
      grid.focus();
    }
    return;
  }
  // A button or a link has its own keys, and a text scrolls.
  if (event.key === "Enter" && target.matches("button, a, summary")) return;
  if (event.key.startsWith("Arrow") && target !== grid && target !== document.body) return;
  if (Object.hasOwn(keys, event.key)) {
    event.preventDefault();
    keys[event.key]();
  }
});

byId("search").addEventListener("submit", (event) => event.preventDefault());
for (const id of ["filter", "of", "state"]) byId(id).addEventListener("input", select);
grid.addEventListener("scroll", draw);
new ResizeObserver(draw).observe(grid);
byId("new").addEventListener("click", () => compose(null, "{}"));
byId("keys").addEventListener("click", () => byId("help").showModal());
byId("send-cancel").addEventListener("click", () => byId("send").close());
byId("send-form").addEventListener("submit", (event) => (event.preventDefault(), submit()));
byId("send-sample").addEventListener("input", (event) => {
  const sample = samples?.[event.target.value];
  if (sample) byId("send-event").value = JSON.stringify(sample, null, 2);
});
if (/^#\d+$/.test(location.hash)) chosen = Number(location.hash.slice(1));
if (chosen != null) choose(chosen);
if (isNarrow()) byId("about").open = false;
connect();

// A stand-in for the server side of the widget, for work on the widget alone: `npm run dev`, then http://127.0.0.1:9300/.
// It speaks the protocol of docs/architecture.md ("Realtime") from memory: a shop page on one origin, the workspace on another.
// The stories in tests/widget/ steer it through POST /control/<verb>/ on the workspace's origin.
import { randomUUID } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";

const STATIC = join(dirname(fileURLToPath(import.meta.url)), "../../static");
const SHOP_PORT = Number(process.env.SHOP_PORT ?? 9300);
const DESK_PORT = Number(process.env.DESK_PORT ?? SHOP_PORT + 1);
const CHANNEL = "5b9e7a86-3c1c-4c86-9d0e-6d1a3c2f7b10";
// Two host names of the same machine, so that the frame is of another site, as it is in life.
const SHOP = `http://127.0.0.1:${SHOP_PORT}`;
const DESK = `http://localhost:${DESK_PORT}`;
const MIMES = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const CONFIG = {
  name: "Полка", greeting: "Здравствуйте! Спросите о доставке, оплате или возврате: отвечу сразу.", accent: "#1f5fd6", ink: "#ffffff",
  language: "ru", assistant: "Полина", position: "right",
};
const ANSWER = {
  text: "Доставляем по Москве **за 1–2 дня**, по России — за 3–7 дней [1].\n\n- до 5 000 ₽ — 390 ₽\n- от 5 000 ₽ — бесплатно [2]\n\nТочный срок покажем при оформлении.",
  citations: [
    { n: 1, title: "Доставка и оплата", section: "Сроки", page: 2, quote: "Заказы по Москве доставляются за 1–2 рабочих дня, по России — за 3–7 дней.", url: `${DESK}/help/delivery/` },
    { n: 2, title: "Доставка и оплата", section: "Стоимость", page: 3, quote: "При заказе от 5 000 ₽ доставка бесплатная.", url: null },
  ],
  buttons: [{ text: "Как вернуть товар?", value: "Как вернуть товар?" }, { text: "Оплата частями", value: "Можно ли платить частями?" }],
};

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const talks = new Map(); // token → {messages, sockets, seq, unread, assistant}
const files = new Map();
const calls = []; // what the visitor's side sent, for the check
let down = false; // every request and socket fails at once
let configDown = false;
let refusal = ""; // why messages are refused
let slow = 0; // milliseconds before every POST is answered
let nextId = 100;

const newTalk = () => ({ messages: [], sockets: new Set(), seq: 10, unread: 0, assistant: true, answering: null });

function push(talk, frame) {
  for (const socket of talk.sockets) socket.send(JSON.stringify(frame));
}

function add(talk, fields) {
  const message = {
    id: String(nextId++), client_id: randomUUID(), author: "agent", name: "Анна", text: "", at: new Date().toISOString(), state: "sent",
    edited: false, attachments: [], buttons: [], citations: [], ...fields,
  };
  talk.messages.push(message);
  if (message.author !== "visitor") talk.unread += 1;
  talk.log ??= [];
  announce(talk, message);
  return message;
}

function announce(talk, message) {
  talk.seq += 1;
  talk.log ??= [];
  talk.log.push({ seq: talk.seq, message });
  push(talk, { type: "message", seq: String(talk.seq), message });
}

async function answer(talk) {
  const id = randomUUID();
  push(talk, { type: "typing", ticket: "45", who: CONFIG.assistant, on: true, author: "assistant" });
  await sleep(200);
  const pieces = ANSWER.text.match(/.{1,6}/gs);
  for (const piece of pieces) {
    if (!talk.assistant) return;
    push(talk, { type: "delta", id, text: piece, replace: false });
    await sleep(20);
  }
  add(talk, { author: "assistant", name: CONFIG.assistant, ...ANSWER });
}

function receive(talk, body) {
  const known = talk.messages.find((message) => message.client_id === body.client_id);
  if (known) return known;
  const attachments = (body.attachments ?? []).map((id) => files.get(id)).filter(Boolean);
  const message = add(talk, { author: "visitor", name: "", client_id: body.client_id, text: body.text ?? "", attachments });
  setTimeout(() => change(talk, message, { state: "delivered" }), 400);
  setTimeout(() => change(talk, message, { state: "read" }), 900);
  if (talk.assistant) void answer(talk);
  return message;
}

function change(talk, message, fields) {
  Object.assign(message, fields);
  announce(talk, message);
}

function handOver(talk) {
  talk.assistant = false;
  push(talk, { type: "typing", ticket: "45", who: CONFIG.assistant, on: false });
  return add(talk, { author: "system", name: "", text: "Позвали человека. Обычно отвечаем за несколько минут." });
}

const readBody = (request) =>
  new Promise((done) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => done(Buffer.concat(parts)));
  });

function send(response, status, body, headers = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "content-type": typeof body === "string" ? "text/html; charset=utf-8" : "application/json", ...headers });
  response.end(text);
}

const refuse = (response, status, message) => send(response, status, { error: { code: "refused", message } });

const SHOP_TEXTS = { ru: ["Полка — книжный магазин", "Новинки недели"], en: ["Shelf, a bookshop", "New this week"] };

function shopPage(url) {
  const language = url.searchParams.get("lang") === "en" ? "en" : "ru";
  const [title, heading] = SHOP_TEXTS[language];
  const theme = url.searchParams.get("theme") ?? "auto";
  const viewport = url.searchParams.has("noviewport") ? "" : '<meta name="viewport" content="width=device-width, initial-scale=1">';
  return `<!doctype html><html lang="${language}"><head><meta charset="utf-8">${viewport}<title>${title}</title>
<script async src="${DESK}/static/widget/loader.js" data-channel="${CHANNEL}" data-theme="${theme}"></script></head>
<body><h1>${title}</h1><h2>${heading}</h2><p><a id="first" href="#catalogue">${heading}</a></p></body></html>`;
}

const framePage = (language) => `<!doctype html><html lang="${language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content"><title>${CONFIG.name}</title>
<link rel="stylesheet" href="/static/widget/app.css"></head>
<body data-channel="${CHANNEL}" data-api="/widget/${CHANNEL}/" data-language="${language}"><div id="app"></div>
<script defer src="/static/widget/app.js"></script></body></html>`;

const shop = createServer((request, response) => {
  const url = new URL(request.url, SHOP);
  if (url.pathname === "/favicon.ico") return send(response, 204, "");
  send(response, 200, shopPage(url), {
    "content-security-policy":
      `default-src 'none'; script-src ${DESK}; style-src 'none'; frame-src ${DESK}; connect-src ${DESK}; require-trusted-types-for 'script'`,
  });
});

const control = {
  down: () => {
    down = true;
    for (const talk of talks.values()) for (const socket of talk.sockets) socket.terminate();
  },
  up: () => { down = false; },
  config: (body) => { configDown = body.down; },
  slow: (body) => { slow = body.ms; },
  look: (body) => Object.assign(CONFIG, body),
  say: (body) => latest() && add(latest(), body),
  typing: (body) => push(latest(), { type: "typing", ticket: "45", who: "Анна", on: body.on }),
  drop: () => { for (const socket of latest().sockets) socket.terminate(); },
  edit: (body) => change(latest(), latest().messages.at(-1), { text: body.text, edited: true }),
  resync: () => push(latest(), { type: "resync" }),
  quiet: () => { if (latest()) latest().assistant = false; },
  state: () => ({ calls, messages: latest()?.messages ?? [], talks: talks.size, sockets: latest()?.sockets.size ?? 0 }),
  refuse: (body) => { refusal = body.text; },
  reset: () => {
    talks.clear();
    calls.length = 0;
    [down, configDown, refusal, slow] = [false, false, "", 0];
  },
};
const latest = () => [...talks.values()].at(-1);

function serveStatic(url, response) {
  const path = join(STATIC, normalize(url.pathname.slice("/static/".length)));
  if (!path.startsWith(STATIC) || !existsSync(path)) return refuse(response, 404, "");
  response.writeHead(200, { "content-type": MIMES[extname(path)] ?? "application/octet-stream" });
  createReadStream(path).pipe(response);
}

function upload(raw, type) {
  const boundary = /boundary=(.+)$/.exec(type)?.[1];
  const text = raw.toString("latin1");
  const name = Buffer.from(/filename="([^"]*)"/.exec(text)?.[1] ?? "file", "latin1").toString("utf8");
  const start = text.indexOf("\r\n\r\n") + 4;
  const size = text.lastIndexOf(`\r\n--${boundary}--`) - start;
  const mime = /Content-Type: (\S+)/i.exec(text.slice(0, start))?.[1] ?? "application/octet-stream";
  const id = randomUUID();
  const file = { id, name, mime, size, url: `/files/${id}/` };
  files.set(id, { ...file, body: raw.subarray(start, start + size) });
  return file;
}

function openSession(given) {
  const token = talks.has(given) ? given : randomUUID();
  if (!talks.has(token)) talks.set(token, newTalk());
  const talk = talks.get(token);
  return { token, visitor: "v1", messages: talk.messages, seq: String(talk.seq), unread: talk.unread };
}

async function widgetApi(request, response, url, verb) {
  const given = /^Visitor (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const raw = await readBody(request);
  const json = () => JSON.parse(raw.toString() || "{}");
  if (verb === "session") {
    if (given && !talks.has(given)) return refuse(response, 401, "Сеанс устарел.");
    return send(response, 200, openSession(given));
  }
  const talk = talks.get(given);
  if (!talk) return refuse(response, 401, "Сеанс устарел.");
  if (verb === "read") talk.unread = 0;
  calls.push({ verb, method: request.method, body: verb === "attachments" ? null : request.method === "POST" ? json() : url.search });
  if (request.method === "POST" && slow) await sleep(slow);
  if (verb === "messages" && request.method === "GET") {
    const after = BigInt(url.searchParams.get("after") || "0");
    return send(response, 200, { messages: talk.messages.filter((m) => BigInt(m.id) > after), seq: String(talk.seq) });
  }
  if (verb === "messages") {
    if (refusal) return refuse(response, 400, refusal);
    return send(response, 201, receive(talk, json()));
  }
  if (verb === "attachments") return send(response, 201, upload(raw, request.headers["content-type"]));
  if (verb === "elsewhere") return send(response, 200, { ways: [] });
  if (verb === "handoff") return send(response, 201, handOver(talk));
  return send(response, 200, {});
}

const desk = createServer(async (request, response) => {
  const url = new URL(request.url, DESK);
  const cors = { "access-control-allow-origin": SHOP, vary: "Origin" };
  const [, room, channel, verb] = url.pathname.split("/");
  if (room === "control") {
    const body = JSON.parse((await readBody(request)).toString() || "{}");
    return send(response, 200, control[channel]?.(body) ?? {});
  }
  if (room === "static") return serveStatic(url, response);
  if (down) return request.socket.destroy();
  if (room === "files" && files.has(channel)) {
    response.writeHead(200, { "content-type": files.get(channel).mime });
    return response.end(files.get(channel).body);
  }
  if (room !== "widget" || channel !== CHANNEL) return refuse(response, 404, "");
  if (!verb) {
    return send(response, 200, framePage(request.headers["accept-language"]?.startsWith("en") ? "en" : "ru"), {
      "content-security-policy":
        `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self' ws://localhost:${DESK_PORT}; frame-ancestors ${SHOP}; require-trusted-types-for 'script'`,
    });
  }
  if (verb === "config") return configDown ? send(response, 500, {}, cors) : send(response, 200, CONFIG, cors);
  return widgetApi(request, response, url, verb);
});

const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "omni.v1" });
desk.on("upgrade", (request, socket, head) => {
  const token = /token\.([^,\s]+)/.exec(request.headers["sec-websocket-protocol"] ?? "")?.[1];
  const talk = talks.get(token);
  if (down || !talk) return socket.destroy();
  sockets.handleUpgrade(request, socket, head, (client) => {
    talk.sockets.add(client);
    client.on("close", () => talk.sockets.delete(client));
    client.on("message", (data) => {
      const frame = JSON.parse(String(data));
      calls.push({ verb: "frame", body: frame });
      if (frame.type === "ping") client.send('{"type":"pong"}');
      if (frame.type !== "since") return;
      for (const entry of talk.log ?? []) {
        if (entry.seq > Number(frame.seq)) client.send(JSON.stringify({ type: "message", seq: String(entry.seq), message: entry.message }));
      }
    });
    client.send(JSON.stringify({ type: "hello", seq: String(talk.seq) }));
  });
});

shop.listen(SHOP_PORT, "127.0.0.1");
desk.listen(DESK_PORT, () => console.log(`shop ${SHOP}/   workspace ${DESK}/widget/${CHANNEL}/`));

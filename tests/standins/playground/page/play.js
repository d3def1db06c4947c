const texts = JSON.parse(document.getElementById("texts").textContent);
const $ = (selector) => document.querySelector(selector);
let services = [], version = 0, editing = null;
const drawn = {};

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Only what differs is drawn anew, so that a focused button stays where it is.
function isNew(part, ...what) {
  const now = JSON.stringify(what);
  if (drawn[part] === now) return false;
  drawn[part] = now;
  return true;
}

// The address names what is open: #telegram/710455821, or #gigachat.
function here() {
  const [kind, ...rest] = decodeURIComponent(location.hash.slice(1)).split("/");
  const service = services.find((each) => each.kind === kind);
  return { service, chat: service?.chats?.find((each) => each.id === rest.join("/")) };
}

function complain(text) {
  $("#error").hidden = !text;
  $("#error").textContent = text;
}

async function post(path, body, type) {
  const headers = { "X-Playground": "1", "Content-Type": type ?? "application/json" };
  try {
    const answer = await fetch(path, { method: "POST", headers, body: type ? body : JSON.stringify(body) });
    const failure = answer.ok ? "" : ((await answer.json().catch(() => ({}))).error ?? String(answer.status));
    complain(failure);
    return answer.ok;
  } catch {
    complain(texts.away);
    return false;
  }
}

function act(verb, data = {}) {
  const { service, chat } = here();
  return post(`/${service.kind}/${verb}`, verb === "fault" ? data : { chat: chat.id, ...data });
}

function waiting(service) {
  const counts = new Map();
  for (const fault of service.faults) counts.set(fault, (counts.get(fault) ?? 0) + 1);
  const parts = [...counts].map(([fault, count]) => `${texts[`f_${fault}`]}\u00a0×\u00a0${count}`);
  return parts.length ? `${texts.planned}: ${parts.join("; ")}` : "";
}

function entry(hash, title, last) {
  const current = decodeURIComponent(location.hash.slice(1)) === hash;
  const link = make("a", { href: `#${encodeURIComponent(hash)}` }, title, make("span", {}, last));
  if (current) link.setAttribute("aria-current", "true");
  return link;
}

function drawList() {
  if (!isNew("list", location.hash, services)) return;
  const parts = services.filter((each) => each.chats).flatMap((each) => [
    make("h2", {}, each.title),
    ...each.chats.map((chat) => entry(`${each.kind}/${chat.id}`, chat.name, chat.typing ? texts.typing : (chat.lines.at(-1)?.text ?? ""))),
    make("button", { type: "button", className: "new", onclick: () => post(`/${each.kind}/new`, {}) }, `+ ${texts.new}`),
  ]);
  const models = services.filter((each) => !each.chats);
  $("#list").replaceChildren(...parts, make("h2", {}, texts.models), ...models.map((each) => entry(each.kind, each.title, waiting(each))));
}

function drawLine(service, chat, line) {
  const bubble = make("div", { className: "bubble" }, line.text);
  for (const file of line.files) {
    const href = `/${service.kind}/files/${file.key}`;
    bubble.append(file.image ? make("img", { src: href, alt: file.name }) : make("a", { href, download: file.name }, file.name));
  }
  const keys = line.buttons.map((button) =>
    make("button", { type: "button", onclick: () => act("press", { value: button.value }) }, button.text));
  const meta = make("div", { className: "meta" }, make("time", {}, new Date(line.at * 1000).toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" })));
  if (line.edited) meta.append(texts.edited);
  if (line.state) meta.append(texts[`r_${line.state}`]);
  if (line.mine && line.text && service.offers.includes("edit")) {
    meta.append(make("button", { type: "button", onclick: () => edit(line) }, texts.edit));
  }
  const parts = [bubble, ...(keys.length ? [make("div", { className: "keys" }, ...keys)] : []), meta];
  return make("div", { className: line.mine ? "line mine" : "line" }, ...parts);
}

function drawChat() {
  const { service, chat } = here();
  document.body.toggleAttribute("data-open", Boolean(service));
  $("#choose").hidden = Boolean(service);
  $("#chat").hidden = !service;
  if (!service) return;
  $("#who").textContent = chat ? `${chat.name} · ${service.title}` : service.title;
  $("#planned").textContent = service.faults.length || "";
  $("#waiting").textContent = waiting(service);
  $("#model").hidden = Boolean(chat);
  for (const id of ["log", "status", "say"]) $(`#${id}`).hidden = !chat;
  for (const verb of ["start", "block", "receipts"]) $(`#${verb}`).hidden = !chat || !service.offers.includes(verb);
  if (!chat) return;
  $("#receipts select").value = chat.receipts;
  $("#block").textContent = chat.blocked ? texts.unblock : texts.block;
  for (const control of document.querySelectorAll("#say button, #say textarea, #say input, #start *")) control.disabled = chat.blocked;
  $("#status").textContent = chat.blocked ? texts.blocked : chat.typing ? texts.typing : "";
  drawLog(service, chat);
}

function drawLog(service, chat) {
  if (!isNew("log", service.kind, chat.id, chat.lines)) return;
  const log = $("#log"), atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const lines = chat.lines.map((line) => drawLine(service, chat, line));
  log.replaceChildren(...(lines.length ? lines : [make("p", { className: "hint" }, texts.empty)]));
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function draw() {
  drawList();
  drawChat();
}

function edit(line) {
  editing = line;
  $("#say textarea").value = line?.text ?? "";
  $("#cancel").hidden = !line;
  $("#send").textContent = line ? texts.save : texts.send;
  $("#say textarea").focus();
}

async function say(event) {
  event.preventDefault();
  const text = $("#say textarea").value.trim();
  if (!text) return;
  if (await (editing ? act("edit", { line: editing.id, text }) : act("say", { text }))) edit(null);
}

async function sendFile(event) {
  const { service, chat } = here(), field = $("#say textarea"), file = event.target.files[0];
  if (!file) return;
  const query = new URLSearchParams({ chat: chat.id, name: file.name, text: field.value.trim() });
  if (await post(`/${service.kind}/file?${query}`, file, file.type || "application/octet-stream")) field.value = "";
  event.target.value = "";
}

$("#say").addEventListener("submit", say);
$("#say textarea").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) say(event);
  if (event.key === "Escape") edit(null);
});
$("#file").addEventListener("change", sendFile);
$("#cancel").addEventListener("click", () => edit(null));
$("#start").addEventListener("submit", (event) => {
  event.preventDefault();
  act("start", { payload: event.target.payload.value.trim() });
});
$("#block").addEventListener("click", () => act("block", { on: !here().chat.blocked }));
$("#receipts select").addEventListener("change", (event) => act("receipts", { state: event.target.value }));
$("#faults form").addEventListener("submit", (event) => {
  event.preventDefault();
  act("fault", { fault: event.target.fault.value, count: Number(event.target.count.value) });
});
$("#clear").addEventListener("click", () => act("fault", { fault: "429", count: 0 }));
addEventListener("hashchange", () => {
  edit(null);
  draw();
  $("#log").scrollTop = $("#log").scrollHeight;
});

for (;;) {
  try {
    const answer = await (await fetch(`/state?seen=${version}`)).json();
    ({ services, version } = answer);
    if ($("#error").textContent === texts.away) complain("");
    draw();
  } catch {
    complain(texts.away);
    version = 0;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

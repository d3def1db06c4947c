// What was written and not yet confirmed. It lies in localStorage under the message's own id, which the server accepts once,
// so it may be sent again after a lost answer, a reload or a closed laptop. One at a time: order is kept.
import { readArmed } from "./armed";
import { focusField } from "./fields";
import { apply, parse } from "./fragments";
import { clonePart, inbox, inPart, openConversation, toast, word } from "./parts";
import { fetchHtml, Refused } from "./server";
import { scrollToEnd, settleThread } from "./thread";

export interface File { id: string; name: string; size: number }
export interface Outgoing {
  clientId: string;
  number: string;
  text: string;
  kind: "public" | "note";
  files: File[];
  replyTo: string;
  /** What the macros in it do, as the draft keeps it (armed.ts). */
  macro?: string;
  /** Of a note: `u:<person>` and `t:<team>`, with commas. */
  mentions?: string;
  status: string;
  /** The newest message that its author had read. */
  seen: string;
  /** Another place than where the customer last wrote. */
  address?: string;
  /** ISO time at which it is to leave, and whether the customer's word before then takes it back. */
  sendAt?: string;
  cancelOnReply?: boolean;
  /** When it was written; orders what a reload finds. */
  at: number;
  /** Why the server refused it; it then waits for a person. */
  refused?: string;
}

const LONGEST_PAUSE = 15_000;
let queue: Outgoing[] = [];
// What others have added to the conversation meanwhile, by the id of the reply that waits for its author's word. After a reload
// the server is asked again.
const stopped = new Map<string, HTMLElement>();
let sending = false;
let timer = 0;
let failures = 0;

// A key for each, so that two windows of one person do not overwrite each other's.
const prefix = (): string => `outbox:${inbox().dataset.user}:`;

export function setUpOutbox(edit: (message: Outgoing) => void): void {
  queue = Object.keys(localStorage)
    .filter((key) => key.startsWith(prefix()))
    .map((key) => JSON.parse(localStorage.getItem(key)!) as Outgoing)
    .sort((a, b) => a.at - b.at);
  addEventListener("online", kick);
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-outbox]");
    const message = queue.find((one) => one.clientId === button?.closest<HTMLElement>(".item")?.dataset.clientId);
    if (!button || !message) return;
    if (button.dataset.outbox === "retry") retry(message);
    else if (button.dataset.outbox === "anyway") sendAnyway(message.number);
    else {
      forget(message);
      bubbleOf(message)?.remove();
      edit(message);
    }
  });
  kick();
}

export function post(message: Outgoing): void {
  queue.push(message);
  keep(message);
  paint(message);
  scrollToEnd();
  kick();
}

/** Puts the bubbles of an opened conversation back. */
export function paintWaiting(): void {
  const open = openConversation();
  for (const message of queue) if (message.number === open?.number) paint(message);
}

/** The network may be back. */
export function kick(): void {
  clearTimeout(timer);
  failures = 0;
  void send();
}

function keep(message: Outgoing): void {
  try {
    localStorage.setItem(prefix() + message.clientId, JSON.stringify(message));
  } catch {
    // Storage is full or forbidden: the message still waits in memory.
  }
}

function forget(message: Outgoing): void {
  stopped.delete(message.clientId);
  queue = queue.filter((one) => one !== message);
  localStorage.removeItem(prefix() + message.clientId);
}

function retry(message: Outgoing): void {
  delete message.refused;
  keep(message);
  paint(message);
  kick();
}

/** Its author has read what was added: everything that waits in this conversation leaves. */
function sendAnyway(number: string): void {
  for (const message of queue) {
    if (message.number !== number || !stopped.has(message.clientId)) continue;
    message.seen = stopped.get(message.clientId)!.dataset.seen!;
    stopped.delete(message.clientId);
    keep(message);
    paint(message);
  }
  document.getElementById("text")?.focus();
  kick();
}

/** The answer shows what was added; false when it says something else. */
function stop(message: Outgoing, answer: string): boolean {
  const elements = parse(answer);
  const added = elements.find((element) => element.matches("[data-seen]")) as HTMLElement | undefined;
  if (!added) return false;
  stopped.set(message.clientId, added);
  if (openConversation()?.number === message.number) {
    apply(elements.filter((element) => element.matches("li.item")));
    paint(message);
    scrollToEnd();
    // Enter sends anyway, unless the next words are being written.
    if (!document.querySelector<HTMLTextAreaElement>("#text")?.value) bubbleOf(message)?.querySelector<HTMLElement>("[data-part=anyway]")?.focus();
  } else toast(`№${message.number}: ${added.dataset.words}`);
  return true;
}

async function send(): Promise<void> {
  const message = queue.find((one) => !one.refused && !stopped.has(one.clientId));
  if (sending || !message) return;
  sending = true;
  try {
    const answer = await fetchHtml(`/inbox/${message.number}/messages/`, { body: formOf(message) });
    failures = 0;
    forget(message);
    if (openConversation()?.number === message.number) {
      if (message.sendAt) bubbleOf(message)?.remove();
      apply(parse(answer));
    }
  } catch (error) {
    if (error instanceof Refused && stop(message, error.html)) {
      // It waits for a person.
    } else if (error instanceof Refused && !error.again) {
      message.refused = error.message || word("failed");
      keep(message);
      paint(message);
      if (openConversation()?.number === message.number) focusField(error.field);
    } else {
      // No network, or the server is restarting: keep trying by ourselves.
      timer = window.setTimeout(() => void send(), Math.min(LONGEST_PAUSE, 500 * 2 ** failures++));
      sending = false;
      return;
    }
  }
  sending = false;
  void send();
}

function formOf(message: Outgoing): FormData {
  const form = new FormData();
  form.set("client_id", message.clientId);
  form.set("text", message.text);
  form.set("kind", message.kind);
  form.set("reply_to", message.replyTo);
  form.set("status", message.status);
  form.set("seen", message.seen ?? "");
  if (message.macro) {
    const { macros, actions } = readArmed(message.macro);
    form.set("macros", macros.join(","));
    form.set("actions", JSON.stringify(Object.fromEntries(actions.map((action) => [action.key, action.value]))));
  }
  if (message.mentions) form.set("mentions", message.mentions);
  if (message.address) form.set("address", message.address);
  if (message.sendAt) form.set("send_at", message.sendAt);
  if (message.cancelOnReply) form.set("cancel_on_reply", "on");
  for (const file of message.files) form.append("attachments", file.id);
  return form;
}

const bubbleOf = (message: Outgoing): HTMLElement | null =>
  document.querySelector<HTMLElement>(`#thread > [data-client-id="${message.clientId}"]`);

function paint(message: Outgoing): void {
  if (openConversation()?.number !== message.number) return;
  const there = bubbleOf(message);
  if (there && !there.matches(".item--pending")) return;
  const item = there ?? clonePart("pending");
  item.dataset.clientId = message.clientId;
  item.dataset.voice = "pending";
  item.dataset.day = today();
  item.dataset.order = String(Date.now() * 1000);
  item.classList.toggle("item--note", message.kind === "note");
  item.classList.toggle("item--out", message.kind !== "note");
  const added = stopped.get(message.clientId);
  item.classList.toggle("item--trouble", Boolean(message.refused ?? added));
  inPart(item, "text").textContent = message.text;
  inPart(item, "files").hidden = !message.files.length;
  inPart(item, "files").lastElementChild!.textContent = message.files.map((file) => file.name).join(", ");
  inPart(item, "trouble").hidden = !message.refused && !added;
  inPart(item, "retry").hidden = Boolean(added);
  inPart(item, "anyway").hidden = !added;
  inPart(item, "why").hidden = !message.refused;
  inPart(item, "reason").textContent = message.refused ?? "";
  inPart(item, "added").replaceChildren(...(added ? [added] : []));
  if (!there) document.getElementById("thread")!.append(item);
  settleThread();
}

/** The day as the server writes it, in the reader's calendar. */
function today(): string {
  return new Intl.DateTimeFormat("en-CA", { dateStyle: "short" }).format(new Date());
}

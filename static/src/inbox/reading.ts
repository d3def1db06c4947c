// Where the reader is in a conversation: the line above what is new, the ways to it and to the end, a message by its address.
import { apply, parse } from "./fragments";
import { ask } from "./overtaking";
import { clonePart, openConversation } from "./parts";
import { fetchHtml, htmx } from "./server";
import { items, missedItems, settleThread } from "./thread";

const TELL_EVERY = 3_000;
// So far from the end is still at the end.
const NEAR = 80;

const scroller = (): HTMLElement | null => document.getElementById("thread-scroll");
const line = (): HTMLElement | null => document.getElementById("thread-new");
const hasLater = (): boolean => Boolean(document.getElementById("thread-later"));
const numberOf = (item: HTMLElement): number => Number(item.dataset.message ?? 0);

// The newest message that was before the reader's eyes, by conversation; and those of which the server has not heard.
const seen = new Map<string, number>();
const untold = new Set<string>();
// Where the reader had been when a conversation came of which only newer messages are loaded; else 0.
let begun = 0;
let timer = 0;
let send: (frame: object) => boolean = () => false;

export function setUpReading(sender: (frame: object) => boolean): void {
  send = sender;
  addEventListener("pagehide", tellSeen);
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const link = target.closest<HTMLAnchorElement>('#thread a[href^="#m-"]');
    if (link) {
      event.preventDefault();
      // The address names the message; going back still leaves the conversation.
      history.replaceState(history.state, "", link.hash);
      void jumpTo(link.hash.slice(3));
    } else if (target.closest("#to-end")) void toEnd();
    else if (target.closest("#to-unread")) void toUnread();
  });
  document.addEventListener("scroll", (event) => { if (event.target === scroller()) settleReading(); }, { capture: true, passive: true });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = (event as CustomEvent<{ target: Element; xhr: XMLHttpRequest }>).detail;
    // htmx places an answer when it has loaded, which is before the request ends.
    if (target.id === "thread-later") xhr.addEventListener("loadend", holdPlace(), { once: true });
  });
  document.addEventListener("visibilitychange", () => { settleReading(); if (document.hidden) tellSeen(); });
  addEventListener("hashchange", () => { if (location.hash.startsWith("#m-")) void jumpTo(location.hash.slice(3)); });
}

/** A conversation has come: the line stands above the first message that was not seen here, or that nobody has answered. */
export function mountReading(): void {
  begun = 0;
  if (allNew(lastSeen())) begun = lastSeen();
  drawLine();
  settleReading();
  if (location.hash.startsWith("#m-")) void jumpTo(location.hash.slice(3));
}

/** After every change and every step of the reader. */
export function settleReading(): void {
  const place = scroller();
  if (!place) return;
  if (document.hidden) drawLine();
  if (begun && !allNew(begun)) {
    drawLine(begun);
    begun = 0;
  }
  // In a reversed column the end is 0 and everything above it is less.
  const away = -place.scrollTop > NEAR || hasLater();
  const fresh = unread().length;
  document.getElementById("to-end")!.hidden = !away;
  document.getElementById("to-end-count")!.textContent = away && fresh ? String(fresh) : "";
  const mark = line();
  const above = mark ? mark.getBoundingClientRect().bottom <= place.getBoundingClientRect().top : begun > 0;
  document.getElementById("to-unread")!.hidden = !above;
  if (!away && !document.hidden) keepSeen();
  if (missedItems.size && !hasLater()) void fetchMissed();
}

export async function jumpTo(message: string): Promise<void> {
  if (!document.getElementById(`m-${message}`) && !await load(`around/?message=${message}`)) return;
  const item = document.getElementById(`m-${message}`);
  for (const other of document.querySelectorAll(".item--here")) other.classList.remove("item--here");
  item?.classList.add("item--here");
  item?.scrollIntoView({ block: "center" });
}

/** A reversed column that is at its end stays there, whatever comes below: what is read now is put back where it is. */
function holdPlace(): () => void {
  const last = items().at(-1);
  const top = last?.getBoundingClientRect().top ?? 0;
  return () => {
    const place = scroller();
    if (place && last?.isConnected) place.scrollTop += last.getBoundingClientRect().top - top;
  };
}

export async function toEnd(): Promise<void> {
  if (hasLater()) await load("earlier/");
  scroller()?.scrollTo({ top: 0 });
  settleReading();
}

async function toUnread(): Promise<void> {
  if (begun) await load(`around/?message=${begun}`);
  line()?.scrollIntoView({ block: "start" });
  settleReading();
}

/** The message that was seen last is not loaded: the line belongs above all that is. */
function allNew(last: number): boolean {
  const first = items().find(numberOf);
  return Boolean(last && first && numberOf(first) > last && document.getElementById("earlier"));
}

/** Another part of the conversation in the place of what is loaded; what has come meanwhile stays at its end. */
async function load(part: string): Promise<boolean> {
  const here = openConversation();
  const list = document.getElementById("thread");
  if (!here || !list) return false;
  const placed = ask();
  try {
    const loaded = parse(await fetchHtml(`/inbox/${here.number}/${part}`));
    if (openConversation()?.number !== here.number) return false;
    const newest = Math.max(0, ...loaded.map((element) => Number((element as HTMLElement).dataset.order ?? 0)));
    const ends = !loaded.some((element) => element.id === "thread-later");
    const kept = ends ? items().filter((item) => item.matches(".item--pending") || Number(item.dataset.order) > newest) : [];
    list.replaceChildren(...loaded, ...kept);
    htmx.process(list);
    settleThread();
    document.dispatchEvent(new CustomEvent("inbox:changed"));
    return true;
  } catch {
    return false;
  } finally {
    placed();
  }
}

/** What came while the end was not loaded, and was perhaps not in the answer that brought the end. */
async function fetchMissed(): Promise<void> {
  missedItems.clear();
  const here = openConversation();
  if (!here) return;
  const answer = parse(await fetchHtml(`/inbox/${here.number}/earlier/`)).filter((element) => element.matches(".item"));
  if (openConversation()?.number === here.number) apply(answer);
}

function drawLine(last = lastSeen()): void {
  if (line()) return;
  const first = unread(last)[0];
  // Above everything it would say nothing.
  if (first?.previousElementSibling?.matches(".item")) first.before(clonePart("new"));
}

/** Messages of the customer that were not seen here; where nothing was seen yet, those that nobody has answered. */
function unread(last = lastSeen()): HTMLElement[] {
  // The message itself is written a moment before the conversation begins to wait.
  const waiting = Number(document.getElementById("talk")?.dataset.waiting || Infinity) - 1_000_000;
  return items().filter((item) => item.matches(".item--in") && (last ? numberOf(item) > last : Number(item.dataset.order) >= waiting));
}

/** As the server knew it when the conversation came, or as it was read since. */
function lastSeen(): number {
  const served = Number(document.getElementById("talk")?.dataset.seen || 0);
  return Math.max(served, seen.get(openConversation()?.ticket ?? "") ?? 0);
}

function keepSeen(): void {
  const here = openConversation();
  const newest = Math.max(0, ...items().map(numberOf));
  if (!here || newest <= lastSeen()) return;
  seen.set(here.ticket, newest);
  untold.add(here.ticket);
  timer ||= window.setTimeout(tellSeen, TELL_EVERY);
}

/** What is not told, because the line is cut, is told later. */
function tellSeen(): void {
  clearTimeout(timer);
  timer = 0;
  for (const ticket of untold) if (send({ type: "read", ticket, message: String(seen.get(ticket)) })) untold.delete(ticket);
  if (untold.size) timer = window.setTimeout(tellSeen, TELL_EVERY);
}

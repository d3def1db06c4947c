// The thread: entries by time, one name for a run of messages, one heading a day.
import { morph } from "./fragments";
import { htmx } from "./server";

const TOGETHER = 5 * 60 * 1_000_000;

/** What has come while the end of the thread was not loaded (reading.ts). */
export const missedItems = new Set<string>();

const thread = (): HTMLElement | null => document.getElementById("thread");
export const items = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>("#thread > .item")];

export function placeItem(item: HTMLElement): void {
  const list = thread();
  if (!list) return;
  const there = document.getElementById(item.id);
  if (there) return morph(there, item);
  const client = item.dataset.clientId;
  const pending = client ? list.querySelector<HTMLElement>(`.item--pending[data-client-id="${client}"]`) : null;
  pending?.remove();
  const later = items().find((other) => other.matches(".item--pending") || Number(other.dataset.order) > Number(item.dataset.order));
  // Older or later than what is loaded: it comes with its page.
  if (later && later === items()[0] && document.getElementById("earlier")) return;
  if (!later && document.getElementById("thread-later")) return void missedItems.add(item.id);
  list.insertBefore(item, later ?? null);
  htmx.process(item);
  if (!pending) announce(item);
}

/** Only final text, once, and only what others wrote. */
function announce(item: HTMLElement): void {
  if (!item.matches(".item--in, .item--note, .item--ai")) return;
  const who = item.querySelector(".bubble__who")?.textContent?.trim() ?? "";
  const text = item.querySelector(".bubble__text")?.textContent?.trim() ?? "";
  document.getElementById("announcer")!.textContent = `${who}: ${text.slice(0, 200)}`;
}

/** The same rules as tickets/inbox/timeline.py, for what was put in afterwards. */
export function settleThread(): void {
  let before: HTMLElement | null = null;
  for (const item of items()) {
    const opensDay: boolean = before === null || before.dataset.day !== item.dataset.day;
    const day = item.querySelector<HTMLElement>(".item__day");
    if (day) day.hidden = !opensDay;
    const joined: boolean =
      before !== null && !opensDay && item.dataset.voice !== "line" && before.dataset.voice === item.dataset.voice &&
      Number(item.dataset.order) - Number(before.dataset.order) < TOGETHER;
    item.classList.toggle("item--joined", joined);
    before = item;
  }
}

// The list of conversations: rows keep their order by last activity while they change under the reader's eyes.
import { morph } from "./fragments";
import { address, openConversation } from "./parts";
import { htmx } from "./server";

export const rows = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>("#rows > .ticket")];

/** Newer activity first, then the greater id: the same order as the server's. */
function comesBefore(a: HTMLElement, b: HTMLElement): boolean {
  const difference = Number(a.dataset.order) - Number(b.dataset.order);
  return difference > 0 || (difference === 0 && Number(a.dataset.id) > Number(b.dataset.id));
}

export function placeRow(row: HTMLElement): void {
  const there = document.getElementById(row.id);
  const moved = !there || there.dataset.order !== row.dataset.order;
  if (there) morph(there, row);
  if (!moved) return;
  const list = document.getElementById("rows")!;
  const placed = there ?? row;
  const next = rows().find((other) => other !== placed && comesBefore(placed, other));
  const more = document.getElementById("rows-more");
  // What belongs to a page that is not loaded yet, behind the last of those that were, comes with that page.
  if (!next && more && !there && !comesBefore(placed, more)) return;
  if (document.getElementById("rows-before") && next && next === rows().find((other) => other !== placed)) return void there?.remove();
  const focused = placed.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null;
  list.insertBefore(placed, next ?? more);
  focused?.focus({ preventScroll: true });
  if (!there) htmx.process(placed);
}

export function removeRow(ticket: string): void {
  document.getElementById(`c-${ticket}`)?.remove();
}

/** Marks what is open, in the list and among the views; where rows have gone, the next page takes their place. */
export function settleList(): void {
  const more = document.getElementById("rows-more");
  if (more && !rows().length) htmx.trigger(more, "more");
  const open = openConversation();
  for (const link of document.querySelectorAll("#rows [aria-current]")) link.removeAttribute("aria-current");
  if (open) document.getElementById(`open-${open.ticket}`)?.setAttribute("aria-current", "true");
  const view = new URLSearchParams(document.getElementById("list")?.dataset.address).get("view");
  for (const link of document.querySelectorAll<HTMLElement>("#views .nav__item")) {
    if (link.id === `view-${view}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

/** A link to a conversation deep in the list shows its place. */
export function showPlace(): void {
  if (document.getElementById("rows-before")) document.querySelector("#rows [aria-current]")?.scrollIntoView({ block: "center" });
}

/** J and K: the focus walks; Enter opens, for the row is a link. */
export function walk(by: number): void {
  const links = rows().map((row) => row.querySelector<HTMLElement>("a")!);
  if (!links.length) return;
  let at = links.indexOf(document.activeElement as HTMLElement);
  if (at < 0) at = links.findIndex((link) => link.hasAttribute("aria-current"));
  const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1)]!;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

/** [ and ]: the neighbour of what is open is opened. */
export function step(by: number): void {
  const all = rows();
  const at = all.findIndex((row) => row.dataset.id === openConversation()?.ticket);
  all[at < 0 ? 0 : at + by]?.querySelector("a")?.click();
}

/** Opens a conversation that need not be in the list. */
export function visit(number: string): void {
  const path = `/inbox/${number}/?${address()}`;
  const link = document.createElement("a");
  for (const [name, value] of Object.entries({ "hx-get": path, "hx-target": "#conversation", "hx-swap": "innerHTML show:none", "hx-push-url": "true" })) {
    link.setAttribute(name, value);
  }
  link.hidden = true;
  document.body.append(link);
  htmx.process(link);
  link.addEventListener("htmx:afterRequest", () => link.remove());
  link.click();
}

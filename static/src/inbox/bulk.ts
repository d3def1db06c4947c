// Several conversations chosen in the list: boxes, X, Shift+X, Ctrl+A; or all of the view. The server does the rest and tells how
// far it is.
import { newId } from "../../../widget/src/id";
import type { EventFrame } from "./feed";
import { apply, parse } from "./fragments";
import { rows } from "./list";
import { address, inbox } from "./parts";
import { fetchHtml } from "./server";

const CLOSED = "bulk-closed";
const SHOW_EVERY = 300;

const picked = new Set<string>();
let whole = false;
let anchor = "";
let seen = "";
let shown = 0;

const bar = (): HTMLElement | null => document.getElementById("bulk");
const box = (row: HTMLElement): HTMLInputElement | null => row.querySelector<HTMLInputElement>(".ticket__pick");

export function setUpBulk(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as HTMLElement;
    if (target.matches(".ticket__pick")) {
      const row = target.closest<HTMLElement>(".ticket")!;
      if (event.shiftKey) range(row.dataset.id!);
      else set(row.dataset.id!, (target as HTMLInputElement).checked);
    } else if (target.closest("#bulk-clear")) clear();
    else if (target.closest("#bulk-whole")) { whole = true; paint(); }
    else if (target.closest("#bulk-close")) close();
    else if (target.closest("#pick-mode")) inbox().toggleAttribute("data-picking");
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, parameters, verb } = (event as CustomEvent<{ elt: Element; parameters: Record<string, string>; verb: string }>).detail;
    if (verb !== "post" || !elt.closest("[data-bulk]")) return;
    parameters.client_id = newId();
    if (whole) parameters.whole = "on";
    else parameters.ids = [...picked].join(",");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, successful, requestConfig } = (event as CustomEvent<{ elt: Element; successful: boolean; requestConfig: { verb: string } }>).detail;
    if (successful && requestConfig.verb === "post" && elt.closest("[data-bulk]")) clear();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && picked.size && !document.querySelector("dialog[open], :popover-open")) clear();
  });
  document.addEventListener("inbox:changed", settle);
}

/** X on the row that has the focus, else on the open one. */
export function pick(): void {
  const row = current();
  if (row) set(row.dataset.id!, !picked.has(row.dataset.id!));
}

export function pickRange(): void {
  const row = current();
  if (row) range(row.dataset.id!);
}

export function pickAll(): void {
  for (const row of rows()) picked.add(row.dataset.id!);
  paint();
}

function current(): HTMLElement | null {
  const row = document.activeElement?.closest<HTMLElement>("#rows > .ticket");
  return row ?? document.querySelector<HTMLElement>("#rows [aria-current]")?.closest<HTMLElement>(".ticket") ?? null;
}

function set(id: string, on: boolean): void {
  if (on) picked.add(id);
  else picked.delete(id);
  anchor = id;
  whole = false;
  paint();
}

function range(id: string): void {
  const ids = rows().map((row) => row.dataset.id!);
  const [from, to] = [ids.indexOf(anchor), ids.indexOf(id)].sort((a, b) => a - b) as [number, number];
  for (const one of ids.slice(Math.max(from, 0), to + 1)) picked.add(one);
  anchor = id;
  paint();
}

function clear(): void {
  picked.clear();
  whole = false;
  inbox().removeAttribute("data-picking");
  paint();
}

/** What has left the list is not chosen any more; another list begins with none. */
function settle(): void {
  if (seen !== address()) picked.clear();
  seen = address();
  const here = new Set(rows().map((row) => row.dataset.id!));
  for (const id of picked) if (!here.has(id)) picked.delete(id);
  if (!picked.size) whole = false;
  const job = document.getElementById("bulk-job");
  if (job?.dataset.id && job.dataset.id === localStorage.getItem(CLOSED)) job.hidden = true;
  paint();
}

function paint(): void {
  for (const row of rows()) {
    const chosen = picked.has(row.dataset.id!);
    row.classList.toggle("ticket--picked", chosen);
    const field = box(row);
    if (field) field.checked = chosen;
  }
  const tools = bar();
  if (!tools) return;
  tools.hidden = !picked.size;
  inbox().toggleAttribute("data-picked", picked.size > 0);
  const count = document.getElementById("bulk-count")!;
  const words = whole ? count.dataset.whole! : count.dataset.some!.replace("0", String(picked.size));
  if (count.textContent !== words) count.textContent = words;
  const isAll = picked.size === rows().length && Boolean(document.getElementById("rows-more"));
  document.getElementById("bulk-whole")!.hidden = whole || !isAll;
}

function close(): void {
  const job = document.getElementById("bulk-job")!;
  localStorage.setItem(CLOSED, job.dataset.id!);
  job.hidden = true;
}

/** Somebody's bulk change has come further; one's own is shown. */
export function noteBulk(frame: EventFrame): void {
  if (frame.data.user !== inbox().dataset.user) return;
  clearTimeout(shown);
  shown = window.setTimeout(() => {
    fetchHtml(`/inbox/bulk/${String(frame.data.bulk_id)}/`).then((html) => apply(parse(html))).catch(() => undefined);
  }, frame.data.state === "running" || frame.data.state === "undoing" ? SHOW_EVERY : 0);
}

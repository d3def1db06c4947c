// The palette: what can be done on this page, where one can go, and what the server finds, in one list. What is known here is
// shown at once; the server's findings come below it.
import { found } from "./matching";

export interface Host {
  /** Does what a line of the cheat sheet says. */
  run(line: HTMLElement): void;
  visit(number: string): void;
}
interface Entry { label: string; hint?: string; keys?: string[]; act(): void }
interface Group { title: string; entries: Entry[] }
interface Answer {
  conversations: { number: string; title: string; hint: string }[];
  people: { name: string; hint: string }[];
}

// Between two questions to the server; the first one does not wait.
const PAUSE = 120;
// Buttons that have no key.
const BUTTONS = ["spam", "split", "follow", "block", "details-toggle", "pick-mode"];

const palette = (): HTMLElement => document.getElementById("palette")!;
const field = (): HTMLInputElement => document.querySelector<HTMLInputElement>("#palette-text")!;
const list = (): HTMLElement => document.getElementById("palette-list")!;
const words = (): DOMStringMap => palette().dataset;

let host: Host;
let local: Group[] = [];
let remote: Group[] = [];
let shown: Entry[] = [];
let at = 0;
let timer = 0;
let askedAt = 0;
let asked: AbortController | null = null;

export function open(given: Host): void {
  host = given;
  if (palette().matches(":popover-open")) return;
  local = collect();
  remote = [];
  field().value = "";
  paint();
  palette().showPopover();
  field().focus();
}

// ---- What there is --------------------------------------------------------------------------------------------------

function collect(): Group[] {
  return [
    { title: words().actions!, entries: [...keyed(), ...unkeyed(), ...colleagues()] },
    { title: words().places!, entries: places() },
  ];
}

const isThere = (element: HTMLElement | null): element is HTMLElement => Boolean(element && !element.hidden && !(element as HTMLButtonElement).disabled);

/** The lines of the cheat sheet whose element is on the page; walking the list is no command. */
function keyed(): Entry[] {
  const lines = [...document.querySelectorAll<HTMLElement>("#keys [data-does]")];
  return lines.filter((line) => {
    const [verb, ...rest] = line.dataset.does!.split(" ");
    if (rest.length) return isThere(document.querySelector<HTMLElement>(rest.join(" ")));
    const needsTalk = ["reply", "note", "solve-next", "assistant", "open-next", "open-previous"].includes(verb!);
    return needsTalk ? Boolean(document.getElementById("talk")) : ["search", "help"].includes(verb!);
  }).map((line) => ({
    label: line.querySelector("dd")!.textContent!.trim(),
    keys: [...line.querySelectorAll("kbd")].map((key) => key.textContent!),
    act: () => host.run(line),
  }));
}

function unkeyed(): Entry[] {
  return BUTTONS.map((id) => document.getElementById(id)).filter(isThere).map((element) => ({
    label: (element.getAttribute("aria-label") ?? element.title ?? "").trim() || element.textContent!.trim(), act: () => element.click(),
  }));
}

function colleagues(): Entry[] {
  const select = document.querySelector<HTMLSelectElement>("#fact-assignee");
  return [...(select?.options ?? [])].filter((option) => option.value && !option.selected).map((option) => ({
    label: `${words().assign} ${option.textContent!.trim()}`,
    act: () => {
      select!.value = option.value;
      select!.dispatchEvent(new Event("change", { bubbles: true }));
    },
  }));
}

function places(): Entry[] {
  const links = document.querySelectorAll<HTMLElement>("#views .nav__item, .sidebar nav > .nav__item");
  return [...links].map((link) => ({
    label: (link.querySelector(".clip") ?? link).textContent!.trim(), hint: link.querySelector(".nav__count")?.textContent ?? "", act: () => link.click(),
  }));
}

async function ask(): Promise<void> {
  const query = field().value.trim();
  asked?.abort();
  asked = new AbortController();
  askedAt = performance.now();
  if (query.length < 2) { remote = []; return paint(); }
  const help = { label: `${words().help} «${query}»`, act: () => location.assign(`/help/${document.documentElement.lang}/search/?q=${encodeURIComponent(query)}`) };
  try {
    const answer = await fetch(`/inbox/find/?q=${encodeURIComponent(query)}`, { headers: { "HX-Request": "true" }, signal: asked.signal });
    if (!answer.ok) return;
    const { conversations, people } = (await answer.json()) as Answer;
    remote = [
      { title: words().people!, entries: people.map(({ name, hint }) => ({ label: name, hint, act: () => location.assign(`/inbox/?q=${encodeURIComponent(name)}`) })) },
      { title: words().conversations!, entries: conversations.map(({ number, title, hint }) => ({ label: title, hint, act: () => host.visit(number) })) },
      { title: words().more!, entries: [help] },
    ];
  } catch {
    // Given up for a newer question, or no network: what is known here stays.
    return;
  }
  // What somebody has walked to stays marked, wherever it stands now.
  if (field().value.trim() === query) paint(at ? shown[at]?.label : undefined);
}

// ---- Drawing --------------------------------------------------------------------------------------------------------

function paint(marked?: string): void {
  const query = field().value;
  const groups = [...local.map(({ title, entries }) => ({ title, entries: found(query, entries, (one) => one.label) })), ...remote];
  shown = groups.flatMap(({ entries }) => entries);
  let number = 0;
  list().replaceChildren(...groups.filter(({ entries }) => entries.length).map(({ title, entries }) => {
    const group = element("div", "palette__group");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", title);
    const head = element("p", "palette__title", title);
    head.setAttribute("aria-hidden", "true");
    group.append(head, ...entries.map((entry) => line(entry, number++)));
    return group;
  }));
  document.getElementById("palette-none")!.hidden = shown.length > 0;
  mark(Math.max(0, shown.findIndex(({ label }) => label === marked)));
}

function line(entry: Entry, number: number): HTMLElement {
  const item = element("div", "palette__one");
  item.id = `palette-${number}`;
  item.setAttribute("role", "option");
  item.append(element("span", "grow clip", entry.label.charAt(0).toLocaleUpperCase(document.documentElement.lang) + entry.label.slice(1)));
  if (entry.hint) item.append(element("span", "muted small clip", entry.hint));
  for (const key of entry.keys ?? []) item.append(element("kbd", "", key));
  item.addEventListener("pointerdown", (event) => event.preventDefault());
  item.addEventListener("click", () => choose(entry));
  return item;
}

function element(tag: string, name: string, text = ""): HTMLElement {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

function mark(number: number): void {
  at = number;
  for (const item of list().querySelectorAll("[role=option]")) item.setAttribute("aria-selected", String(item.id === `palette-${at}`));
  const active = document.getElementById(`palette-${at}`);
  // The first one is seen anyway; to ask where it is would make the browser lay the page out twice.
  if (number) active?.scrollIntoView({ block: "nearest" });
  else list().scrollTop = 0;
  if (active) field().setAttribute("aria-activedescendant", active.id);
  else field().removeAttribute("aria-activedescendant");
}

function choose(entry: Entry): void {
  palette().hidePopover();
  entry.act();
}

// ---- Keys -----------------------------------------------------------------------------------------------------------

field().addEventListener("input", () => {
  paint();
  clearTimeout(timer);
  timer = window.setTimeout(() => void ask(), askedAt + PAUSE - performance.now());
});

field().addEventListener("keydown", (event) => {
  // Nothing behind it is to be reached while it is open.
  if (event.key === "Tab") event.preventDefault();
  if (event.isComposing || !shown.length) return;
  const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
  const step = steps[event.key];
  if (step) mark((at + step + shown.length) % shown.length);
  else if (event.key === "Enter") choose(shown[at]!);
  else return;
  event.preventDefault();
});

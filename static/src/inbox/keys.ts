// Keys. What they do stands in the cheat sheet of the page (tickets/inbox/keys.py); here are only the ways to do it. A command
// without its element on this page does nothing and says nothing.
import { tinykeys } from "tinykeys";
import { pick, pickAll, pickRange } from "./bulk";
import { write } from "./composer";
import { lazily } from "./lazy";
import type * as Keymap from "./lazy/keymap";
import type * as Palette from "./lazy/palette";
import { rows, step, visit, walk } from "./list";
import { apply, parse } from "./fragments";
import { openConversation, word } from "./parts";
import { fetchHtml, Refused } from "./server";

const OFF = "keys-off";
const PATIENCE = 1_000;

/** `false`: it was not for us, the browser does what it does. */
type Command = (event?: KeyboardEvent) => boolean | void;

const COMMANDS: Record<string, Command> = {
  next: () => walk(1),
  previous: () => walk(-1),
  "open-next": () => step(1),
  "open-previous": () => step(-1),
  reply: () => write("public"),
  note: () => write("note"),
  search: () => focus("#q"),
  palette: () => { void lazily<typeof Palette>("palette").then(({ open }) => open({ run: runs, visit }), () => undefined); },
  help: () => { document.querySelector<HTMLDialogElement>("dialog#keys:not([open])")?.showModal(); },
  assistant: () => { press("#aids > summary"); document.querySelector<HTMLElement>("#aids[open] button")?.focus(); },
  "solve-next": solveNext,
  unsend,
  back,
  native: () => false,
  select: pick,
  "select-range": pickRange,
  // In a conversation it chooses the words, as everywhere.
  "select-all": () => !document.activeElement?.closest("#conversation, #details") && pickAll(),
};

export function setUpKeys(): void {
  bind();
  setUpSwitch();
  document.querySelector("dialog#keys")?.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-key]");
    if (button) void chooseKey(button);
  });
  // The palette is to open at once, also without a network.
  addEventListener("load", () => setTimeout(() => void lazily("palette").catch(() => undefined), 1_500));
}

async function chooseKey(button: HTMLElement): Promise<void> {
  const { ask, say } = await lazily<typeof Keymap>("keymap");
  const choice = await ask(button);
  if (!choice) return button.focus();
  const body = new FormData();
  body.set("does", choice.does);
  body.set("keys", choice.keys);
  try {
    apply(parse(await fetchHtml("/inbox/keys/", { body })));
    bind();
    say(word("keySaved"));
  } catch (error) {
    say((error instanceof Refused && error.message) || word("offline"));
  }
  document.querySelector<HTMLElement>(`#keys [data-does="${CSS.escape(choice.does)}"] [data-key=change]`)?.focus();
}

let unbind: () => void = () => undefined;

/** As the sheet has them now. */
function bind(): void {
  unbind();
  const bindings: Record<string, (event: KeyboardEvent) => void> = {};
  const lines = [...document.querySelectorAll<HTMLElement>("#keys [data-keys]")];
  const sequences = lines.flatMap((line) => line.dataset.keys!.split("|")).filter((keys) => keys.includes(" "));
  let begun = { key: "", until: 0 };
  for (const line of lines) {
    for (const keys of line.dataset.keys!.split("|")) {
      bindings[keys] = (event) => {
        // The second letter of a sequence is not a key of its own.
        if (!keys.includes(" ") && event.timeStamp < begun.until && sequences.includes(`${begun.key} ${keys}`)) return;
        if (isAllowed(event, line, keys) && runs(line, event)) event.preventDefault();
      };
    }
  }
  for (const key of new Set(sequences.map((keys) => keys.split(" ")[0]!))) {
    bindings[key] = (event) => { begun = { key, until: event.timeStamp + PATIENCE }; };
  }
  unbind = tinykeys(window, bindings, { timeout: PATIENCE, ignore: (event) => event.isComposing });
}

/** Does what the line of the sheet says. */
function runs(line: HTMLElement, event?: KeyboardEvent): boolean {
  const [verb, ...rest] = line.dataset.does!.split(" ");
  const selector = rest.join(" ");
  if (verb === "press") return press(selector);
  if (verb === "choose") return choose(selector);
  if (verb === "focus") return focus(selector);
  return COMMANDS[verb!]?.(event) !== false;
}

function isAllowed(event: KeyboardEvent, line: HTMLElement, keys: string): boolean {
  const target = event.target as HTMLElement;
  const { where } = line.dataset;
  if (document.querySelector("dialog[open], :popover-open") || (event.repeat && !/^(next|previous)$/.test(line.dataset.does!))) return false;
  if (target.id === "text") return Boolean(where);
  if (where === "only") return false;
  if (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT|AUDIO|VIDEO)$/.test(target.tagName)) return where === "fields";
  if (keys.startsWith("Arrow")) return Boolean(target.closest("#rows"));
  return keys.includes("$mod") || keys === "Escape" || !localStorage.getItem(OFF);
}

function press(selector: string): boolean {
  const element = document.querySelector<HTMLElement>(selector);
  if (!element || (element as HTMLButtonElement).disabled || element.hidden) return false;
  element.click();
  return true;
}

function focus(selector: string): boolean {
  const element = document.querySelector<HTMLElement>(selector);
  element?.focus();
  return Boolean(element);
}

/** Opens the details first where they are folded away. */
function choose(selector: string): boolean {
  const field = document.querySelector<HTMLSelectElement | HTMLInputElement>(selector);
  if (!field) return false;
  if (!field.offsetParent) press("#details-toggle");
  field.focus();
  // Not every browser lets scripts open a list, and a text has none.
  try { field.showPicker(); } catch { /* focused is enough */ }
  return true;
}

/** The next one is known before this one leaves the list. */
function solveNext(): boolean {
  const here = openConversation();
  const all = rows();
  const at = all.findIndex((row) => row.dataset.id === here?.ticket);
  const next = all[at + 1] ?? all[at - 1];
  const button = document.getElementById("solve");
  if (!press("#solve")) return false;
  const waiting = new AbortController();
  document.addEventListener("htmx:afterSettle", () => {
    // Another part of the page may settle first.
    const isStill = openConversation()?.ticket === here?.ticket;
    if (isStill && !document.getElementById("reopen")) return;
    waiting.abort();
    if (isStill) document.getElementById(next?.id ?? "")?.querySelector("a")?.click();
  }, { signal: waiting.signal });
  // Refused: it is still open, with the reason on the screen.
  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, successful } = (event as CustomEvent<{ elt: Element; successful: boolean }>).detail;
    if (!successful && elt.contains(button)) waiting.abort();
  }, { signal: waiting.signal });
  return true;
}

/** The last reply while it waits; in a text with words Ctrl+Z is the text's own. */
function unsend(event?: KeyboardEvent): boolean {
  const target = event?.target as HTMLTextAreaElement | undefined;
  if (target?.id === "text" && target.value) return false;
  const button = [...document.querySelectorAll<HTMLElement>("#thread .item__undo button")].at(-1);
  button?.click();
  return Boolean(button);
}

/** Out of a field; out of the details where they cover the conversation; out of the conversation to its row. */
function back(): boolean {
  const active = document.activeElement as HTMLElement | null;
  if (active && /^(INPUT|TEXTAREA|SELECT)$/.test(active.tagName)) active.blur();
  else if (document.querySelector<HTMLElement>("#details-close")?.offsetParent) return press("#details-close");
  else if (document.querySelector<HTMLElement>(".head__back")?.offsetParent) return press(".head__back");
  else if (!active?.closest("#list, .sidebar")) return focus(`#open-${openConversation()?.ticket}`);
  else active.blur();
  return true;
}

/** WCAG 2.1.4: single letters can be switched off. */
function setUpSwitch(): void {
  const box = document.querySelector<HTMLInputElement>("#keys-on");
  if (!box) return;
  box.checked = !localStorage.getItem(OFF);
  box.addEventListener("change", () => {
    if (box.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
}

// Letters by their place on the keyboard (event.code), so that they work on ЙЦУКЕН; signs by what they type.
import { tinykeys } from "tinykeys";
import { pick, pickAll, pickRange } from "./bulk";
import { write } from "./composer";
import { walk } from "./list";

const OFF = "keys-off";

export function setUpKeys(): void {
  const letters: Record<string, (event: KeyboardEvent) => void> = {
    KeyJ: () => walk(1),
    KeyK: () => walk(-1),
    KeyR: () => write("public"),
    KeyN: () => write("note"),
    KeyI: () => press("take"),
    KeyA: () => choose("fact-assignee"),
    KeyE: () => press("solve"),
    KeyZ: () => press("snooze"),
    KeyX: pick,
    "Shift+KeyX": pickRange,
    "$mod+KeyA": pickAll,
    KeyM: () => press("merge"),
    KeyT: () => press("aid-translation"),
    KeyS: () => press("aid-summary"),
    "/": () => focus("q"),
    Slash: (event: KeyboardEvent) => (event.key === "?" ? showHelp() : focus("q")),
    "Shift+?": showHelp,
    "Shift+Slash": showHelp,
    Escape: () => (document.activeElement as HTMLElement | null)?.blur(),
  };
  const guarded = Object.entries(letters).map(([key, act]) => [key, (event: KeyboardEvent) => {
    if (isTyping(event) || localStorage.getItem(OFF)) return;
    event.preventDefault();
    act(event);
  }] as const);
  tinykeys(window, Object.fromEntries(guarded));
  setUpSwitch();
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT|AUDIO|VIDEO)$/.test(target.tagName) || Boolean(document.querySelector("dialog[open]"));
}

const focus = (id: string): void => document.getElementById(id)?.focus();
const press = (id: string): void => document.getElementById(id)?.click();

/** Opens the details first where they are folded away. */
function choose(id: string): void {
  const select = document.getElementById(id) as HTMLSelectElement | null;
  if (!select) return;
  if (!select.offsetParent) press("details-toggle");
  select.focus();
  // Not every browser lets scripts open a list.
  try { select.showPicker(); } catch { /* focused is enough */ }
}

function showHelp(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#keys")!;
  if (!dialog.open) dialog.showModal();
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

// Another key for a command: the pencil in the sheet waits for one press.
import { word } from "../parts";

export interface Choice { does: string; keys: string }

const MODIFIERS = /^(Shift|Control|Alt|Meta|CapsLock)/;

/** What one of the sheet's buttons asks for; null when it was given up. Empty `keys`: as it was made; empty `does`: all of them. */
export async function ask(button: HTMLElement): Promise<Choice | null> {
  const row = button.closest<HTMLElement>("[data-does]");
  const does = row?.dataset.does ?? "";
  if (!row || button.dataset.key !== "change") return { does, keys: "" };
  row.classList.add("keys__waits");
  say(word("pressKey"));
  const keys = await press();
  row.classList.remove("keys__waits");
  if (!keys) say("");
  return keys ? { does, keys } : null;
}

export function say(text: string): void {
  document.getElementById("keys-said")!.textContent = text;
}

/** The next key as the table writes it; empty for Esc, Tab and the mouse. */
function press(): Promise<string> {
  return new Promise((resolve) => {
    const end = (keys: string): void => {
      removeEventListener("keydown", hear, true);
      removeEventListener("pointerdown", giveUp, true);
      resolve(keys);
    };
    const giveUp = (): void => end("");
    const hear = (event: KeyboardEvent): void => {
      if (MODIFIERS.test(event.key)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      end(event.key === "Escape" || event.key === "Tab" ? "" : nameOf(event));
    };
    addEventListener("keydown", hear, true);
    addEventListener("pointerdown", giveUp, true);
  });
}

/** Modifiers in the order of the table, and the place on the keyboard. */
function nameOf(event: KeyboardEvent): string {
  const parts = [event.ctrlKey || event.metaKey ? "$mod" : "", event.altKey ? "Alt" : "", event.shiftKey ? "Shift" : "", event.code];
  return parts.filter(Boolean).join("+");
}

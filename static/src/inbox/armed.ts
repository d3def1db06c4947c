// What the macros of a text will do when it is sent: shown as chips, each can be taken out. Kept with the draft.
import { clonePart, inPart } from "./parts";

export interface Action { key: string; value: unknown; words: string }
export interface Armed {
  macros: string[];
  /** Names in the text that stand for nothing: they have to be filled in. */
  open: string[];
  actions: Action[];
}

const list = (): HTMLElement => document.getElementById("armed")!;

/** As the draft keeps it; empty without a macro. */
let kept = "";

export const armed = (): string => kept;
export const readArmed = (text: string): Armed => (text ? (JSON.parse(text) as Armed) : { macros: [], open: [], actions: [] });

export function showArmed(text: string, changed: () => void): void {
  kept = text;
  const { actions } = readArmed(text);
  list().replaceChildren(...actions.map((action) => {
    const chip = clonePart("armed");
    inPart(chip, "text").textContent = action.words;
    const button = inPart(chip, "remove");
    button.setAttribute("aria-label", `${button.getAttribute("aria-label")}: ${action.words}`);
    button.addEventListener("click", () => {
      const now = readArmed(kept);
      now.actions = now.actions.filter((one) => one.key !== action.key);
      showArmed(JSON.stringify(now), changed);
      changed();
      document.getElementById("text")?.focus();
    });
    return chip;
  }));
}

/** One more macro; of two that say the same, the later one counts. */
export function arm(macro: { id: string; open: string[]; actions: Action[] }, changed: () => void): void {
  const now = readArmed(kept);
  const others = now.actions.filter((one) => !macro.actions.some((action) => action.key === one.key));
  showArmed(JSON.stringify({
    macros: [...new Set([...now.macros, macro.id])], open: [...new Set([...now.open, ...macro.open])], actions: [...others, ...macro.actions],
  }), changed);
}

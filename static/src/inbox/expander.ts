// What opens a menu in the text: `/` macros, `@` colleagues (in notes), `:` emoji; by its sign or by its button.
import { lazily } from "./lazy";
import type * as Menus from "./lazy/menus";

export type Sign = "/" | "@" | ":";
export interface Place { sign: Sign; query: string; start: number; end: number }
export interface Writer {
  isNote(): boolean;
  /** As if it were typed. */
  replace(start: number, end: number, text: string): void;
  mention(reference: string, name: string): void;
  useMacro(macro: Menus.Macro): void;
}

// A smiley is no search for an emoji: two letters at least.
const SIGNS = /(?:^|[\s(])(?:(\/)([^\n/@]{0,40})|(@)([\p{L}\p{N}_.-]{0,40})|(:)([\p{L}\p{N}_]{2,30}))$/u;

const field = (): HTMLTextAreaElement | null => document.querySelector<HTMLTextAreaElement>("#text");
let menus: typeof Menus | null = null;

export function setUpExpander(writer: Writer): void {
  const show = async (place: Place, button: boolean): Promise<void> => {
    try {
      menus = await lazily<typeof Menus>("menus");
    } catch {
      return;
    }
    menus.show(place, writer, button);
  };
  document.addEventListener("input", (event) => {
    const target = field();
    if (event.target !== target || !target || (event as InputEvent).isComposing) return;
    const place = read(target, writer.isNote());
    if (place) void show(place, false);
    else menus?.hide();
  });
  document.addEventListener("click", (event) => {
    const sign = (event.target as Element).closest<HTMLElement>("[data-expand]")?.dataset.expand as Sign | undefined;
    if (sign) void open(sign);
  });

  /** The sign is written for those whose keyboard hides it; it goes again when nothing is chosen. */
  async function open(sign: Sign): Promise<void> {
    const target = field();
    if (!target) return;
    target.focus();
    const at = target.selectionStart;
    if (sign === ":") return show({ sign, query: "", start: at, end: at }, true);
    const gap = at > 0 && !/[\s(]/.test(target.value[at - 1]!) ? " " : "";
    writer.replace(at, target.selectionEnd, gap + sign);
    const place = read(target, writer.isNote());
    if (place) await show(place, true);
  }
}

function read(target: HTMLTextAreaElement, isNote: boolean): Place | null {
  const end = target.selectionStart;
  if (end !== target.selectionEnd) return null;
  const found = SIGNS.exec(target.value.slice(Math.max(0, end - 60), end));
  if (!found) return null;
  const sign = (found[1] ?? found[3] ?? found[5]) as Sign;
  const query = found[2] ?? found[4] ?? found[6] ?? "";
  return sign === "@" && !isNote ? null : { sign, query, start: end - query.length - 1, end };
}

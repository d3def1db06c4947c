/** Text kept in the browser; in memory where storage is blocked, so that the chat works there for as long as the page lives. */
import type { Kept } from "./protocol";

type Area = "localStorage" | "sessionStorage";

// A token and a taste are for every tab; what is on its way out of one tab must not be sent by another.
const AREAS: Record<keyof Kept, Area> = { token: "localStorage", sound: "localStorage", outbox: "sessionStorage" };
const NAMES = Object.keys(AREAS) as (keyof Kept)[];
const memory = new Map<string, string>();

/** Everything kept under a prefix. */
export const recallAll = (prefix: string): Kept => Object.fromEntries(NAMES.map((name) => [name, recall(prefix, name)])) as Kept;

export const forgetAll = (prefix: string): void => NAMES.forEach((name) => remember(prefix, name, null));

export function recall(prefix: string, name: keyof Kept): string | null {
  const key = `${prefix}:${name}`;
  try {
    return window[AREAS[name]].getItem(key) ?? memory.get(key) ?? null;
  } catch {
    return memory.get(key) ?? null;
  }
}

export function remember(prefix: string, name: keyof Kept, value: string | null): void {
  const key = `${prefix}:${name}`;
  if (value === null) memory.delete(key);
  else memory.set(key, value);
  try {
    if (value === null) window[AREAS[name]].removeItem(key);
    else window[AREAS[name]].setItem(key, value);
  } catch {
    // Blocked or full: the copy in memory serves.
  }
}

/** Text kept in the browser; in memory where storage is blocked, so that the chat works there for as long as the page lives. */
type Area = "localStorage" | "sessionStorage";

const memory = new Map<string, string>();

export function recall(key: string, area: Area = "localStorage"): string | null {
  try {
    return window[area].getItem(key) ?? memory.get(key) ?? null;
  } catch {
    return memory.get(key) ?? null;
  }
}

export function remember(key: string, value: string | null, area: Area = "localStorage"): void {
  if (value === null) memory.delete(key);
  else memory.set(key, value);
  try {
    if (value === null) window[area].removeItem(key);
    else window[area].setItem(key, value);
  } catch {
    // Blocked or full: the copy in memory serves.
  }
}

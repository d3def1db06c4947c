/** The visitor's token lives on the host page's origin (a frame's storage is partitioned); in memory where storage is blocked. */
const memory = new Map<string, string>();

const key = (channel: string): string => `omnisupport:${channel}`;

export function recall(channel: string): string | null {
  try {
    return localStorage.getItem(key(channel)) ?? memory.get(channel) ?? null;
  } catch {
    return memory.get(channel) ?? null;
  }
}

export function remember(channel: string, token: string | null): void {
  if (token === null) memory.delete(channel);
  else memory.set(channel, token);
  try {
    if (token === null) localStorage.removeItem(key(channel));
    else localStorage.setItem(key(channel), token);
  } catch {
    // Storage is blocked: the session lasts as long as the page.
  }
}

// Modules that most pages never need come when they are asked for; their addresses stand at the page's main part.
import { inbox } from "./parts";

const loaded = new Map<string, Promise<unknown>>();

export function lazily<T>(name: "menus" | "palette" | "keymap"): Promise<T> {
  const module = loaded.get(name) ?? import(/* @vite-ignore */ inbox().dataset[name]!);
  loaded.set(name, module);
  // Without a network it is asked for again the next time.
  module.catch(() => loaded.delete(name));
  return module as Promise<T>;
}

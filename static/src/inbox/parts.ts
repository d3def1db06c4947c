// Shapes and words that the server has put into the page for scripts (templates/inbox/_script_parts.html).

export function clonePart<T extends HTMLElement>(name: string): T {
  const part = document.querySelector<HTMLTemplateElement>(`#part-${name}`)!;
  return part.content.firstElementChild!.cloneNode(true) as T;
}

export function inPart(root: Element, name: string): HTMLElement {
  return root.querySelector<HTMLElement>(`[data-part="${name}"]`)!;
}

export function word(name: string): string {
  return document.getElementById("words")?.dataset[name] ?? "";
}

export function toast(text: string): void {
  const element = clonePart("toast");
  inPart(element, "text").textContent = text;
  inPart(element, "close").addEventListener("click", () => element.remove());
  document.getElementById("toasts")!.append(element);
  setTimeout(() => element.remove(), 12_000);
}

export const inbox = (): HTMLElement => document.querySelector<HTMLElement>(".inbox")!;

/** The conversation on the screen; null when none is open. */
export function openConversation(): { number: string; ticket: string } | null {
  const talk = document.getElementById("talk");
  return talk ? { number: talk.dataset.number!, ticket: talk.dataset.ticket! } : null;
}

/** The query string that keeps the list as it is. */
export const address = (): string => document.getElementById("list")?.dataset.address ?? "";

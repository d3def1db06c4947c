/** `window.OmniSupport` as the loader provides it; every call is safe before the chat is ready. */
export interface OmniSupport {
  boot(options?: { channel?: string; base?: string; language?: "ru" | "en"; theme?: "auto" | "light" | "dark" }): Promise<void>;
  /** The visitor logged out of your site: their conversation is forgotten in this browser. */
  shutdown(): void;
  destroy(): void;
  show(): void;
  hide(): void;
  toggle(): void;
  isOpen(): boolean;
  launcher(visible: boolean): void;
  prefill(text: string): void;
  send(text: string): void;
  ask(text: string): void;
  locale(language: "ru" | "en"): void;
  theme(theme: "auto" | "light" | "dark"): void;
  colour(hex: string): void;
  page(page: { url: string; title: string }): void;
  on(event: "ready" | "open" | "close" | "unread" | "message" | "error", listener: (detail?: unknown) => void): () => void;
}

/** Puts the loader into the page once and resolves when `window.OmniSupport` is there. */
export function load(options: { origin: string; channel: string; language?: "ru" | "en"; theme?: "auto" | "light" | "dark" }): Promise<OmniSupport>;

export type Language = "ru" | "en";
export type Theme = "auto" | "light" | "dark";

export interface BootOptions {
  /** The channel's id; by default the `data-channel` of the script. */
  channel?: string;
  /** Where the workspace is, when not where the script came from: `https://shop.example-desk.com`. */
  base?: string;
  language?: Language;
  theme?: Theme;
}

export interface Events {
  /** The launcher is on the page. */
  ready: undefined;
  open: undefined;
  close: undefined;
  /** How many messages the visitor has not seen. */
  unread: number;
  /** Somebody answered. */
  message: { author: "agent" | "assistant" | "system"; text: string };
  /** The visitor's message has reached the workspace. */
  sent: { text: string };
  /** The visitor asked for a person. */
  handoff: undefined;
  /** The connection was lost (`true`) or is back. */
  offline: boolean;
  /** What became of `identify`. After "expired" the visitor is unknown again until you sign anew. */
  identity: { state: "accepted" | "refused" | "expired"; reason?: string };
  /** What could not be done, in a word or sentence; the page goes on without the chat. */
  error: string;
}

/** `window.OmniSupport`. Every call is safe at any time: what comes before the chat is ready waits, and nothing throws. */
export interface OmniSupport {
  boot(options?: BootOptions): void;
  /** The visitor has logged out of your site: this browser forgets who they were. */
  shutdown(): void;
  /** Takes the chat out of the page; `boot` brings it back. */
  destroy(): void;
  show(): void;
  hide(): void;
  toggle(): void;
  isOpen(): boolean;
  /** Hides or shows the round button; the window opens by `show` all the same. */
  launcher(visible: boolean): void;
  /** Opens the window with a text for the visitor to finish. */
  prefill(text: string): void;
  /** Sends in the visitor's name without opening the window. */
  send(text: string): void;
  /** Opens the window and sends the question. */
  ask(question: string): void;
  locale(code: Language): void;
  theme(name: Theme): void;
  /** The accent, as `#1f5fd6`; the ink on it is chosen for contrast. */
  colour(hex: string): void;
  /** What you know of the visitor; agents see it beside the conversation after the visitor's next message. At most 30, 10 kB together. */
  attributes(values: Record<string, string | number | boolean | null>): void;
  /** Who the visitor is: a JWT signed by your server with the channel's secret. */
  identify(token: string): void;
  /** Where the visitor is, for pages whose address says little. Ordinary navigation is followed by itself. */
  page(page: { url: string; title: string }): void;
  /** Returns the function that ends the subscription. */
  on<Name extends keyof Events>(event: Name, listener: (detail: Events[Name]) => void): () => void;
  /** Calls by name, the same way as before the script has come. */
  push(...calls: QueuedCall[]): void;
}

/** `window.OmniSupport = window.OmniSupport || []; OmniSupport.push(["prefill", "Where is my order?"])` */
export type QueuedCall = { [Name in keyof OmniSupport]: [Name, ...Parameters<OmniSupport[Name]>] }[Exclude<keyof OmniSupport, "push">];

export interface LoadOptions {
  /** The workspace's address: `https://shop.example-desk.com`. */
  origin: string;
  channel: string;
  language?: Language;
  theme?: Theme;
}

/** Puts the loader into the page once; resolves with `window.OmniSupport`, rejects when the script cannot be loaded. */
export function load(options: LoadOptions): Promise<OmniSupport>;

declare global {
  interface Window { OmniSupport?: OmniSupport | QueuedCall[] }
}

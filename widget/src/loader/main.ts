/** The script on the customer's page: a launcher button, a lazy frame, and `window.OmniSupport`. Nothing of ours runs inline,
 * no cookie is set, and whatever fails here fails silently: the host page owes us nothing. */
import type { Config, ToApp, ToLoader } from "../protocol";
import { HELLO, UP } from "../protocol";
import { Launcher } from "./launcher";
import { remember, recall } from "./storage";

declare const __API_URL__: string;
declare const __WIDGET_URL__: string;

type Listener = (detail?: unknown) => void;
type Call = [method: string, ...args: unknown[]];

const script = document.currentScript as HTMLScriptElement | null;

class Widget {
  private launcher: Launcher | null = null;
  private frame: HTMLIFrameElement | null = null;
  private port: MessagePort | null = null;
  private waiting: ToApp[] = [];
  private listeners = new Map<string, Set<Listener>>();
  private opened = false;
  private unread = 0;
  private channel = "";
  private base = "";
  private config: Config | null = null;
  private look: { language?: string; theme?: string; accent?: string } = {};

  async boot(options: { channel?: string; base?: string; language?: string; theme?: string } = {}): Promise<void> {
    if (this.channel) return;
    this.channel = options.channel ?? script?.dataset["channel"] ?? "";
    const origin = __API_URL__ || (script?.src ? new URL(script.src).origin : location.origin);
    this.base = options.base ?? (__WIDGET_URL__ || origin);
    const { language, theme } = { ...script?.dataset, ...options };
    this.look = { ...(language ? { language } : {}), ...(theme ? { theme } : {}) };
    if (!this.channel) return;
    try {
      const answer = await fetch(`${this.base}/widget/${this.channel}/config/`, { credentials: "omit" });
      if (!answer.ok) return this.forget();
      this.config = (await answer.json()) as Config;
    } catch {
      return this.forget();
    }
    this.launcher = new Launcher(this.config, this.language(), () => this.toggle());
    addEventListener("message", this.onWindowMessage);
    this.followPage();
    this.emit("ready");
    // A visitor who has talked to us before learns of new answers without opening the window.
    if (recall(this.channel)) (window.requestIdleCallback ?? setTimeout)(() => this.mount());
  }

  show(): void { this.setOpen(true); }
  hide(): void { this.setOpen(false); }
  toggle(): void { this.setOpen(!this.opened); }
  isOpen(): boolean { return this.opened; }
  launcherVisible(visible: boolean): void { this.launcher?.show(visible); }
  prefill(text: string): void { this.setOpen(true); this.post({ type: "prefill", text: String(text) }); }
  send(text: string): void { this.post({ type: "send", text: String(text) }); }
  ask(text: string): void { this.setOpen(true); this.send(text); }
  locale(language: string): void { this.restyle({ language: String(language) }); }
  theme(theme: string): void { this.restyle({ theme: String(theme) }); }
  colour(accent: string): void { this.restyle({ accent: String(accent) }); this.launcher?.colour(String(accent)); }
  page(page: { url: string; title: string }): void { this.post({ type: "page", url: String(page.url), title: String(page.title) }); }

  on(name: string, listener: Listener): () => void {
    const set = this.listeners.get(name) ?? new Set<Listener>();
    this.listeners.set(name, set.add(listener));
    return () => set.delete(listener);
  }

  /** The visitor logged out of the customer's site: forget who they were. */
  shutdown(): void {
    remember(this.channel, null);
    this.unmount();
    this.setUnread(0);
  }

  destroy(): void {
    this.unmount();
    this.launcher?.remove();
    this.launcher = null;
    removeEventListener("message", this.onWindowMessage);
  }

  private forget(): void { this.channel = ""; this.emit("error"); }

  private language(): string {
    return this.look.language || (document.documentElement.lang || navigator.language || "").slice(0, 2) || this.config?.language || "ru";
  }

  private isMobile(): boolean {
    // A host page without a viewport meta reports 980 px on a phone.
    return Math.min(innerWidth, screen.width) <= 480 || (matchMedia("(pointer: coarse)").matches && screen.width <= 600);
  }

  private restyle(look: { language?: string; theme?: string; accent?: string }): void {
    this.look = { ...this.look, ...look };
    this.post({ type: "look", ...look });
  }

  private setOpen(open: boolean): void {
    if (!this.launcher || open === this.opened) return;
    this.opened = open;
    if (open) this.mount();
    this.launcher.setOpen(open, this.isMobile());
    this.post({ type: "open", open, mobile: this.isMobile() });
    if (open) this.frame?.focus();
    else this.launcher.focus();
    this.emit(open ? "open" : "close");
  }

  private mount(): void {
    if (this.frame || !this.launcher) return;
    this.frame = document.createElement("iframe");
    this.frame.title = this.language() === "ru" ? "Чат с поддержкой" : "Support chat";
    this.frame.allow = "clipboard-write";
    this.frame.src = `${this.base}/widget/${this.channel}/`;
    this.launcher.hold(this.frame);
  }

  private unmount(): void {
    this.setOpen(false);
    this.port?.close();
    this.port = null;
    this.frame?.remove();
    this.frame = null;
  }

  /** The frame speaks first ("up"): a greeting sent on its load event could come before anybody listens. */
  private onWindowMessage = (event: MessageEvent): void => {
    const origin = new URL(this.base, location.href).origin;
    if (!this.frame || event.source !== this.frame.contentWindow || event.origin !== origin || event.data !== UP) return;
    const pipe = new MessageChannel();
    this.port = pipe.port1;
    this.port.onmessage = (message: MessageEvent<ToLoader>) => this.onApp(message.data);
    this.frame.contentWindow?.postMessage(HELLO, origin, [pipe.port2]);
    this.port.postMessage({
      type: "boot", token: recall(this.channel), language: this.language(), theme: this.look.theme ?? "auto",
      accent: this.look.accent ?? null, open: this.opened, mobile: this.isMobile(),
    } satisfies ToApp);
    for (const message of this.waiting.splice(0)) this.port.postMessage(message);
  };

  private post(message: ToApp): void {
    if (this.port) this.port.postMessage(message);
    else if (message.type === "send" || message.type === "prefill") { this.waiting.push(message); this.mount(); }
  }

  private onApp(message: ToLoader): void {
    switch (message?.type) {
      case "token": return remember(this.channel, message.token);
      case "unread": return this.setUnread(message.count);
      case "close": return this.hide();
      case "event": return this.emit(message.name, message.detail);
    }
  }

  private setUnread(count: number): void {
    if (count === this.unread) return;
    this.unread = count;
    this.launcher?.badge(count);
    this.emit("unread", count);
  }

  private emit(name: string, detail?: unknown): void {
    for (const listener of this.listeners.get(name) ?? []) {
      try { listener(detail); } catch (error) { setTimeout(() => { throw error; }); }
    }
  }

  private followPage(): void {
    let last = location.href;
    const tell = (): void => {
      if (location.href === last) return;
      last = location.href;
      this.post({ type: "page", url: location.href, title: document.title });
    };
    addEventListener("popstate", tell);
    (window as { navigation?: EventTarget }).navigation?.addEventListener("navigatesuccess", tell);
  }
}

const widget = new Widget();
const METHODS = [
  "boot", "shutdown", "destroy", "show", "hide", "toggle", "isOpen", "prefill", "send", "ask", "locale", "theme", "colour", "page", "on",
] as const;

const queued = (window as { OmniSupport?: { q?: Call[] } }).OmniSupport?.q ?? [];
const api: Record<string, unknown> = { launcher: (visible: boolean) => widget.launcherVisible(visible) };
for (const name of METHODS) {
  api[name] = (...args: unknown[]) => {
    try {
      return (widget[name] as (...args: unknown[]) => unknown).apply(widget, args);
    } catch {
      return undefined; // never into the host page
    }
  };
}
(window as { OmniSupport?: unknown }).OmniSupport = api;
const start = (): void => {
  void widget.boot().then(() => {
    for (const [name, ...args] of queued) (api[name] as ((...args: unknown[]) => void) | undefined)?.(...args);
  });
};
if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
else start();

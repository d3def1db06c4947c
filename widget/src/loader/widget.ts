/** The chat on a customer's page: launcher, lazy frame, and what `window.OmniSupport` does. */
import { languageOf, type Language } from "../language";
import type { Boot, Config, Context, Look, Theme, ToLoader } from "../protocol";
import { forgetAll, recall, recallAll, remember } from "../storage";
import { Frame } from "./frame";
import { Launcher } from "./launcher";
import { followPage } from "./page";
import { frameTitle } from "./texts";

export type Listener = (detail?: unknown) => void;
export interface Options { channel?: string; base?: string; language?: string; theme?: Theme }

const NARROW = 560;

export class Widget {
  #channel = "";
  #base = "";
  #config: Config | null = null;
  #launcher: Launcher | null = null;
  #frame: Frame | null = null;
  #look: Look = {};
  #context: Context = { page: { url: location.href, title: document.title }, attributes: {} };
  #listeners = new Map<string, Set<Listener>>();
  #later: (() => void)[] | null = null; // calls made while the configuration is on its way
  #identity: string | null = null;
  #opened = false;
  #unread = 0;
  #leavePage: (() => void) | null = null;

  /** `origin`: where the loader script came from. Without a configuration there is no launcher, and nothing is thrown. */
  async boot(options: Options, origin: string): Promise<void> {
    if (this.#channel || !options.channel) return;
    this.#channel = options.channel;
    this.#look = { ...this.#look, ...(options.language && { language: options.language }), ...(options.theme && { theme: options.theme }) };
    const api = options.base ?? (import.meta.env.VITE_API_URL || origin);
    this.#base = options.base ?? (import.meta.env.VITE_WIDGET_URL || api);
    this.#later = [];
    try {
      const answer = await fetch(new URL(`/widget/${this.#channel}/config/`, api), { credentials: "omit" });
      if (!answer.ok) throw new Error(`${answer.status}`);
      this.#appear((await answer.json()) as Config);
    } catch {
      this.#channel = "";
      this.#later = null;
      this.#emit("error", "config");
    }
  }

  show(): void { this.#ready(() => this.#setOpen(true)); }
  hide(): void { this.#ready(() => this.#setOpen(false)); }
  toggle(): void { this.#ready(() => this.#setOpen(!this.#opened)); }
  isOpen(): boolean { return this.#opened; }
  launch(visible: boolean): void { this.#ready(() => this.#launcher?.show(visible)); }

  prefill(text: string): void {
    this.#ready(() => { this.#setOpen(true); this.#frame?.post({ type: "prefill", text }); });
  }
  send(text: string): void {
    this.#ready(() => { this.#mount(); this.#frame?.post({ type: "send", text }); });
  }
  ask(text: string): void { this.show(); this.send(text); }

  restyle(look: Look): void {
    this.#look = { ...this.#look, ...look };
    if (look.language) this.#launcher?.speak(this.#language());
    if (look.theme) this.#launcher?.theme(look.theme);
    if (look.accent) this.#launcher?.colour(look.accent);
    this.#frame?.post({ type: "look", look });
  }

  describe(context: Partial<Context>): void {
    this.#context = { ...this.#context, ...context, attributes: { ...this.#context.attributes, ...context.attributes } };
    this.#frame?.post({ type: "context", context: this.#context });
  }

  /** Told to the server at once, for the signature lasts minutes; a frame that is not there yet comes when the page is idle. */
  identify(token: string): void {
    this.#identity = token;
    if (this.#frame) this.#frame.post({ type: "identify", token });
    else this.#ready(() => this.#mountIdle());
  }

  on(name: string, listener: Listener): () => void {
    const listening = this.#listeners.get(name) ?? new Set<Listener>();
    this.#listeners.set(name, listening.add(listener));
    return () => listening.delete(listener);
  }

  /** The visitor has logged out of the customer's site: forget who they were. */
  shutdown(): void {
    forgetAll(this.#key());
    this.#context.attributes = {};
    this.#identity = null;
    this.#unmount();
    this.#setUnread(0);
  }

  destroy(): void {
    this.#unmount();
    this.#launcher?.remove();
    this.#launcher = null;
    this.#leavePage?.();
    this.#channel = "";
    this.#later = null;
  }

  #appear(config: Config): void {
    if (!this.#channel) return; // destroyed meanwhile
    this.#config = config;
    this.#launcher = new Launcher(config, this.#language(), () => this.toggle());
    this.#launcher.theme(this.#look.theme ?? "auto");
    if (this.#look.accent) this.#launcher.colour(this.#look.accent);
    this.#leavePage = followPage(() => this.describe({ page: { url: location.href, title: document.title } }));
    const waiting = this.#later ?? [];
    this.#later = null;
    this.#emit("ready");
    for (const call of waiting) call();
    // A visitor who has talked to us before learns of new answers without opening the window.
    if (recall(this.#key(), "token")) this.#mountIdle();
  }

  #mountIdle(): void { (window.requestIdleCallback ?? setTimeout)(() => this.#mount()); }

  #ready(call: () => void): void {
    if (this.#later) this.#later.push(call);
    else if (this.#launcher) call();
  }

  #key(): string { return `omnisupport:${this.#channel}`; }

  #language(): Language {
    const page = document.documentElement.lang.slice(0, 2).toLowerCase();
    const known = page === "ru" || page === "en" ? page : "";
    return languageOf(this.#look.language || known || this.#config?.language || navigator.language);
  }

  #isMobile(): boolean {
    // A page without a viewport meta reports 980 px on a phone: ask the screen too.
    return Math.min(innerWidth, screen.width) <= NARROW;
  }

  #setOpen(open: boolean): void {
    if (!this.#launcher || open === this.#opened) return;
    this.#opened = open;
    if (open) this.#mount();
    this.#showState();
    if (open) this.#frame?.element.focus();
    else this.#launcher.takeFocus();
    (open ? addEventListener : removeEventListener)("resize", this.#showState);
    this.#emit(open ? "open" : "close");
  }

  #showState = (): void => {
    const mobile = this.#isMobile();
    this.#launcher?.setOpen(this.#opened, mobile);
    this.#frame?.post({ type: "open", open: this.#opened, mobile });
  };

  #mount(): void {
    if (this.#frame || !this.#launcher) return;
    const url = new URL(`/widget/${this.#channel}/`, this.#base).href;
    this.#frame = new Frame(url, frameTitle(this.#language()), () => this.#greeting(), (message) => this.#onApp(message));
    this.#launcher.hold(this.#frame.element);
  }

  #greeting(): Boot {
    return {
      type: "boot", identity: this.#identity, kept: recallAll(this.#key()), config: this.#config, look: { ...this.#look, language: this.#language() }, context: this.#context,
      open: this.#opened, mobile: this.#isMobile(),
    };
  }

  #unmount(): void {
    this.#setOpen(false);
    this.#frame?.remove();
    this.#frame = null;
  }

  #onApp(message: ToLoader): void {
    switch (message?.type) {
      case "keep": return remember(this.#key(), message.name, message.value);
      case "unread": return this.#setUnread(message.count);
      case "close": return this.#setOpen(false);
      case "event": return this.#emit(message.name, message.detail);
    }
  }

  #setUnread(count: number): void {
    if (count === this.#unread) return;
    this.#unread = count;
    this.#launcher?.badge(count);
    this.#emit("unread", count);
  }

  #emit(name: string, detail?: unknown): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try { listener(detail); } catch (error) { reportError(error); } // their mistake is theirs to see, and stops nothing of ours
    }
  }
}

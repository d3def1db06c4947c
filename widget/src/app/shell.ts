/** The chat's state around the conversation: what the host page asked for, what is said aloud, and the client. */
import { languageOf, type Language } from "../language";
import type { Boot, Config, Kept, Look, Message, ToApp, ToLoader } from "../protocol";
import { remember } from "../storage";
import { Client } from "./client";
import { dress } from "./look";
import { plain } from "./markdown";
import { beep } from "./sound";
import { files, say, type Key } from "./texts";

const SAID_LASTS = 3000;

export class Shell {
  readonly client: Client;
  language: Language;
  config: Config | null;
  open: boolean;
  mobile: boolean;
  sound: boolean;
  /** The words for screen readers: final messages only, as plain text. */
  said = "";
  /** A text that the host page put into the composer; a new object each time. */
  prefill: { text: string } | null = null;
  private redraw: () => void = () => undefined;
  private unread = 0;
  private offline = false;
  private saidTimer = 0;
  private look: Look;

  /** `port` is null when the page was opened by itself, outside a frame. */
  constructor(private base: string, boot: Boot, private port: MessagePort | null) {
    this.look = boot.look;
    this.language = languageOf(boot.look.language ?? "");
    this.config = boot.config;
    this.open = boot.open;
    this.mobile = boot.mobile;
    this.sound = boot.kept.sound === "on";
    this.client = new Client(base, () => this.language, {
      changed: () => this.changed(),
      heard: (message) => this.heard(message),
      sent: (message) => this.event("sent", { text: message.text }),
      identity: (state, reason) => this.event("identity", { state, reason }),
      keep: (name, value) => this.keep(name, value),
    });
    this.client.context = port ? boot.context : null;
    this.dress();
    document.documentElement.lang = this.language;
    document.addEventListener("visibilitychange", this.see);
    addEventListener("focus", this.see);
    if (port) port.onmessage = (event: MessageEvent<ToApp>) => this.obey(event.data);
    if (boot.identity) this.client.identify(boot.identity);
    void this.client.start(boot.kept.token, boot.kept.outbox);
    if (!this.config) void this.askConfig();
    this.see();
  }

  get alone(): boolean { return this.port === null; }
  t = (key: Key): string => say(this.language, key);
  watch(redraw: () => void): void { this.redraw = redraw; }
  close(): void { this.tell({ type: "close" }); }

  callPerson(): void {
    this.client.callPerson();
    this.event("handoff");
  }

  toggleSound(): void {
    this.sound = !this.sound;
    this.keep("sound", this.sound ? "on" : null);
    if (this.sound) beep();
    this.redraw();
  }

  announce(text: string): void {
    this.said = text;
    clearTimeout(this.saidTimer);
    // Emptied again: the same words a second time are news too.
    this.saidTimer = window.setTimeout(() => { this.said = ""; this.redraw(); }, SAID_LASTS);
    this.redraw();
  }

  private obey(message: ToApp): void {
    switch (message?.type) {
      case "open":
        this.open = message.open;
        this.mobile = message.mobile;
        this.see();
        break;
      case "prefill": this.prefill = { text: message.text }; break;
      case "send": this.client.say(message.text); break;
      case "identify": this.client.identify(message.token); break;
      case "context": this.client.goTo(message.context); break;
      case "look":
        this.look = { ...this.look, ...message.look };
        if (message.look.language) this.language = document.documentElement.lang = languageOf(message.look.language);
        this.dress();
    }
    this.redraw();
  }

  private see = (): void => this.client.look(this.open && document.visibilityState === "visible");

  private dress(): void { dress(this.look.theme, this.look.accent ?? this.config?.accent); }

  private async askConfig(): Promise<void> {
    try {
      const answer = await fetch(`${this.base}config/`, { credentials: "omit" });
      if (!answer.ok) return;
      this.config = (await answer.json()) as Config;
      this.dress();
      this.redraw();
    } catch {
      // The chat works without a name and a greeting.
    }
  }

  private heard(message: Message): void {
    const { attachments, author, text } = message;
    const words = plain(text) || files(this.language, attachments.length);
    this.announce(`${this.t("newMessage")}: ${words}`);
    if (this.sound && author !== "system") beep();
    this.event("message", { author, text });
  }

  private changed(): void {
    const { store, offline } = this.client;
    if (store.unread !== this.unread) this.tell({ type: "unread", count: (this.unread = store.unread) });
    if (offline !== this.offline) {
      this.offline = offline;
      this.event("offline", offline);
      this.announce(this.t(offline ? "offline" : "online"));
    }
    this.redraw();
  }

  private keep(name: keyof Kept, value: string | null): void {
    if (this.port) this.tell({ type: "keep", name, value });
    else remember(this.base, name, value);
  }

  private event(name: Extract<ToLoader, { type: "event" }>["name"], detail?: unknown): void {
    this.tell({ type: "event", name, detail });
  }

  private tell(message: ToLoader): void { this.port?.postMessage(message); }
}

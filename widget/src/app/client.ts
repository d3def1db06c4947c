/** What the chat does: talks to the server, keeps the store, tells the view when something changed. */
import type { Attachment, Context, Frame, Kept, Message, Session, Way } from "../protocol";
import { newId } from "../id";
import { Api, Refused, type Upload } from "./api";
import { Socket, pause } from "./socket";
import { Store, type Outgoing } from "./store";

const TYPING_EVERY = 3000;
const TYPING_LASTS = 6000;
const TYPING_STOPS = 4000;
const POLL_OPEN = 5000;
const POLL_CLOSED = 30_000;
const LINKS_LAST = 8 * 60_000; // links to files are good for ten minutes
const ASK_EVERY = 60_000;
const DRAFT_LASTS = 60_000;

/** What the client tells its owner. */
export interface Ears {
  changed(): void;
  /** Somebody answered. */
  heard(message: Message): void;
  /** The server has the visitor's message. */
  sent(message: Message): void;
  /** Whether the company's word on who the visitor is was taken; "expired": of the one taken before nothing is left. */
  identity(state: "accepted" | "refused" | "expired", reason?: string): void;
  /** To be there again on the visitor's next page. */
  keep(name: keyof Kept, value: string | null): void;
}

export class Client {
  readonly store = new Store();
  readonly api: Api;
  ready = false;
  offline = false;
  /** The server's sentence about the last thing that it refused. */
  problem = "";
  person: "no" | "asking" | "asked" = "no";
  context: Context | null = null;
  /** A signed word that the server has not heard yet. */
  private claim: string | null = null;
  private named = false;
  private turn = 0;
  private visitor = "";
  private socket: Socket | null = null;
  private flushing = false;
  private failures = 0;
  private visible = false;
  private readUpTo = "0";
  private typedAt = 0;
  private loadedAt = 0;
  private saved: string | null = null; // the outbox as it was kept last
  private timers: Record<string, number> = {};

  constructor(base: string, language: () => string, private ears: Ears) {
    this.api = new Api(base, language);
  }

  /** Opens the session of the token, or a new one, and keeps trying until the server answers. `outbox` is as it was kept. */
  async start(token: string | null, outbox: string | null = null): Promise<void> {
    const { claim } = this;
    const turn = ++this.turn;
    this.api.token = token;
    this.saved = outbox;
    try {
      const session = await this.api.call<Session>("POST", "session/", claim ? { identity: claim } : {});
      if (turn !== this.turn) return; // somebody was named meanwhile
      this.api.token = session.token;
      if (session.messages.length || claim) this.ears.keep("token", session.token);
      if (claim) this.heardOf("accepted");
      this.begin(session);
      this.tellPage();
    } catch (error) {
      if (turn !== this.turn) return;
      // The token is spent or of another workspace: begin anew rather than show an error.
      if (error instanceof Refused && error.status === 401 && token) {
        this.ears.keep("token", null);
        if (this.named && !claim) this.heardOf("expired");
        return this.start(null, this.saved);
      }
      // The site's mistake, which the visitor cannot mend: they may write as before.
      if (error instanceof Refused && error.status === 400 && claim) {
        this.heardOf("refused", error.message);
        return this.start(token, this.saved);
      }
      this.stumble(error);
      this.after("start", this.wait(error), () => void this.start(token, this.saved));
    }
    this.changed();
  }

  /** The company's server has named the visitor. */
  identify(claim: string): void {
    this.claim = claim;
    if (this.turn) void this.start(this.api.token, this.saved);
  }

  private heardOf(state: "accepted" | "refused" | "expired", reason?: string): void {
    this.claim = null;
    this.named = state === "accepted";
    this.ears.identity(state, reason);
  }

  say(text: string, files: Attachment[] = []): void {
    const body = text.trim();
    if (!body && !files.length) return;
    this.problem = "";
    this.store.compose({ client_id: newId(), text: body, at: new Date().toISOString(), files });
    // From now on there is something to lose: the visitor must be found again on the next page.
    if (this.api.token) this.ears.keep("token", this.api.token);
    this.hush();
    void this.flush();
  }

  retry(clientId: string): void {
    this.store.again(clientId);
    void this.flush();
  }

  callPerson(): void {
    if (this.person !== "no") return;
    this.person = "asking";
    if (this.api.token) this.ears.keep("token", this.api.token);
    void this.flush();
  }

  /** Messengers that can take the conversation over; none is no trouble. */
  async elsewhere(): Promise<Way[]> {
    return this.api.call<{ ways: Way[] }>("GET", "elsewhere/").then((answer) => answer.ways ?? [], () => []);
  }

  upload(file: File, progress: (share: number) => void): Upload { return this.api.upload(file, progress); }

  /** Sends the outbox in order; a message leaves it only when the server has answered with it. */
  async flush(): Promise<void> {
    this.changed();
    if (this.flushing || !this.ready) return;
    this.flushing = true;
    clearTimeout(this.timers["flush"]);
    try {
      while (await this.sendNext()) this.changed();
    } finally {
      this.flushing = false;
      this.changed();
    }
  }

  /** The visitor is writing: told at most every three seconds, and taken back after a pause. */
  typing(): void {
    this.after("typing", TYPING_STOPS, () => this.hush());
    if (Date.now() - this.typedAt < TYPING_EVERY) return;
    if (this.socket?.send({ type: "typing", on: true })) this.typedAt = Date.now();
  }

  /** Another page, or another word of the site on its visitor. Agents see the pages of those who have written. */
  goTo(context: Context): void {
    const moved = context.page.url !== this.context?.page.url || context.page.title !== this.context.page.title;
    this.context = context;
    if (moved) this.tellPage();
  }

  private tellPage(): void {
    if (this.ready && this.context && this.store.lastId !== "0") void this.api.call("POST", "page/", this.context.page).catch(() => undefined);
  }

  /** Whether the visitor sees the conversation: then everything in it counts as read. */
  look(visible: boolean): void {
    this.visible = visible;
    const unread = this.store.unread;
    this.store.look(visible);
    const last = this.store.lastId;
    if (visible && this.ready && BigInt(last) > BigInt(this.readUpTo)) {
      this.readUpTo = last;
      void this.api.call("POST", "read/", { last }).catch(() => { this.readUpTo = "0"; });
    }
    if (visible) this.freshenLinks();
    if (unread !== this.store.unread) this.changed();
  }

  dismiss(): void {
    this.problem = "";
    this.changed();
  }

  stop(): void {
    this.socket?.stop();
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
  }

  private begin(session: Session): void {
    this.offline = false;
    if (this.visitor !== session.visitor) this.person = "no";
    this.visitor = session.visitor;
    this.loadedAt = Date.now();
    this.store.load(session);
    for (const out of this.stored()) this.store.compose(out);
    this.ready = true;
    this.connect();
    this.look(this.visible);
    void this.flush();
  }

  /** The session has ended under our feet. After a pause, so that a server that is of two minds is not run over. */
  private startAgain(): void {
    this.failures += 1;
    this.after("start", pause(this.failures), () => void this.start(this.api.token, this.saved));
  }

  private connect(): void {
    this.socket?.stop();
    const url = new URL("/ws/widget/", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.socket = new Socket(url.href, this.api.token ?? "", {
      onFrame: (frame) => this.take(frame),
      onOpen: () => {
        clearTimeout(this.timers["poll"]);
        this.offline = false;
        this.askSince();
        void this.flush();
      },
      onLost: () => {
        this.store.interrupt();
        void this.poll();
      },
    });
  }

  /** What happened while we were away comes from the ledger, never from luck; now and then for what was lost without a sign. */
  private askSince(): void {
    this.socket?.send({ type: "since", seq: String(this.store.seq) });
    this.after("since", ASK_EVERY, () => this.askSince());
  }

  private take(frame: Frame): void {
    switch (frame.type) {
      case "message":
        this.arrive(frame.message, frame.seq);
        break;
      case "typing":
        this.store.typing = frame.on ? { who: frame.who, until: Date.now() + TYPING_LASTS, assistant: frame.author === "assistant" } : null;
        this.after("theirs", TYPING_LASTS, () => { this.store.typing = null; this.changed(); });
        break;
      case "delta":
        this.store.stream(frame.id, frame.text, frame.replace ?? false);
        this.after("draft", DRAFT_LASTS, () => { this.store.draft = null; this.changed(); });
        break;
      case "resync":
        return void this.reload();
      default:
        return;
    }
    this.changed();
  }

  private arrive(message: Message, seq?: string): void {
    const fresh = this.store.receive(message, seq);
    if (message.author === "visitor") return;
    if (message.author === "assistant") this.person = "no";
    if (fresh) this.ears.heard(message);
    this.look(this.visible);
  }

  /** While there is no socket (a proxy may forbid it for good): ask by ordinary requests, which also tells whether we are offline. */
  private async poll(): Promise<void> {
    const reached = await this.catchUp();
    if (!this.socket || this.socket.isOpen) return;
    if (this.offline === reached) {
      this.offline = !reached;
      this.changed();
    }
    if (reached) void this.flush();
    this.after("poll", this.visible ? POLL_OPEN : POLL_CLOSED, () => void this.poll());
  }

  private async catchUp(after = this.store.lastId): Promise<boolean> {
    try {
      const { messages } = await this.api.call<{ messages: Message[] }>("GET", `messages/?after=${after}`);
      for (const message of messages) this.arrive(message);
      this.changed();
      return true;
    } catch (error) {
      if (error instanceof Refused && error.status === 401) this.startAgain();
      return error instanceof Refused;
    }
  }

  private async reload(): Promise<void> {
    try {
      this.store.load(await this.api.call<Session>("POST", "session/", {}));
      this.loadedAt = Date.now();
      this.changed();
    } catch {
      this.socket?.renew(); // asks again from where we stand
    }
  }

  /** A link that has grown old would open an error page. */
  private freshenLinks(): void {
    clearTimeout(this.timers["links"]);
    const first = this.store.messages.find((m) => m.id && m.attachments.length > 0);
    if (!this.ready || !first) return;
    const left = this.loadedAt + LINKS_LAST - Date.now();
    this.after("links", Math.max(left, 0), () => {
      if (!this.visible) return;
      this.loadedAt = Date.now();
      void this.catchUp(String(BigInt(first.id) - 1n));
      this.freshenLinks();
    });
  }

  /** Sends the oldest of the outbox, then the call for a person. False when there is nothing to do now. */
  private async sendNext(): Promise<boolean> {
    const out = this.store.outbox[0];
    if (!out && this.person !== "asking") return false;
    try {
      if (out) await this.sendMessage(out);
      else {
        this.arrive(await this.api.call<Message>("POST", "handoff/", {}));
        this.person = "asked";
      }
      this.failures = 0;
      this.offline = false;
      return true;
    } catch (error) {
      return this.refused(error, out);
    }
  }

  private async sendMessage(out: Outgoing): Promise<void> {
    const { client_id, text, files } = out;
    const body = { client_id, text, attachments: files.map((file) => file.id), ...this.context };
    const message = await this.api.call<Message>("POST", "messages/", body);
    this.store.receive(message);
    this.ears.sent(message);
  }

  /** Returns whether the next of the outbox may go. */
  private refused(error: unknown, out: Outgoing | undefined): boolean {
    if (error instanceof Refused && error.status === 401) {
      this.startAgain();
      return false;
    }
    this.stumble(error);
    if (error instanceof Refused && error.final) {
      if (out) this.store.fail(out.client_id);
      else this.person = "no";
      return true;
    }
    this.after("flush", this.wait(error), () => void this.flush());
    return false;
  }

  private stumble(error: unknown): void {
    this.failures += 1;
    if (!(error instanceof Refused)) this.offline = true;
    else if (error.final) this.problem = error.message || "?";
  }

  private wait(error: unknown): number {
    return error instanceof Refused && error.retryAfter ? error.retryAfter * 1000 : pause(this.failures);
  }

  private hush(): void {
    clearTimeout(this.timers["typing"]);
    if (this.typedAt) this.socket?.send({ type: "typing", on: false });
    this.typedAt = 0;
  }

  private after(name: string, ms: number, call: () => void): void {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(call, ms) as unknown as number;
  }

  private changed(): void {
    this.save();
    this.ears.changed();
  }

  /** The outbox survives a click to the shop's next page; it is the visitor's, so a later one in this tab never sends it. */
  private save(): void {
    if (!this.visitor) return;
    const { outbox } = this.store;
    const text = outbox.length ? JSON.stringify({ visitor: this.visitor, outbox }) : null;
    if (text === this.saved) return;
    this.saved = text;
    this.ears.keep("outbox", text);
  }

  private stored(): Outgoing[] {
    try {
      const kept = JSON.parse(this.saved ?? "null") as { visitor: string; outbox: Outgoing[] } | null;
      return kept?.visitor === this.visitor ? kept.outbox : [];
    } catch {
      return [];
    }
  }
}

/** What the chat does: talks to the server, keeps the store, tells the view when something changed. */
import type { Frame, Message } from "../protocol";
import { Socket } from "./socket";
import { Store, type Outgoing } from "./store";

export const MAX_FILE = 20_000_000;

export class Refused extends Error {
  constructor(readonly status: number, message: string) { super(message); }
}

interface Session { token: string; visitor: string; messages: Message[]; seq: string; unread: number }

export class Client {
  readonly store = new Store();
  online = true;
  ready = false;
  problem = "";
  handedOver = false;
  private token: string | null = null;
  private socket: Socket | null = null;
  private flushing = false;
  private typedAt = 0;
  private typingOff = 0;

  constructor(private api: string, private language: () => string, private changed: () => void, private hear: (message: Message) => void,
    private keepToken: (token: string | null) => void) {}

  async start(token: string | null): Promise<void> {
    this.token = token;
    try {
      const session = await this.call<Session>("POST", "session/", {});
      this.problem = "";
      this.token = session.token;
      if (session.messages.length) this.keepToken(session.token);
      this.store.load(session.messages, session.seq, session.unread);
      this.ready = true;
      this.connect();
    } catch (error) {
      if (error instanceof Refused && error.status === 401 && token) {
        // The token is spent or of another workspace: begin anew rather than show an error.
        this.keepToken(null);
        return this.start(null);
      }
      this.problem = error instanceof Refused ? error.message : "offline";
      setTimeout(() => void this.start(this.token), 5000);
    }
    this.changed();
  }

  say(text: string, files: Message["attachments"] = []): void {
    const body = text.trim();
    if (!body && !files.length) return;
    const out: Outgoing = { client_id: crypto.randomUUID(), text: body, attachments: files.map((file) => file.id), files };
    this.store.compose(out, new Date().toISOString());
    this.changed();
    void this.flush();
  }

  retry(clientId: string): void {
    this.store.again(clientId);
    this.changed();
    void this.flush();
  }

  /** Sends the outbox in order; a message leaves it only when the server has answered with it. */
  async flush(): Promise<void> {
    if (this.flushing || !this.ready) return;
    this.flushing = true;
    try {
      while (this.store.outbox.length) {
        const out = this.store.outbox[0]!;
        try {
          const { files: _files, ...body } = out;
          this.store.receive(await this.call<Message>("POST", "messages/", body));
          if (this.token) this.keepToken(this.token);
        } catch (error) {
          if (error instanceof Refused && error.status < 500 && error.status !== 429) {
            this.store.outbox.shift();
            this.store.fail(out.client_id);
            this.problem = error.message;
          } else {
            setTimeout(() => void this.flush(), 3000);
            return;
          }
        }
        this.changed();
      }
    } finally {
      this.flushing = false;
      this.changed();
    }
  }

  async upload(file: File, progress: (share: number) => void): Promise<Message["attachments"][number]> {
    const form = new FormData();
    form.append("file", file);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", `${this.api}attachments/`);
      request.setRequestHeader("Authorization", `Visitor ${this.token}`);
      request.setRequestHeader("Accept-Language", this.language());
      request.upload.onprogress = (event) => progress(event.total ? event.loaded / event.total : 0);
      request.onerror = () => reject(new Refused(0, ""));
      request.onload = () => {
        const body = parseJson(request.responseText) as { error?: { message?: string } } | null;
        if (request.status < 300) resolve({ url: "", ...(body as object) } as Message["attachments"][number]);
        else reject(new Refused(request.status, body?.error?.message ?? ""));
      };
      request.send(form);
    });
  }

  async callPerson(): Promise<void> {
    try {
      this.store.receive(await this.call<Message>("POST", "handoff/", {}));
      if (this.token) this.keepToken(this.token);
      this.handedOver = true;
    } catch (error) {
      this.problem = error instanceof Error ? error.message : "";
    }
    this.changed();
  }

  typing(): void {
    const now = Date.now();
    clearTimeout(this.typingOff);
    this.typingOff = window.setTimeout(() => this.socket?.send({ type: "typing", on: false }), 4000);
    if (now - this.typedAt < 3000) return;
    this.typedAt = now;
    this.socket?.send({ type: "typing", on: true });
  }

  look(visible: boolean): void {
    const unread = this.store.unread;
    this.store.look(visible);
    const last = this.store.lastId;
    if (visible && last && this.ready) void this.call("POST", "read/", { last }).catch(() => undefined);
    if (unread) this.changed();
  }

  stop(): void { this.socket?.stop(); }

  private connect(): void {
    this.socket?.stop();
    const url = new URL("/ws/widget/", location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new Socket(url.href, this.token ?? "", {
      onFrame: (frame) => this.take(frame),
      onOpen: () => {
        this.online = true;
        // What happened while we were away comes from the ledger, never from luck.
        if (this.store.seq > 0n) this.socket?.send({ type: "since", seq: String(this.store.seq) });
        this.changed();
        void this.flush();
      },
      onLost: () => { this.online = false; this.changed(); },
    });
  }

  private take(frame: Frame): void {
    switch (frame.type) {
      case "hello":
        if (BigInt(frame.seq) > this.store.seq) void this.refetch();
        return;
      case "message": {
        const fresh = this.store.receive(frame.message, frame.seq);
        if (fresh && frame.message.author !== "visitor") this.hear(frame.message);
        break;
      }
      case "typing":
        this.store.typing = frame.on ? { who: frame.who, until: Date.now() + 6000, assistant: frame.author === "assistant" } : null;
        setTimeout(this.changed, 6100);
        break;
      case "delta":
        this.store.stream(frame.id, frame.text, frame.replace ?? false);
        break;
      case "resync":
        void this.refetch();
        return;
      default:
        return;
    }
    this.changed();
  }

  async refetch(): Promise<void> {
    try {
      const session = await this.call<Session>("POST", "session/", {});
      this.store.load(session.messages, session.seq, session.unread);
      this.changed();
    } catch {
      // The next reconnect tries again.
    }
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = { "Accept-Language": this.language(), "Content-Type": "application/json" };
    if (this.token) headers["Authorization"] = `Visitor ${this.token}`;
    const answer = await fetch(this.api + path, { method, headers, body: JSON.stringify(body), credentials: "omit" });
    const text = await answer.text();
    const data = parseJson(text) as { error?: { message?: string } } | null;
    if (!answer.ok) throw new Refused(answer.status, data?.error?.message ?? "");
    return data as T;
  }
}

function parseJson(text: string): unknown {
  try { return text ? JSON.parse(text) : null; } catch { return null; }
}

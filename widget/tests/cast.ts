/** What the stories share: messages of Anna the agent, sessions, and a workspace's server in memory. */
import { vi } from "vitest";
import type { Message, Session } from "../src/protocol";

export const message = (id: string, more: Partial<Message> = {}): Message => ({
  id, client_id: `c${id}`, author: "agent", name: "Анна", text: `text ${id}`, at: "2026-11-24T10:00:00Z", state: "sent", edited: false,
  attachments: [], buttons: [], citations: [], ...more,
});

export const session = (messages: Message[], seq: string, unread = 0): Session => ({ token: "t1", visitor: "v1", messages, seq, unread });

/** A socket that the story opens, speaks through and breaks. */
export class FakeSocket {
  static all: FakeSocket[] = [];
  static readonly OPEN = 1;
  readyState = 0;
  sent: { type: string; seq?: string; on?: boolean }[] = [];
  onopen: () => void = () => undefined;
  onmessage: (event: { data: string }) => void = () => undefined;
  onclose: () => void = () => undefined;

  constructor(readonly url: string, readonly protocols: string[]) { FakeSocket.all.push(this); }
  static get last(): FakeSocket { return FakeSocket.all.at(-1)!; }
  send(text: string): void { this.sent.push(JSON.parse(text)); }
  close(): void { this.readyState = 3; }

  open(): void { this.readyState = 1; this.onopen(); }
  say(frame: unknown): void { this.onmessage({ data: JSON.stringify(frame) }); }
  break(): void { this.readyState = 3; this.onclose(); }
}

/** Stores what it is sent, by client id; can be unreachable, lose its answers or refuse. */
export class FakeServer {
  messages: Message[] = [];
  calls: { method: string; path: string; token: string; body: Record<string, unknown> }[] = [];
  token = "t1";
  visitor = "v1";
  reachable = true;
  losesAnswers = false;
  refuseIdentity = "";
  refuse: { status: number; message: string } | null = null;

  posts(path: string): Record<string, unknown>[] {
    return this.calls.filter((call) => call.method === "POST" && call.path === path).map((call) => call.body);
  }

  add(more: Partial<Message>): Message {
    const stored = message(String(this.messages.length + 1), more);
    this.messages.push(stored);
    return stored;
  }

  fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const path = url.replace("https://desk.test/widget/c/", "");
    const token = new Headers(init.headers).get("Authorization")?.replace("Visitor ", "") ?? "";
    const body = init.body ? JSON.parse(String(init.body)) as Record<string, unknown> : {};
    if (!this.reachable) throw new TypeError("network");
    this.calls.push({ method: init.method ?? "GET", path, token, body });
    const answer = this.answer(path, token, body);
    if (this.losesAnswers) throw new TypeError("network");
    return answer;
  };

  private answer(path: string, token: string, body: Record<string, unknown>): Response {
    if (token && token !== this.token) return json(401, { error: { message: "Сеанс устарел." } });
    if (path === "session/" && body["identity"] && this.refuseIdentity) return json(400, { error: { message: this.refuseIdentity } });
    if (path === "session/") return json(200, { ...session(this.messages, String(this.messages.length)), token: this.token, visitor: this.visitor });
    if (this.refuse) return json(this.refuse.status, { error: { message: this.refuse.message } });
    if (path.startsWith("messages/?after=")) {
      const after = BigInt(path.split("=")[1]!);
      return json(200, { messages: this.messages.filter((m) => BigInt(m.id) > after), seq: "9" });
    }
    if (path === "messages/") {
      const known = this.messages.find((m) => m.client_id === body["client_id"]);
      return json(201, known ?? this.add({ client_id: String(body["client_id"]), author: "visitor", text: String(body["text"]) }));
    }
    if (path === "handoff/") return json(201, this.add({ author: "system", text: "Позвали человека." }));
    return json(200, {});
  }
}

const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });

/** The browser as far as the client sees it. Returns how to wake the page. */
export function stubBrowser(server: FakeServer): { wake(event: string): void } {
  FakeSocket.all = [];
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  for (const [name, value] of Object.entries({ window, document, WebSocket: FakeSocket, fetch: server.fetch, location: { href: "https://desk.test/widget/c/" } })) {
    vi.stubGlobal(name, value);
  }
  return { wake: (event) => void (event === "visibilitychange" ? document : window).dispatchEvent(new Event(event)) };
}

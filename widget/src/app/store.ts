/** The conversation as data: history, an outbox that outlives connections, streamed answers, unread count. No DOM, no network. */
import type { Message } from "../protocol";

export interface Outgoing { client_id: string; text: string; attachments: string[]; files: Message["attachments"]; reply_to?: string }
export interface Draft { id: string; text: string }

const RANK: Record<string, number> = { sending: 0, none: 1, queued: 1, sent: 2, uncertain: 2, delivered: 3, read: 4, failed: 5 };

export class Store {
  messages: Message[] = [];
  outbox: Outgoing[] = [];
  draft: Draft | null = null;
  typing: { who: string; until: number; assistant: boolean } | null = null;
  seq = 0n;
  unread = 0;
  private visible = false;

  /** A stored message replaces its optimistic twin; nothing is shown twice whichever way it came. Returns whether it is new. */
  receive(message: Message, seq?: string): boolean {
    if (seq) this.advance(seq);
    this.outbox = this.outbox.filter((out) => out.client_id !== message.client_id);
    const index = this.messages.findIndex((m) => m.id === message.id || m.client_id === message.client_id);
    if (index >= 0) {
      const known = this.messages[index]!;
      const forward = (RANK[message.state] ?? 0) >= (RANK[known.state] ?? 0) || known.state === "sending" || known.state === "failed";
      this.messages[index] = { ...message, state: forward ? message.state : known.state };
      this.sort();
      return false;
    }
    this.messages.push(message);
    this.sort();
    if (message.author !== "visitor") {
      this.draft = null;
      this.typing = null;
      if (!this.visible) this.unread += 1;
    }
    return true;
  }

  load(messages: Message[], seq: string, unread: number): void {
    const waiting = this.messages.filter((m) => this.outbox.some((out) => out.client_id === m.client_id));
    const known = new Set(messages.map((m) => m.client_id));
    this.messages = [...messages, ...waiting.filter((m) => !known.has(m.client_id))];
    this.outbox = this.outbox.filter((out) => !known.has(out.client_id));
    this.unread = this.visible ? 0 : unread;
    this.advance(seq);
    this.sort();
  }

  /** Shows the message at once; the outbox keeps it until the server has it. */
  compose(out: Outgoing, at: string): Message {
    const message: Message = {
      id: "", client_id: out.client_id, author: "visitor", name: "", text: out.text, at, state: "sending", edited: false,
      attachments: out.files, buttons: [], citations: [],
    };
    this.outbox.push(out);
    this.messages.push(message);
    return message;
  }

  fail(clientId: string): void {
    this.messages = this.messages.map((m) => (m.client_id === clientId && !m.id ? { ...m, state: "failed" } : m));
  }

  /** Puts a refused message back into the outbox with the id it had: the server knows whether it has it. */
  again(clientId: string): void {
    const message = this.messages.find((m) => m.client_id === clientId && !m.id);
    if (!message) return;
    message.state = "sending";
    if (!this.outbox.some((out) => out.client_id === clientId)) {
      const attachments = message.attachments.map((file) => file.id);
      this.outbox.push({ client_id: clientId, text: message.text, attachments, files: message.attachments });
    }
  }

  stream(id: string, text: string, replace: boolean): void {
    const before = !replace && this.draft?.id === id ? this.draft.text : "";
    this.draft = { id, text: before + text };
    this.typing = null;
  }

  look(visible: boolean): void {
    this.visible = visible;
    if (visible) this.unread = 0;
  }

  get lastId(): string {
    return this.messages.reduce((last, m) => (m.id && (last === "" || BigInt(m.id) > BigInt(last)) ? m.id : last), "");
  }

  private advance(seq: string): void {
    const value = BigInt(seq || "0");
    if (value > this.seq) this.seq = value;
  }

  private sort(): void {
    // What has an id is in the server's order; what is still on its way stands after it.
    const place = (m: Message): bigint => (m.id ? BigInt(m.id) : 1n << 62n);
    this.messages = this.messages
      .map((m, index) => ({ m, index }))
      .sort((a, b) => (place(a.m) < place(b.m) ? -1 : place(a.m) > place(b.m) ? 1 : a.index - b.index))
      .map(({ m }) => m);
  }
}

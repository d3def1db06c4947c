/** The conversation as data: history, an outbox that outlives connections, streamed answers, unread count. No DOM, no network. */
import type { Attachment, Message, Session, State } from "../protocol";

/** What the visitor wrote and the server does not have yet. */
export interface Outgoing { client_id: string; text: string; at: string; files: Attachment[] }
/** `text` is null when we have lost pieces of the answer and can only wait for the whole. */
export interface Draft { id: string; text: string | null }
export interface Typing { who: string; until: number; assistant: boolean }

const RANK: Record<State, number> = { sending: 0, none: 1, queued: 1, sent: 2, uncertain: 2, delivered: 3, read: 4, failed: 5 };

export class Store {
  messages: Message[] = [];
  outbox: Outgoing[] = [];
  draft: Draft | null = null;
  typing: Typing | null = null;
  seq = 0n;
  unread = 0;
  private visible = false;

  /** A stored message replaces its optimistic twin; nothing is shown twice whichever way it came. Returns whether it is new. */
  receive(message: Message, seq?: string): boolean {
    if (seq && BigInt(seq) > this.seq) this.seq = BigInt(seq);
    this.outbox = this.outbox.filter((out) => out.client_id !== message.client_id);
    const index = this.messages.findIndex((m) => m.id === message.id || m.client_id === message.client_id);
    const known = this.messages[index];
    if (known) {
      // Frames may overtake each other; only our own guesses ("sending", "failed" without an id) may be taken back.
      const forward = !known.id || RANK[message.state] >= RANK[known.state];
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

  /** The history anew; what the server has not got yet stays at the end of it. */
  load(session: Session): void {
    const known = new Set(session.messages.map((m) => m.client_id));
    const ours = this.messages.filter((m) => !m.id && !known.has(m.client_id));
    this.messages = [...session.messages, ...ours];
    this.outbox = this.outbox.filter((out) => !known.has(out.client_id));
    this.unread = this.visible ? 0 : session.unread;
    this.seq = BigInt(session.seq);
    this.draft = null;
    this.sort();
  }

  /** Shows the message at once; the outbox keeps it until the server has it. */
  compose(out: Outgoing): void {
    if (this.messages.some((m) => m.client_id === out.client_id)) return;
    this.outbox.push(out);
    this.messages.push({
      id: "", client_id: out.client_id, author: "visitor", name: "", text: out.text, at: out.at, state: "sending", edited: false,
      attachments: out.files, buttons: [], citations: [],
    });
  }

  /** Refused: out of the way of the next ones, still to be seen and tried again. */
  fail(clientId: string): void {
    this.outbox = this.outbox.filter((out) => out.client_id !== clientId);
    this.mark(clientId, "failed");
  }

  /** Back into the outbox with the id it had: the server knows whether it has it. */
  again(clientId: string): void {
    const message = this.messages.find((m) => m.client_id === clientId && !m.id);
    if (!message || this.outbox.some((out) => out.client_id === clientId)) return;
    this.outbox.push({ client_id: clientId, text: message.text, at: message.at, files: message.attachments });
    this.mark(clientId, "sending");
  }

  stream(id: string, text: string, replace: boolean): void {
    this.typing = null;
    const same = this.draft?.id === id;
    if (same && this.draft?.text === null && !replace) return;
    this.draft = { id, text: (same && !replace ? this.draft?.text ?? "" : "") + text };
  }

  /** The connection broke: the pieces of an answer that we miss are not sent again. */
  interrupt(): void {
    if (this.draft) this.draft = { ...this.draft, text: null };
    this.typing = null;
  }

  look(visible: boolean): void {
    this.visible = visible;
    if (visible) this.unread = 0;
  }

  /** The newest id of the server's; ids outgrow a double, hence the bigints. */
  get lastId(): string {
    return this.messages.reduce((last, m) => (m.id && BigInt(m.id) > BigInt(last) ? m.id : last), "0");
  }

  private mark(clientId: string, state: State): void {
    this.messages = this.messages.map((m) => (m.client_id === clientId && !m.id ? { ...m, state } : m));
  }

  private sort(): void {
    // What has an id is in the server's order; what is still on its way stands after it, as it was written.
    const place = (m: Message): bigint => (m.id ? BigInt(m.id) : 1n << 64n);
    this.messages.sort((a, b) => (place(a) < place(b) ? -1 : place(a) > place(b) ? 1 : 0));
  }
}

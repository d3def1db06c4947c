// The sequence over the websocket: every event once and in order, whatever was lost on the way.
import { Socket } from "../../../widget/src/app/socket";

export interface EventFrame { type: "event"; seq: string; event: string; ticket: string | null; data: Record<string, unknown> }
export interface TypingFrame { type: "typing"; ticket: string; who: string; user?: string; on: boolean }
/** One of the agent's own drafts, saved by one of their screens; version "0": it is gone. */
export interface DraftFrame { type: "draft"; ticket: string; kind: "public" | "note"; version: string }
export interface ViewingFrame { type: "viewing"; ticket: string; who: { user: string; name: string }[] }
export interface VisitedFrame { type: "visited"; ticket: string }
export interface PresenceFrame { type: "presence"; user: string; state: string }
export interface HereFrame { type: "here"; viewing: Record<string, ViewingFrame["who"]>; presence: Record<string, string> }
/** What concerns the reader (static/src/shell/notices.ts); `ticket` is one whose news have been seen. */
export interface BellFrame { type: "notice" | "notices"; ticket: string | null }
export type Frame =
  | { type: "hello"; seq: string } | EventFrame | TypingFrame | DraftFrame | ViewingFrame | PresenceFrame | HereFrame | VisitedFrame
  | BellFrame
  | { type: "resync" } | { type: "pong" };

export interface Listener {
  onEvent(frame: EventFrame): void;
  onTyping(frame: TypingFrame): void;
  /** What is not of the sequence. */
  onOther(frame: Frame): void;
  /** Fetches everything anew; returns the sequence it stands for. */
  onResync(): Promise<number>;
  onConnection(up: boolean): void;
}

// Every third ping also asks for what may have been lost without a later event to show the gap.
const ASK_EVERY = 60_000;
const PATIENCE = 5_000;

export class Feed {
  private held = new Map<number, EventFrame>();
  // The sequence that an outstanding answer will reach, and until when we wait for it.
  private awaited = { seq: 0, until: 0 };
  private resyncing = false;
  private socket: Pick<Socket, "send">;

  constructor(private seq: number, private listener: Listener, connect = openSocket) {
    this.socket = connect((frame) => this.receive(frame), () => listener.onConnection(false));
    setInterval(() => this.socket.send({ type: "since", seq: String(this.seq) }), ASK_EVERY);
  }

  typing(ticket: string, on: boolean): void {
    this.send({ type: "typing", ticket, on });
  }

  /** Whether it left. */
  send(frame: object): boolean {
    return this.socket.send(frame);
  }

  private receive(frame: Frame): void {
    if (frame.type === "typing") this.listener.onTyping(frame);
    else if (frame.type === "resync") void this.resync();
    else if (frame.type === "event") this.take(frame);
    else if (frame.type === "hello") this.greet(Number(frame.seq));
    else this.listener.onOther(frame);
  }

  private greet(newest: number): void {
    this.awaited.until = 0;
    this.listener.onConnection(true);
    // Behind us: the log was restored from a backup.
    if (newest < this.seq) void this.resync();
    else if (newest > this.seq) this.askFor(newest);
  }

  private take(frame: EventFrame): void {
    const seq = Number(frame.seq);
    if (seq <= this.seq) return;
    this.held.set(seq, frame);
    this.drain();
    if (this.held.size && !this.resyncing) this.askFor(Math.min(...this.held.keys()) - 1);
  }

  private drain(): void {
    if (this.resyncing) return;
    for (let next = this.held.get(this.seq + 1); next; next = this.held.get(this.seq + 1)) {
      this.held.delete(++this.seq);
      this.listener.onEvent(next);
    }
  }

  /** Once for one gap, for the answer comes in pieces; again when it does not come. */
  private askFor(seq: number): void {
    if (this.seq < this.awaited.seq && Date.now() < this.awaited.until) return;
    this.awaited = { seq, until: Date.now() + PATIENCE };
    this.socket.send({ type: "since", seq: String(this.seq) });
  }

  private async resync(): Promise<void> {
    if (this.resyncing) return;
    this.resyncing = true;
    try {
      this.seq = await this.listener.onResync();
      for (const seq of this.held.keys()) if (seq <= this.seq) this.held.delete(seq);
    } finally {
      this.resyncing = false;
    }
    this.drain();
    if (this.held.size) this.askFor(Math.min(...this.held.keys()) - 1);
  }
}

function openSocket(onFrame: (frame: Frame) => void, onLost: () => void): Socket {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return new Socket(`${scheme}//${location.host}/ws/agent/`, "", {
    onFrame: (frame) => onFrame(frame as unknown as Frame),
    onOpen: () => undefined,
    onLost,
  });
}

// The sequence over the websocket: every event once and in order, whatever was lost on the way.
import { Socket } from "../../../widget/src/app/socket";

export interface EventFrame { type: "event"; seq: string; event: string; ticket: string | null; data: Record<string, unknown> }
export interface TypingFrame { type: "typing"; ticket: string; who: string; user?: string; on: boolean }
/** One of the agent's own drafts, saved by one of their screens; version "0": it is gone. */
export interface DraftFrame { type: "draft"; ticket: string; kind: "public" | "note"; version: string }
type AgentFrame = { type: "hello"; seq: string } | EventFrame | TypingFrame | DraftFrame | { type: "resync" } | { type: "pong" };

export interface Listener {
  onEvent(frame: EventFrame): void;
  onTyping(frame: TypingFrame): void;
  onDraft(frame: DraftFrame): void;
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
    this.socket.send({ type: "typing", ticket, on });
  }

  private receive(frame: AgentFrame): void {
    if (frame.type === "typing") this.listener.onTyping(frame);
    else if (frame.type === "draft") this.listener.onDraft(frame);
    else if (frame.type === "resync") void this.resync();
    else if (frame.type === "event") this.take(frame);
    else if (frame.type === "hello") this.greet(Number(frame.seq));
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

function openSocket(onFrame: (frame: AgentFrame) => void, onLost: () => void): Socket {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return new Socket(`${scheme}//${location.host}/ws/agent/`, "", {
    onFrame: (frame) => onFrame(frame as unknown as AgentFrame),
    onOpen: () => undefined,
    onLost,
  });
}

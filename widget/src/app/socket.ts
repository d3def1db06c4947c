/** One websocket that comes back: exponential pause with jitter, a kick when the page wakes, a ping both ways. */
import type { Frame } from "../protocol";

export interface Wire {
  onFrame(frame: Frame): void;
  onOpen(): void;
  onLost(): void;
}

const FIRST_PAUSE = 500;
const LAST_PAUSE = 30_000;
const PING_EVERY = 20_000;
const SILENCE = 45_000;
const WAKES = ["online", "pageshow", "visibilitychange"];

/** Milliseconds before the next attempt: doubled each time, in no step with other visitors. */
export const pause = (attempt: number, random: () => number = Math.random): number =>
  Math.min(LAST_PAUSE, FIRST_PAUSE * 2 ** attempt) * (0.5 + random() / 2);

export class Socket {
  private ws: WebSocket | null = null;
  private attempt = 0;
  private timer = 0;
  private ping = 0;
  private heard = 0;
  private stopped = false;

  /** Without a token the session cookie speaks for the caller: agents' pages (static/src/inbox/feed.ts) use this too. */
  constructor(private url: string, private token: string, private wire: Wire) {
    window.addEventListener("offline", this.drop);
    for (const wake of WAKES) (wake === "visibilitychange" ? document : window).addEventListener(wake, this.kick);
    this.connect();
  }

  get isOpen(): boolean { return this.ws?.readyState === WebSocket.OPEN; }

  /** Whether it left. */
  send(frame: unknown): boolean {
    if (!this.ws || !this.isOpen) return false;
    this.ws.send(JSON.stringify(frame));
    return true;
  }

  /** Drops the connection and comes back. */
  renew(): void { this.ws?.close(); }

  stop(): void {
    this.stopped = true;
    window.removeEventListener("offline", this.drop);
    for (const wake of WAKES) (wake === "visibilitychange" ? document : window).removeEventListener(wake, this.kick);
    clearTimeout(this.timer);
    clearInterval(this.ping);
    this.ws?.close();
  }

  /** A connection that outlives the network looks open for minutes. */
  private drop = (): void => {
    const ws = this.ws;
    ws?.close();
    if (ws) this.lose(ws);
  };

  private kick = (): void => {
    if (document.visibilityState !== "visible" || this.stopped) return;
    if (!this.ws || this.ws.readyState > WebSocket.OPEN) {
      this.attempt = 0;
      this.connect();
    } else if (this.isOpen && Date.now() - this.heard > SILENCE) this.ws.close();
  };

  private connect(): void {
    clearTimeout(this.timer);
    if (this.stopped || (this.ws && this.ws.readyState <= WebSocket.OPEN)) return;
    const ws = new WebSocket(this.url, this.token ? ["omni.v1", `token.${this.token}`] : ["omni.v1"]);
    this.ws = ws;
    ws.onopen = () => {
      this.attempt = 0;
      this.heard = Date.now();
      clearInterval(this.ping);
      this.ping = setInterval(() => {
        // A half-open connection says nothing of itself: silence is the only sign.
        if (Date.now() - this.heard > SILENCE) this.lose(ws);
        else this.send({ type: "ping" });
      }, PING_EVERY) as unknown as number;
      this.wire.onOpen();
    };
    ws.onmessage = (event: MessageEvent<string>) => {
      this.heard = Date.now();
      let frame: Frame;
      try { frame = JSON.parse(event.data) as Frame; } catch { return; }
      this.wire.onFrame(frame);
    };
    ws.onclose = () => this.lose(ws);
  }

  /** Without waiting for the closing handshake, which a dead line never answers. */
  private lose(ws: WebSocket): void {
    if (this.ws !== ws) return;
    this.ws = null;
    clearInterval(this.ping);
    ws.close();
    if (this.stopped) return;
    this.timer = setTimeout(() => this.connect(), pause(this.attempt++)) as unknown as number;
    this.wire.onLost();
  }
}

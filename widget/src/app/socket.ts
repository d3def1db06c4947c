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

export const pause = (attempt: number, random: () => number = Math.random): number =>
  Math.min(LAST_PAUSE, FIRST_PAUSE * 2 ** attempt) * (0.5 + random() / 2);

export class Socket {
  private ws: WebSocket | null = null;
  private attempt = 0;
  private timer = 0;
  private ping = 0;
  private heard = 0;
  private stopped = false;

  constructor(private url: string, private token: string, private wire: Wire) {
    addEventListener("online", this.kick);
    addEventListener("pageshow", this.kick);
    document.addEventListener("visibilitychange", this.kick);
    this.connect();
  }

  send(frame: unknown): void {
    if (this.ws?.readyState === WebSocket.OPEN) this.ws.send(JSON.stringify(frame));
  }

  stop(): void {
    this.stopped = true;
    removeEventListener("online", this.kick);
    removeEventListener("pageshow", this.kick);
    document.removeEventListener("visibilitychange", this.kick);
    clearTimeout(this.timer);
    clearInterval(this.ping);
    this.ws?.close();
  }

  private kick = (): void => {
    if (document.visibilityState !== "visible" || this.stopped) return;
    if (!this.ws || this.ws.readyState > WebSocket.OPEN) {
      clearTimeout(this.timer);
      this.attempt = 0;
      this.connect();
    } else if (Date.now() - this.heard > SILENCE) this.ws.close();
  };

  private connect(): void {
    if (this.stopped || (this.ws && this.ws.readyState <= WebSocket.OPEN)) return;
    const ws = new WebSocket(this.url, ["omni.v1", `token.${this.token}`]);
    this.ws = ws;
    ws.onopen = () => {
      this.attempt = 0;
      this.heard = Date.now();
      this.wire.onOpen();
      clearInterval(this.ping);
      this.ping = window.setInterval(() => {
        // A half-open connection says nothing of itself: silence is the only sign.
        if (Date.now() - this.heard > SILENCE) ws.close();
        else this.send({ type: "ping" });
      }, PING_EVERY);
    };
    ws.onmessage = (event: MessageEvent<string>) => {
      this.heard = Date.now();
      let frame: Frame;
      try { frame = JSON.parse(event.data) as Frame; } catch { return; }
      this.wire.onFrame(frame);
    };
    ws.onclose = () => {
      clearInterval(this.ping);
      if (this.ws === ws) this.ws = null;
      if (this.stopped) return;
      this.wire.onLost();
      this.timer = window.setTimeout(() => this.connect(), pause(this.attempt++));
    };
  }
}

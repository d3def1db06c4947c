/** The chat's frame and the #line into it. */
import { HELLO, UP, type Boot, type ToApp, type ToLoader } from "../protocol";

export class Frame {
  readonly element = document.createElement("iframe");
  #port: MessagePort | null = null;
  #waiting: ToApp[] = [];

  constructor(url: string, title: string, private boot: () => Boot, private hear: (message: ToLoader) => void) {
    this.element.title = title;
    this.element.allow = "autoplay"; // the sound that a visitor has switched on
    this.element.src = url;
    addEventListener("message", this.#onMessage);
  }

  /** What changes with every opening is in the greeting; the rest waits until the app listens. */
  post(message: ToApp): void {
    if (this.#port) this.#port.postMessage(message);
    else if (message.type === "send" || message.type === "prefill") this.#waiting.push(message);
  }

  remove(): void {
    removeEventListener("message", this.#onMessage);
    this.#port?.close();
    this.#port = null;
    this.element.remove();
  }

  /** The frame speaks first ("up"): a greeting sent on its load event could come before anybody listens. */
  #onMessage = (event: MessageEvent): void => {
    const { origin } = new URL(this.element.src);
    if (event.source !== this.element.contentWindow || event.origin !== origin || event.data !== UP) return;
    const line = new MessageChannel();
    this.#port?.close();
    this.#port = line.port1;
    this.#port.onmessage = (message: MessageEvent<ToLoader>) => this.hear(message.data);
    this.element.contentWindow?.postMessage(HELLO, origin, [line.port2]);
    for (const message of [this.boot(), ...this.#waiting.splice(0)]) this.#port.postMessage(message);
  };
}

/** Inside the frame: waits for the loader's hello, then shows the chat. Opened on its own (by a link), it needs no loader. */
import { render } from "preact";
import { HELLO, UP, type Boot, type ToApp } from "../protocol";
import { recallAll } from "../storage";
import "./app.css";
import { Chat } from "./chat";
import { Shell } from "./shell";

const root = document.getElementById("app");
const { api = "", language = "ru" } = document.body.dataset;
const base = new URL(api, location.href).href;

const show = (boot: Boot, port: MessagePort | null): void => {
  if (root) render(<Chat shell={new Shell(base, boot, port)} />, root);
};

function onHello(event: MessageEvent): void {
  const port = event.ports[0];
  if (event.source !== window.parent || event.data !== HELLO || !port) return;
  removeEventListener("message", onHello);
  port.onmessage = (message: MessageEvent<ToApp>) => {
    if (message.data?.type === "boot") show(message.data, port);
  };
}

if (window.parent === window) {
  const context = { page: { url: location.href, title: document.title }, attributes: {} };
  show({ type: "boot", kept: recallAll(base), config: null, look: { language }, context, open: true, mobile: true }, null);
} else {
  addEventListener("message", onHello);
  // The loader listens already; it does not know that our script has run until we say so. "*" carries no data.
  window.parent.postMessage(UP, "*");
}

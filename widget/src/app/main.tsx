/** Inside the frame: waits for the loader's hello, then shows the chat. Opened on its own (a link), it needs no loader. */
import { render } from "preact";
import type { ToApp } from "../protocol";
import { HELLO, UP } from "../protocol";
import { Chat } from "./chat";
import "./app.css";

const root = document.getElementById("app");
const { api = "", language = "ru" } = document.body.dataset;

if (root) {
  if (window.parent === window) {
    render(<Chat api={api} boot={{ type: "boot", token: null, language, theme: "auto", accent: null, open: true, mobile: true }} port={null} />, root);
  } else {
    addEventListener("message", (event: MessageEvent) => {
      const port = event.ports[0];
      if (event.source !== window.parent || event.data !== HELLO || !port) return;
      port.onmessage = (message: MessageEvent<ToApp>) => {
        if (message.data?.type !== "boot") return;
        port.onmessage = null;
        render(<Chat api={api} boot={message.data} port={port} />, root);
      };
    });
    // The loader listens already; it does not know our scripts have run until we say so. "*" carries no data.
    window.parent.postMessage(UP, "*");
  }
}

/** The round button and the box for the frame, inside a shadow root; a constructable style sheet passes `style-src 'none'`. */
import type { Config } from "../protocol";
import { inkOn, isColour } from "../colour";

const CSS = `
:host { all: initial; position: fixed; z-index: 2147483000; bottom: max(20px, env(safe-area-inset-bottom)); --accent: #1f5fd6; --ink: #fff; }
:host([data-side=right]) { right: 20px; } :host([data-side=left]) { left: 20px; }
button { all: unset; box-sizing: border-box; width: 56px; height: 56px; border-radius: 50%; background: var(--accent); color: var(--ink);
  display: grid; place-items: center; cursor: pointer; box-shadow: 0 6px 24px rgb(23 26 33 / 24%); position: relative; }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
svg { width: 26px; height: 26px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.badge { position: absolute; top: -2px; right: -2px; min-width: 20px; height: 20px; padding: 0 5px; box-sizing: border-box; border-radius: 10px;
  background: #b3261e; color: #fff; font: 600 12px/20px system-ui, sans-serif; text-align: center; }
.badge:empty { display: none; }
.box { position: absolute; bottom: 72px; width: min(384px, calc(100vw - 40px)); height: min(640px, calc(100dvh - 112px)); border-radius: 16px;
  overflow: hidden; box-shadow: 0 12px 48px rgb(23 26 33 / 24%); visibility: hidden; opacity: 0; transform: translateY(8px);
  transition: opacity 140ms ease-out, transform 140ms ease-out, visibility 0s 140ms; }
:host([data-side=right]) .box { right: 0; } :host([data-side=left]) .box { left: 0; }
.box.open { visibility: visible; opacity: 1; transform: none; transition-delay: 0s; }
.box.full { position: fixed; inset: 0; width: 100vw; height: 100dvh; border-radius: 0; }
.box.full.open + button { visibility: hidden; }
iframe { border: 0; width: 100%; height: 100%; display: block; background: Canvas; }
@media (prefers-reduced-motion: reduce) { .box { transition: none; transform: none; } }
@media (forced-colors: active) { button, .box { border: 2px solid; } }
`;

const SVG = "http://www.w3.org/2000/svg";
const BUBBLE = "M21 12a8 8 0 0 1-8 8H4l2-3.2A8 8 0 1 1 21 12z";
const CROSS = "M6 6l12 12M18 6L6 18";

export class Launcher {
  private host = document.createElement("div");
  private button = document.createElement("button");
  private box = document.createElement("div");
  private count = document.createElement("span");
  private path = document.createElementNS(SVG, "path");

  constructor(private config: Config, private language: string, onClick: () => void) {
    const root = this.host.attachShadow({ mode: "open", delegatesFocus: true });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
    this.host.dataset["side"] = config.position === "left" ? "left" : "right";
    this.box.className = "box";
    this.button.type = "button";
    this.button.setAttribute("aria-haspopup", "dialog");
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.append(this.path);
    this.count.className = "badge";
    this.count.setAttribute("aria-hidden", "true");
    this.button.append(svg, this.count);
    this.button.addEventListener("click", onClick);
    root.append(this.box, this.button);
    this.colour(config.accent);
    this.setOpen(false, false);
    document.body.append(this.host);
  }

  hold(frame: HTMLIFrameElement): void { this.box.append(frame); }
  focus(): void { this.button.focus(); }
  show(visible: boolean): void { this.host.hidden = !visible; this.host.style.display = visible ? "" : "none"; }
  remove(): void { this.host.remove(); }

  colour(accent: string): void {
    if (!isColour(accent)) return;
    this.host.style.setProperty("--accent", accent);
    this.host.style.setProperty("--ink", inkOn(accent));
  }

  setOpen(open: boolean, mobile: boolean): void {
    this.box.classList.toggle("open", open);
    this.box.classList.toggle("full", mobile);
    this.path.setAttribute("d", open ? CROSS : BUBBLE);
    this.button.setAttribute("aria-expanded", String(open));
    this.name();
  }

  badge(count: number): void {
    this.count.textContent = count > 99 ? "99+" : count > 0 ? String(count) : "";
    this.name();
  }

  private name(): void {
    const russian = this.language === "ru";
    const open = this.button.getAttribute("aria-expanded") === "true";
    const unread = this.count.textContent;
    const label = open ? (russian ? "Закрыть чат" : "Close chat") : (russian ? "Открыть чат" : "Open chat");
    this.button.setAttribute("aria-label", unread ? `${label}, ${russian ? "новых сообщений" : "unread messages"}: ${unread}` : label);
    this.button.title = this.config.name;
  }
}

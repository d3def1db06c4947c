/** The round button and the box for the frame, inside a shadow root. A constructable style sheet passes `style-src 'none'`. */
import chevron from "icon:chevron-down";
import bubble from "icon:message-circle";
import { inkOn, isColour } from "../colour";
import type { Language } from "../language";
import type { Config, Theme } from "../protocol";
import css from "./launcher.css?inline";
import { launcherName } from "./texts";

const SVG = "http://www.w3.org/2000/svg";

function icon(shapes: [string, Record<string, string>][]): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  for (const [tag, attributes] of shapes) {
    const shape = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    svg.append(shape);
  }
  return svg;
}

export class Launcher {
  #host = document.createElement("div");
  #button = document.createElement("button");
  #box = document.createElement("div");
  #count = document.createElement("span");
  #open = false;
  #unread = 0;
  #scroll: string | null = null;

  constructor(config: Config, private language: Language, toggle: () => void) {
    // delegatesFocus: what the page sees as focused is the host, and focusing that must reach the button.
    const root = this.#host.attachShadow({ mode: "open", delegatesFocus: true });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
    this.#host.dataset["side"] = config.position === "left" ? "left" : "right";
    this.#box.className = "box";
    this.#button.type = "button";
    this.#button.title = config.name;
    this.#button.setAttribute("aria-haspopup", "dialog");
    this.#count.className = "badge";
    this.#count.setAttribute("aria-hidden", "true");
    this.#button.append(icon(bubble), icon(chevron), this.#count);
    this.#button.addEventListener("click", toggle);
    this.#button.addEventListener("keydown", (event) => { if (event.key === "Escape" && this.#open) toggle(); });
    root.append(this.#box, this.#button);
    this.colour(config.accent);
    this.setOpen(false, false);
    document.body.append(this.#host);
  }

  hold(frame: HTMLIFrameElement): void { this.#box.append(frame); }
  show(visible: boolean): void { this.#host.toggleAttribute("data-hidden", !visible); }
  remove(): void { this.setOpen(false, false); this.#host.remove(); }
  speak(language: Language): void { this.language = language; this.#name(); }

  /** Back to the button, unless the visitor has already gone elsewhere in the page. */
  takeFocus(): void {
    if (document.activeElement === this.#host || document.activeElement === document.body) this.#button.focus();
  }

  colour(accent: string): void {
    if (!isColour(accent)) return;
    this.#host.style.setProperty("--accent", accent);
    this.#host.style.setProperty("--ink", inkOn(accent));
  }

  /** The frame's ground before its page has come: no white flash on a dark page. */
  theme(theme: Theme): void {
    this.#box.style.setProperty("color-scheme", theme === "auto" ? "light dark" : theme);
  }

  setOpen(open: boolean, mobile: boolean): void {
    this.#open = open;
    this.#box.classList.toggle("open", open);
    this.#box.classList.toggle("full", mobile);
    this.#button.setAttribute("aria-expanded", String(open));
    this.#lockPage(open && mobile);
    this.#name();
  }

  badge(count: number): void {
    this.#unread = count;
    this.#count.textContent = count > 99 ? "99+" : count > 0 ? String(count) : "";
    this.#name();
  }

  #name(): void {
    this.#button.setAttribute("aria-label", launcherName(this.language, this.#open, this.#unread));
  }

  /** Under the full-screen chat the page must not scroll; its own setting comes back afterwards. */
  #lockPage(lock: boolean): void {
    const { style } = document.documentElement;
    if (lock && this.#scroll === null) {
      this.#scroll = style.getPropertyValue("overflow");
      style.setProperty("overflow", "hidden");
    } else if (!lock && this.#scroll !== null) {
      style.setProperty("overflow", this.#scroll);
      this.#scroll = null;
    }
  }
}

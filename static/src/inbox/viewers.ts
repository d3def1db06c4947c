// Draws who looks at a conversation and who is here. What we look at ourselves is told to the server: a page in the background
// looks at nothing.
import type { Frame } from "./feed";
import { Here, type Person } from "./here";
import { clonePart, inbox, openConversation, word } from "./parts";
import { isWriting } from "./typing";

const SHOWN = 3;
const IDLE_AFTER = 10 * 60_000;

const here = new Here();
let told = "";
let touched = Date.now();
let send: (frame: object) => void = () => undefined;

export function setUpViewers(sender: (frame: object) => void): void {
  send = sender;
  for (const sign of ["pointerdown", "pointermove", "keydown", "wheel"]) {
    addEventListener(sign, () => { touched = Date.now(); if (told.endsWith("idle")) tell(); }, { passive: true });
  }
  document.addEventListener("visibilitychange", tell);
  setInterval(tell, 30_000);
}

/** The socket is there (again): the server knows nothing of this screen. */
export function introduce(): void {
  told = "";
  tell();
  here.ask();
  send({ type: "here" });
}

/** Says what is before the reader's eyes, when that has changed. */
export function tell(): void {
  const ticket = document.visibilityState === "visible" ? (openConversation()?.ticket ?? "") : "";
  const idle = Date.now() - touched > IDLE_AFTER;
  const now = `${ticket} ${idle ? "idle" : ""}`;
  if (now === told) return;
  told = now;
  send({ type: "viewing", ticket, idle });
}

export function noteOthers(frame: Frame): void {
  if (frame.type === "here") here.takeAll(frame);
  else if (frame.type === "viewing" || frame.type === "presence") here.take(frame);
  else return;
  paintViewers();
}

export function paintViewers(): void {
  for (const place of document.querySelectorAll<HTMLElement>("[data-viewers]")) paintAt(place, place.dataset.viewers!);
  for (const element of document.querySelectorAll<HTMLElement>("[data-person]")) paintPresence(element);
}

function paintAt(place: HTMLElement, ticket: string): void {
  const others = (here.viewing.get(ticket) ?? []).filter((person) => person.user !== inbox().dataset.user);
  const avatars = others.slice(0, SHOWN).map((person) => avatarOf(person, ticket));
  if (others.length > SHOWN) avatars.push(avatar(`+${others.length - SHOWN}`, others.slice(SHOWN).map((one) => one.name).join(", ")));
  // The same faces are left alone: nothing flickers under the pointer.
  const wanted = avatars.map((one) => one.outerHTML).join("");
  if (place.innerHTML !== wanted) place.replaceChildren(...avatars);
}

function avatarOf(person: Person, ticket: string): HTMLElement {
  const writes = isWriting(ticket, person.user);
  const element = avatar(initials(person.name), `${person.name} ${word(writes ? "replying" : "viewing")}`);
  element.classList.toggle("avatar--writing", writes);
  return element;
}

function avatar(text: string, label: string): HTMLElement {
  const element = clonePart("avatar");
  element.textContent = text;
  element.title = label;
  element.setAttribute("aria-label", label);
  return element;
}

function initials(name: string): string {
  const words = name.split(/[\s@.]+/).filter(Boolean);
  return words.slice(0, 2).map((one) => [...one][0]).join("").toUpperCase();
}

/** Beside the name: what the server wrote stays, the state of the screens is added. */
function paintPresence(element: HTMLElement): void {
  const { person, away } = element.dataset;
  element.dataset.label ??= element.textContent ?? "";
  const state = here.presence.get(person!);
  const words = away ? "" : state === "online" ? word("online") : word(state === "idle" ? "idle" : "absent");
  element.textContent = [element.dataset.label, words].filter(Boolean).join(" · ");
}

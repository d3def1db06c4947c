// The page of people is what it would be if it were loaded now: who is here, how much each has. The socket of the shell brings the
// frames; what they change is asked for anew, as one part.
import { Idiomorph } from "idiomorph";

const COLLECT = 300;
const BETWEEN = 2_000;
// What moves conversations between people, or in and out of what they have to do; what one may not see has no name.
const MOVES = /^(ticket\.(created|assigned|status_changed|snoozed|woken|spam_changed|merged|unmerged|split|left)|message\.received|person\.|user\.|bulk\.|hidden)/;

let timer = 0;
let last = 0;

document.addEventListener("frame", (event) => {
  const frame = (event as CustomEvent<{ type: string; event?: string }>).detail;
  const matters = frame.type === "event" ? MOVES.test(frame.event!) : ["hello", "presence", "resync"].includes(frame.type);
  if (matters) wake(COLLECT);
});

function wake(after: number): void {
  timer ||= window.setTimeout(() => void refresh(), Math.max(after, last + BETWEEN - Date.now()));
}

async function refresh(): Promise<void> {
  timer = 0;
  last = Date.now();
  try {
    const answer = await fetch(location.pathname, { headers: { "HX-Request": "true" } });
    if (answer.ok && !answer.redirected) place(await answer.text());
    else if (answer.status >= 500) wake(BETWEEN);
  } catch {
    // The network is away; the socket says hello when it is back.
  }
}

function place(html: string): void {
  const people = document.getElementById("people");
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.querySelector("tbody");
  if (!people || !fresh) return;
  Idiomorph.morph(people, fresh, {
    morphStyle: "outerHTML",
    callbacks: { beforeNodeMorphed: (old: Node) => !isBeingWritten(old) },
  });
}

/** A number that somebody types, or has typed and not saved yet. */
function isBeingWritten(node: Node): boolean {
  if (!(node instanceof HTMLFormElement)) return false;
  const field = node.querySelector<HTMLInputElement>("input[type=number]");
  return Boolean(field && (field.value !== field.defaultValue || node.contains(document.activeElement)));
}

// «… is writing», both ways. A sign of life lasts six seconds; ours is repeated every three.
import type { TypingFrame } from "./feed";
import { inbox, openConversation, word } from "./parts";

const LASTS = 6_000;
const REPEAT = 3_000;
const writers = new Map<string, { who: string; agent: boolean; timer: number }>();
// Colleagues at work in any conversation: "ticket user" → the timer that forgets it.
const busy = new Map<string, number>();
let told = { ticket: "", at: 0 };

export function makeTeller(say: (ticket: string, on: boolean) => void): (on: boolean) => void {
  return (on) => {
    const ticket = openConversation()?.ticket ?? "";
    if (on && (told.ticket !== ticket || Date.now() - told.at > REPEAT)) {
      told = { ticket, at: Date.now() };
      say(ticket, true);
    } else if (!on && told.ticket) {
      say(told.ticket, false);
      told = { ticket: "", at: 0 };
    }
  };
}

export const isWriting = (ticket: string, user: string): boolean => busy.has(`${ticket} ${user}`);

function noteBusy(frame: TypingFrame, changed: () => void): void {
  const key = `${frame.ticket} ${frame.user}`;
  clearTimeout(busy.get(key));
  busy.delete(key);
  if (frame.on) busy.set(key, window.setTimeout(() => { busy.delete(key); changed(); }, LASTS));
  changed();
}

export function noteTyping(frame: TypingFrame, changed: () => void): void {
  if (frame.user) noteBusy(frame, changed);
  if (frame.ticket !== openConversation()?.ticket || frame.user === inbox().dataset.user) return;
  const name = frame.user ?? frame.who;
  clearTimeout(writers.get(name)?.timer);
  writers.delete(name);
  if (frame.on) {
    const timer = window.setTimeout(() => { writers.delete(name); show(); }, LASTS);
    writers.set(name, { who: frame.who, agent: Boolean(frame.user), timer });
  }
  show();
}

export function forgetTyping(): void {
  for (const { timer } of writers.values()) clearTimeout(timer);
  writers.clear();
  show();
}

function show(): void {
  const line = document.getElementById("typing");
  if (!line) return;
  line.hidden = !writers.size;
  line.firstElementChild!.textContent = [...writers.values()]
    .map(({ who, agent }) => `${who} ${word(agent ? "replying" : "typing")}`)
    .join(" · ");
}

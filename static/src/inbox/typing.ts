// «… is writing», both ways. A sign of life lasts six seconds; ours is repeated every three.
import type { Feed, TypingFrame } from "./feed";
import { inbox, openConversation, word } from "./parts";

const LASTS = 6_000;
const REPEAT = 3_000;
const writers = new Map<string, { who: string; agent: boolean; timer: number }>();
let told = { ticket: "", at: 0 };

export function makeTeller(feed: () => Feed): (on: boolean) => void {
  return (on) => {
    const ticket = openConversation()?.ticket ?? "";
    if (on && (told.ticket !== ticket || Date.now() - told.at > REPEAT)) {
      told = { ticket, at: Date.now() };
      feed().typing(ticket, true);
    } else if (!on && told.ticket) {
      feed().typing(told.ticket, false);
      told = { ticket: "", at: 0 };
    }
  };
}

export function noteTyping(frame: TypingFrame): void {
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

// A field for a moment in one's own words (`data-moment`): what is understood stands below while it is written, and goes into the
// field that the attribute names.
import { wallClock } from "./times";

const PAUSE = 120;

interface Moment { at: string | null; words: string }

const timers = new WeakMap<HTMLInputElement, number>();

export function setUpMoments(): void {
  document.addEventListener("input", (event) => {
    const field = event.target as HTMLInputElement;
    if (!field.matches("[data-moment]")) return;
    clearTimeout(timers.get(field));
    timers.set(field, window.setTimeout(() => void read(field), PAUSE));
  });
  document.addEventListener("keydown", (event) => {
    const field = event.target as HTMLInputElement;
    if (event.key !== "Enter" || event.isComposing || !field.matches?.("[data-moment]") || !field.dataset.moment) return;
    event.preventDefault();
    clearTimeout(timers.get(field));
    const button = field.closest("[role=group]")!.querySelector<HTMLButtonElement>("button[type=submit]")!;
    void read(field).then(() => button.click());
  });
}

async function read(field: HTMLInputElement): Promise<void> {
  const text = field.value.trim();
  const target = document.getElementById(field.dataset.moment!) as HTMLInputElement | null;
  const moment = text ? await ask(text) : { at: null, words: "" };
  // Something else was written meanwhile.
  if (!moment || field.value.trim() !== text) return;
  const words = document.getElementById(`${field.id}-words`)!;
  words.textContent = moment.words;
  words.classList.toggle("moment--none", Boolean(text) && !moment.at);
  if (target) target.value = moment.at ? wallClock(new Date(moment.at)) : "";
}

async function ask(text: string): Promise<Moment | null> {
  try {
    const answer = await fetch(`/inbox/moment/?text=${encodeURIComponent(text)}`);
    return answer.ok ? ((await answer.json()) as Moment) : null;
  } catch {
    // The server reads it again when it is sent.
    return null;
  }
}

// An answer may be older than an event that overtakes it on its way: such events are noted once more when the answer is in place.
import type { EventFrame } from "./feed";

type Note = (frame: EventFrame) => void;

const underway = new Set<EventFrame[]>();
let noteAgain: Note = () => undefined;

export function setUpOvertaking(note: Note): void {
  noteAgain = note;
  for (const kind of ["htmx:beforeSend", "htmx:historyCacheMiss"]) {
    document.addEventListener(kind, (event) => {
      // htmx places an answer when it has loaded, which is before the request ends.
      (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail.xhr.addEventListener("loadend", ask(), { once: true });
    });
  }
}

/** Before a question to the server; what it returns is called when the answer is in place, or will not come. */
export function ask(): () => void {
  const overtaking: EventFrame[] = [];
  underway.add(overtaking);
  return () => {
    underway.delete(overtaking);
    overtaking.forEach(noteAgain);
  };
}

export function noteOvertaking(frame: EventFrame): void {
  for (const overtaking of underway) overtaking.push(frame);
}

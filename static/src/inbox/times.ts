// Ages near now stay true while the page is open; the words are the server's (omnisupport/templatetags/ui.py).
import { inbox, word } from "./parts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Date and clock of the reader's zone, as `datetime-local` has them; the browser may stand in another one. */
export function wallClock(at: Date): string {
  return at.toLocaleString("sv-SE", { timeZone: inbox().dataset.zone }).replace(" ", "T").slice(0, 16);
}

export function setUpTimes(): void {
  setInterval(refresh, 30_000);
}

function refresh(): void {
  // A message can be changed for some minutes only.
  for (const box of document.querySelectorAll<HTMLElement>("[data-until]")) box.hidden = Date.now() > Date.parse(box.dataset.until!);
  const date = new Intl.DateTimeFormat(document.documentElement.lang, { day: "numeric", month: "short", timeZone: inbox().dataset.zone });
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-ago]")) {
    const age = Date.now() - Date.parse(time.dateTime);
    if (age < MINUTE) time.textContent = word("now");
    else if (age < HOUR) time.textContent = amount("minutes", age / MINUTE);
    else if (age < 24 * HOUR) time.textContent = amount("hours", age / HOUR);
    else time.textContent = date.format(Date.parse(time.dateTime)).replace(/\.$/, "");
  }
}

const amount = (unit: string, value: number): string => word(unit).replace("0", String(Math.floor(value)));

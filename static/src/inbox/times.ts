// Ages near now stay true while the page is open; the words are the ones of tickets' pages (omnisupport/templatetags/ui.py).
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export function setUpTimes(): void {
  setInterval(refresh, 30_000);
}

function refresh(): void {
  const language = document.documentElement.lang;
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-ago]")) {
    const age = Date.now() - Date.parse(time.dateTime);
    if (age < MINUTE) time.textContent = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(0, "second");
    else if (age < HOUR) time.textContent = amount(age / MINUTE, "minute", language);
    else if (age < 24 * HOUR) time.textContent = amount(age / HOUR, "hour", language);
    else time.textContent = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" }).format(Date.parse(time.dateTime));
  }
}

function amount(value: number, unit: string, language: string): string {
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(Math.floor(value));
}

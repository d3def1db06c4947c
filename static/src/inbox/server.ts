// Talking to the server: every request says it comes from a script, carries the CSRF token and knows its way to the log-in.
import htmx from "htmx.org";

/** The server said no, in words; `again` tells whether repeating may help. */
export class Refused extends Error {
  constructor(message: string, readonly again: boolean, readonly field = "", readonly html = "") { super(message); }
}

export function csrfToken(): string {
  return /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
}

let leaving = false;
// The way back out of the browser's cache brings the page as it was left.
addEventListener("pageshow", () => { leaving = false; });

/** Once: list and thread hear of an ended session together, and a second navigation would cut off the first. */
function leaveFor(address: string): void {
  if (leaving) return;
  leaving = true;
  location.assign(address);
}

/** HTML of a fragment. `target` is the id of the page part that is wanted. Throws Refused, or TypeError without a network. */
export async function fetchHtml(path: string, options: { target?: string; body?: FormData } = {}): Promise<string> {
  const headers: Record<string, string> = {
    "HX-Request": "true",
    "HX-Current-URL": location.href,
    "X-CSRFToken": csrfToken(),
  };
  if (options.target) headers["HX-Target"] = options.target;
  const response = await fetch(path, {
    method: options.body ? "POST" : "GET",
    headers,
    body: options.body ?? null,
    signal: AbortSignal.timeout(20_000),
  });
  const away = response.headers.get("HX-Redirect");
  if (away) leaveFor(away);
  const text = await response.text();
  if (response.ok) return text;
  throw new Refused(sentence(text), response.status >= 500 || response.status === 429 || response.status === 401, fieldOf(text), text);
}

/** The words of an error answer: a fragment, or JSON where a fragment was not asked for. */
export function sentence(answer: string): string {
  try {
    return (JSON.parse(answer) as { error: { message: string } }).error.message;
  } catch {
    const page = new DOMParser().parseFromString(answer, "text/html");
    return (page.querySelector("[role=alert], h1") ?? page.body).textContent?.trim().slice(0, 300) ?? "";
  }
}

/** The field that an error answer is about. */
export function fieldOf(answer: string): string {
  return /<p [^>]*data-field="([\w-]+)"/.exec(answer)?.[1] ?? "";
}

export function setUpRequests(): void {
  document.addEventListener("htmx:configRequest", (event) => {
    (event as CustomEvent<{ headers: Record<string, string> }>).detail.headers["X-CSRFToken"] = csrfToken();
  });
}

export { htmx };

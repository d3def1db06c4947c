// Which of the four areas is seen: on phones the address decides, the details are one step further with their own way back.
import { clonePart, inbox, openConversation } from "./parts";
import { htmx } from "./server";

const PATIENCE = 300;
const narrow = matchMedia("(max-width: 899px)");
const wide = matchMedia("(min-width: 1280px)");

export function setUpScreens(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    if (target.closest("#details-toggle")) setDetails(!detailsOpen());
    else if (target.closest("#details-close")) closeDetails();
  });
  // Before htmx: stepping back from the details is not a new page.
  addEventListener("popstate", (event) => {
    if (!narrow.matches || inbox().dataset.details !== "open") return;
    setDetails(false, false);
    event.stopImmediatePropagation();
  }, { capture: true });
  document.addEventListener("htmx:pushedIntoHistory", settleScreen);
  document.addEventListener("htmx:replacedInHistory", settleScreen);
  document.addEventListener("htmx:beforeRequest", (event) => {
    const detail = (event as CustomEvent<{ target: HTMLElement; elt: HTMLElement; xhr: XMLHttpRequest }>).detail;
    if (detail.target.id === "conversation") showLoading(detail.elt, detail.xhr);
  });
  wide.addEventListener("change", settleScreen);
  const kept = localStorage.getItem("details");
  if (wide.matches && kept) inbox().dataset.details = kept;
}

/** The address names the screen. */
export function settleScreen(): void {
  const screen = /^\/inbox\/\d+\//.test(location.pathname) ? "conversation" : "list";
  inbox().dataset.screen = screen;
  document.querySelector<HTMLElement>(".sidebar:popover-open")?.hidePopover();
  document.getElementById("details-toggle")?.setAttribute("aria-expanded", String(detailsOpen()));
  const open = openConversation();
  const title = open ? `№${open.number} ${document.getElementById("talk-title")?.textContent ?? ""}` : document.getElementById("list-title")?.textContent;
  document.title = `${title?.trim()} · ${document.title.split(" · ").at(-1)}`;
}

function detailsOpen(): boolean {
  return wide.matches ? inbox().dataset.details !== "closed" : inbox().dataset.details === "open";
}

function setDetails(open: boolean, step = true): void {
  inbox().dataset.details = open ? "open" : "closed";
  if (wide.matches) localStorage.setItem("details", open ? "open" : "closed");
  else if (open && narrow.matches && step) history.pushState(history.state, "", location.href);
  document.getElementById("details-toggle")?.setAttribute("aria-expanded", String(open));
  if (open && !wide.matches) document.getElementById("details-close")?.focus();
}

function closeDetails(): void {
  if (narrow.matches) history.back();
  else setDetails(false);
  document.getElementById("details-toggle")?.focus();
}

/** The row answers at once; the pane turns into a skeleton only when the server is slow. */
function showLoading(link: HTMLElement, request: XMLHttpRequest): void {
  for (const row of document.querySelectorAll("#rows [aria-current]")) row.removeAttribute("aria-current");
  if (link.closest("#rows")) link.setAttribute("aria-current", "true");
  if (narrow.matches) inbox().dataset.screen = "conversation";
  if (!wide.matches) inbox().dataset.details = "closed";
  const timer = setTimeout(() => {
    const pane = document.getElementById("conversation")!;
    pane.replaceChildren(clonePart("skeleton"));
    htmx.process(pane);
  }, narrow.matches ? 0 : PATIENCE);
  request.addEventListener("loadend", () => clearTimeout(timer));
}

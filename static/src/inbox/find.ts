// Search inside the open conversation: the server knows the forms of words, the page jumps from one answer to the next.
import { openConversation } from "./parts";
import { jumpTo } from "./reading";
import { fetchHtml } from "./server";

interface Found { id: string; words: string[] }

const PAUSE = 200;
let found: Found[] = [];
let at = 0;
let asked = "";
let timer = 0;

const bar = (): HTMLElement | null => document.getElementById("find-bar");
const field = (): HTMLInputElement => document.querySelector<HTMLInputElement>("#find-text")!;

export function setUpFind(): void {
  document.addEventListener("click", (event) => {
    const id = (event.target as Element).closest("button")?.id;
    if (id === "find") open();
    else if (id === "find-close") close();
    else if (id === "find-earlier") step(-1);
    else if (id === "find-later") step(1);
  });
  document.addEventListener("input", (event) => {
    if (event.target !== field()) return;
    clearTimeout(timer);
    timer = window.setTimeout(() => void ask(), PAUSE);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target !== document.getElementById("find-text")) return;
    if (event.key === "Escape") close();
    else if (event.key === "Enter") {
      event.preventDefault();
      if (asked === field().value) step(event.shiftKey ? 1 : -1);
      else void ask();
    }
  });
  document.addEventListener("inbox:changed", paint);
  document.addEventListener("htmx:afterSettle", paint);
}

function open(): void {
  bar()!.hidden = false;
  field().select();
  field().focus();
}

function close(): void {
  bar()!.hidden = true;
  field().value = asked = "";
  found = [];
  paint();
  document.querySelector<HTMLElement>("#more-actions > summary")?.focus();
}

async function ask(): Promise<void> {
  clearTimeout(timer);
  const [here, text] = [openConversation(), field().value];
  if (!here) return;
  const answer = text.trim() ? await fetchHtml(`/inbox/${here.number}/find/?${new URLSearchParams({ q: text })}`).catch(() => null) : "";
  // Without an answer the old one stays; asking again is one key away.
  if (answer === null || bar()?.hidden || field().value !== text) return;
  asked = text;
  found = answer ? (JSON.parse(answer) as { found: Found[] }).found : [];
  at = found.length - 1;
  step(0);
}

/** The newest comes first: Enter goes up, like reading back. */
function step(by: number): void {
  if (found.length) at = (at + by + found.length) % found.length;
  const count = document.getElementById("find-count")!;
  count.textContent = found.length ? `${at + 1} / ${found.length}` : asked.trim() ? count.dataset.none! : "";
  const one = found[at];
  if (one) void jumpTo(one.id).then(paint);
  else paint();
}

/** The words themselves, without touching the page: it is morphed while it is read. */
function paint(): void {
  CSS.highlights?.delete("found");
  if (!found.length || bar()?.hidden !== false) return;
  const ranges = found.flatMap((one) => {
    const text = document.querySelector(`#m-${one.id} .bubble__text`);
    return text ? rangesOf(text, one.words) : [];
  });
  CSS.highlights?.set("found", new Highlight(...ranges));
}

function rangesOf(text: Element, words: string[]): Range[] {
  const ranges: Range[] = [];
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const word of words) {
      for (let from = node.nodeValue!.indexOf(word); from >= 0; from = node.nodeValue!.indexOf(word, from + word.length)) {
        const range = new Range();
        range.setStart(node, from);
        range.setEnd(node, from + word.length);
        ranges.push(range);
      }
    }
  }
  return ranges;
}

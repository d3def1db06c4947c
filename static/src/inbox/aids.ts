// What a model does for the agent: the server draws it (templates/ai_assistant/_aid.html), here it is waited for and put into the
// composer. The agent goes on writing meanwhile: words that have changed since are not overwritten.
import { apply, parse } from "./fragments";
import { inPart } from "./parts";
import { fetchHtml, Refused } from "./server";

const PAUSE = 700;

const field = (): HTMLTextAreaElement | null => document.querySelector<HTMLTextAreaElement>("#text");
const place = (): HTMLElement | null => document.getElementById("aid");

/** The words that were sent to be rewritten. */
let before = "";
/** The aid whose words are in the field, or were looked at. */
let settled = "";
const followed = new WeakMap<HTMLElement, string>();

export function setUpAids(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    if (target.closest("[data-aid]")) {
      before = field()?.value ?? "";
      document.querySelector<HTMLDetailsElement>("#aids")!.open = false;
    }
    const act = target.closest<HTMLElement>("[data-aid-act]")?.dataset.aidAct;
    if (act) put(act === "undo" ? before : words(), act === "undo");
  });
  document.addEventListener("inbox:changed", settle);
}

function settle(): void {
  for (const element of document.querySelectorAll<HTMLElement>("[data-aid-poll]")) {
    if (followed.get(element) === element.dataset.aidPoll) continue;
    followed.set(element, element.dataset.aidPoll!);
    void follow(element);
  }
  const done = document.querySelector<HTMLElement>("#aid[data-aid-words]");
  if (!done) return;
  if (done.dataset.aidId === settled) {
    // Sent, or thrown away: nobody's draft any more.
    if (!field()?.value) done.hidden = true;
    return;
  }
  settled = done.dataset.aidId!;
  if (field()?.value === before) put(words(), false);
  else offer(false);
}

const words = (): string => inPart(place()!, "text").textContent ?? "";

/** Asks until it is there, was cancelled, or another conversation is on the screen. */
async function follow(element: HTMLElement): Promise<void> {
  const path = element.dataset.aidPoll!;
  const isWanted = (): boolean => element.isConnected && element.dataset.aidPoll === path;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (!isWanted()) return;
    try {
      const html = await fetchHtml(path);
      if (isWanted()) apply(parse(html));
    } catch (error) {
      // Without a network it is asked again; what the server refuses stays refused.
      if (error instanceof Refused && !error.again) return;
    }
  }
}

/** As if it were typed, so that the browser's own undo works too and the draft is kept. */
function put(text: string, undone: boolean): void {
  const target = field();
  if (!target) return;
  target.focus();
  target.setSelectionRange(0, target.value.length);
  if (!document.execCommand("insertText", false, text)) {
    target.value = text;
    target.dispatchEvent(new Event("input", { bubbles: true }));
  }
  offer(!undone);
}

/** `isIn`: the words stand in the field. */
function offer(isIn: boolean): void {
  const show = (act: string, on: boolean): void => {
    const button = place()?.querySelector<HTMLElement>(`[data-aid-act=${act}]`);
    if (button) button.hidden = !on;
  };
  show("undo", isIn);
  show("put", !isIn);
  const text = place()?.querySelector<HTMLElement>("[data-part=text]");
  if (text) text.hidden = isIn;
}

// The menu above the text: macros with their preview, colleagues, emoji. The focus stays in the text; the chosen line is told to
// screen readers as the active one of a list that belongs to the field.
import type { Action } from "../armed";
import type { Place, Sign, Writer } from "../expander";
import { EMOJI } from "./emoji";
import { found } from "./matching";

export interface Macro { id: string; name: string; text: string; open: string[]; actions: Action[] }
interface Choice { label: string; hint?: string; macro?: Macro; take(): void }

const MOST = 50;
const box = (): HTMLElement => document.getElementById("expander")!;
const list = (): HTMLElement => box().querySelector<HTMLElement>("[role=listbox]")!;
const field = (): HTMLTextAreaElement => document.querySelector<HTMLTextAreaElement>("#text")!;

let shown: { place: Place; writer: Writer; button: boolean; choices: Choice[]; at: number } | null = null;
let macros: { number: string; all: Promise<Macro[]> } | null = null;
let colleagues: Promise<{ reference: string; name: string; team: boolean }[]> | null = null;

/** `button`: the sign was not typed, so it goes with the menu. */
export async function show(place: Place, writer: Writer, button: boolean): Promise<void> {
  const kept = shown?.button && shown.place.start === place.start;
  const choices = await choicesFor(place, writer);
  // Typed on meanwhile: another call has come, or nothing fits any more.
  if (field().selectionStart !== place.end) return;
  if (!choices.length && place.query && !(place.sign === "/" && !place.query.includes(" "))) return hide();
  shown = { place, writer, button: button || Boolean(kept), choices, at: 0 };
  paint();
}

export function hide(): void {
  if (!shown) return;
  shown = null;
  box().hidden = true;
  for (const name of ["aria-controls", "aria-activedescendant", "aria-autocomplete", "aria-haspopup"]) field().removeAttribute(name);
}

async function choicesFor({ sign, query }: Place, writer: Writer): Promise<Choice[]> {
  if (sign === ":") {
    return found(query, EMOJI, (one) => one.names).map((one) => ({ label: one.sign, hint: one.names, take: () => put(one.sign) }));
  }
  if (sign === "@") {
    return found(query, await readColleagues(), (one) => one.name).slice(0, MOST).map((one) => ({
      label: one.name,
      hint: one.team ? box().dataset.team : "",
      take: () => { put(`@${one.name} `); writer.mention(one.reference, one.name); },
    }));
  }
  return found(query, await readMacros(), (one) => one.name).slice(0, MOST).map((macro) => ({
    label: macro.name, hint: macro.text.split("\n")[0], macro, take: () => { put(macro.text); writer.useMacro(macro); },
  }));
}

/** In the place of the sign and what was typed behind it. */
function put(text: string): void {
  const { place, writer } = shown!;
  hide();
  writer.replace(place.start, place.end, text);
}

async function readMacros(): Promise<Macro[]> {
  const number = document.getElementById("talk")!.dataset.number!;
  if (macros?.number !== number) {
    macros = { number, all: read<{ macros: Macro[] }>(`/inbox/${number}/macros/`).then((answer) => answer.macros) };
    macros.all.catch(() => { macros = null; });
    // What a macro says may change, and so may the customer's name.
    setTimeout(() => { macros = null; }, 60_000);
  }
  return macros.all.catch(() => []);
}

async function readColleagues(): Promise<{ reference: string; name: string; team: boolean }[]> {
  colleagues ??= read<{ colleagues: { reference: string; name: string; team: boolean }[] }>("/inbox/colleagues/").then((answer) => answer.colleagues);
  return colleagues.catch(() => { colleagues = null; return []; });
}

async function read<T>(path: string): Promise<T> {
  const answer = await fetch(path, { headers: { "HX-Request": "true" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()) as T;
}

// ---- Drawing --------------------------------------------------------------------------------------------------------

const LABELS: Record<Sign, string> = { "/": "macros", "@": "colleagues", ":": "emoji" };

function paint(): void {
  const { place, choices } = shown!;
  box().hidden = false;
  box().dataset.shows = LABELS[place.sign];
  list().setAttribute("aria-label", box().dataset[LABELS[place.sign]]!);
  list().replaceChildren(...choices.map(line));
  box().querySelector<HTMLElement>(".expander__none")!.hidden = choices.length > 0;
  field().setAttribute("aria-controls", list().id);
  field().setAttribute("aria-autocomplete", "list");
  field().setAttribute("aria-haspopup", "listbox");
  mark();
}

function line(choice: Choice, at: number): HTMLElement {
  const item = document.createElement("li");
  item.id = `choice-${at}`;
  item.setAttribute("role", "option");
  const label = document.createElement("span");
  label.textContent = choice.label;
  item.append(label);
  if (choice.hint) {
    const hint = document.createElement("span");
    hint.className = shown!.place.sign === ":" ? "sr-only" : "muted small clip";
    hint.textContent = choice.hint;
    item.append(hint);
    if (shown!.place.sign === ":") item.title = choice.hint;
  }
  // The focus stays in the text.
  item.addEventListener("pointerdown", (event) => event.preventDefault());
  item.addEventListener("click", () => choice.take());
  return item;
}

function mark(): void {
  const { choices, at } = shown!;
  for (const [number, item] of [...list().children].entries()) item.setAttribute("aria-selected", String(number === at));
  const active = list().children[at];
  active?.scrollIntoView({ block: "nearest" });
  if (active) field().setAttribute("aria-activedescendant", active.id);
  else field().removeAttribute("aria-activedescendant");
  preview(choices[at]?.macro);
}

/** The text as it will stand, names that stand for nothing marked, and what is done with it. */
function preview(macro?: Macro): void {
  const place = box().querySelector<HTMLElement>(".expander__preview")!;
  place.hidden = !macro;
  if (!macro) return;
  const text = document.createElement("p");
  let rest = macro.text;
  while (rest) {
    const next = macro.open.map((token) => ({ token, at: rest.indexOf(token) })).filter(({ at }) => at >= 0).sort((a, b) => a.at - b.at)[0];
    text.append(next ? rest.slice(0, next.at) : rest);
    if (!next) break;
    const token = document.createElement("mark");
    token.textContent = next.token;
    text.append(token);
    rest = rest.slice(next.at + next.token.length);
  }
  const actions = document.createElement("ul");
  actions.append(...macro.actions.map((action) => Object.assign(document.createElement("li"), { className: "badge", textContent: action.words })));
  place.replaceChildren(...(macro.text ? [text] : []), actions);
}

// ---- Keys -----------------------------------------------------------------------------------------------------------

// Before everybody else's: Enter and Escape mean the menu while it is open.
addEventListener("keydown", (event) => {
  if (!shown || event.target !== field() || event.isComposing) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return hide();
  const columns = shown.place.sign === ":" ? 8 : 1;
  const steps: Record<string, number> = {
    ArrowDown: columns, ArrowUp: -columns, ...(columns > 1 ? { ArrowRight: 1, ArrowLeft: -1 } : {}),
  };
  const step = steps[event.key];
  const count = shown.choices.length;
  if (step !== undefined && count) {
    shown.at = (shown.at + step + count) % count;
    mark();
  } else if ((event.key === "Enter" && !event.shiftKey || event.key === "Tab") && count) shown.choices[shown.at]!.take();
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, { capture: true });

function close(): void {
  const { place, writer, button } = shown!;
  hide();
  if (button && place.end > place.start) writer.replace(place.start, place.end, "");
}

document.addEventListener("focusout", (event) => {
  if (event.target === field() && shown && !box().contains(event.relatedTarget as Node | null)) hide();
});

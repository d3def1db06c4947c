// Writing: reply or note, quote, files. Each has a draft of its own (drafts.ts): changing between them changes the text.
import { newId } from "../../../widget/src/id";
import { arm, armed, readArmed, showArmed } from "./armed";
import { begunKind, draftOf, hasBegun, isMoved, keepDraft, setUpDrafts, takeServed } from "./drafts";
import { setUpExpander, type Writer } from "./expander";
import { OF_NOTES, offerFormats, setUpFormats } from "./formats";
import { apply, parse } from "./fragments";
import { type Outgoing, post } from "./outbox";
import { openConversation, toast, word } from "./parts";
import { fetchHtml, Refused } from "./server";
import { wallClock } from "./times";
import { clearUploads, showUploaded, upload, uploaded, uploading } from "./uploads";

// tickets/services/post.py MAX_TEXT
const LONGEST = 20_000;

const form = (): HTMLFormElement | null => document.querySelector<HTMLFormElement>("#composer");
const text = (): HTMLTextAreaElement => document.querySelector<HTMLTextAreaElement>("#text")!;
// FormData would have the style of every field computed.
const kind = (): Outgoing["kind"] => (form()!.elements.namedItem("kind") as RadioNodeList).value as Outgoing["kind"];
const hidden = (name: string): HTMLInputElement => form()!.elements.namedItem(name) as HTMLInputElement;
const quote = (): HTMLElement => document.getElementById("quote")!;

// The newest message when the person began to write: whoever adds something after it has not been read.
let seen = "";
/** Whose words stand in the field. */
let shown: { number: string; kind: Outgoing["kind"] } | null = null;
let tellTyping: (on: boolean) => void = () => undefined;

export function setUpComposer(typing: (on: boolean) => void): void {
  tellTyping = typing;
  document.addEventListener("submit", (event) => {
    if (event.target !== form()) return;
    event.preventDefault();
    submit((event as SubmitEvent).submitter?.getAttribute("value") ?? "");
  });
  document.addEventListener("input", (event) => {
    if (event.target === text()) noteInput();
  });
  document.addEventListener("change", (event) => {
    const target = event.target as HTMLElement;
    if (target.id === "files") pick(target as HTMLInputElement);
    else if ((target as HTMLInputElement).name === "kind") setMode(kind());
    else if (target === place()) knowPlace();
  });
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const quoted = target.closest<HTMLElement>("[data-quote]");
    if (quoted) setQuote(quoted.dataset.quote!, quoted.closest(".item")!.querySelector(".bubble__text")?.textContent ?? "");
    else if (target.closest("#unquote")) setQuote("", "");
  });
  document.addEventListener("taken-back", (event) => takeWordsBack((event as CustomEvent<{ text: string }>).detail.text));
  document.addEventListener("focusout", (event) => {
    if ((event.target as Element).id === "text") tellTyping(false);
  });
  setUpDrafts((changed) => { if (form() && changed === shown?.kind) showDraft(); else showBegun(); });
  setUpExpander(writer);
  setUpFormats();
  setUpDropping();
}

/** A conversation has come to the screen. */
export function mountComposer(): void {
  shown = null;
  if (!form()) return;
  seen = newest();
  const { number } = openConversation()!;
  takeServed(number, form()!.dataset.drafts ?? "");
  settlePlaces();
  setMode(isClosed() ? "note" : (begunKind(number) ?? "public"));
}

function showDraft(): void {
  const draft = draftOf(shown!.number, shown!.kind);
  clearUploads();
  text().value = draft?.text ?? "";
  hidden("mentions").value = draft?.mentions ?? "";
  showQuote(draft?.replyTo ?? "", draft?.quote ?? "");
  showArmed(draft?.macro ?? "", saveDraft);
  showUploaded(draft?.files ?? []);
  fit();
  count();
  showBegun();
}

/** A sign at the kind of writing that is begun and not shown, and a choice where another window has written too. */
function showBegun(): void {
  if (!form() || !shown) return;
  for (const radio of form()!.querySelectorAll<HTMLInputElement>("[name=kind]")) {
    const begun = radio.value !== shown.kind && hasBegun(shown.number, radio.value as Outgoing["kind"]);
    radio.parentElement!.querySelector<HTMLElement>(".composer__begun")!.hidden = !begun;
  }
  document.getElementById("draft-moved")!.hidden = !isMoved(shown.number, shown.kind);
}

/** After live changes: a closed conversation takes notes only. */
export function settleComposer(): void {
  if (!form()) return;
  if (kind() === "public" && !text().value && !uploaded().length) seen = newest();
  settlePlaces();
  const reply = form()!.querySelector<HTMLInputElement>("[name=kind][value=public]")!;
  reply.disabled = isClosed();
  if (isClosed() && kind() !== "note") setMode("note");
}

/** Its own messages do not matter to the server, so those that still wait need no id. In the middle of a thread nothing new is
 * seen. */
const newest = (): string => document.getElementById("thread-later") ? seen : [...document.querySelectorAll<HTMLElement>("#thread > [data-message]")].at(-1)?.dataset.message ?? "0";

/** Of several places of one customer those that take no free text now cannot be chosen. */
function settlePlaces(): void {
  const closed = (document.querySelector<HTMLElement>("#composer-state")?.dataset.closedPlaces ?? "").split(" ");
  const select = place();
  if (select) {
    for (const option of select.options) option.disabled = closed.includes(option.value);
    const open = [...select.options].find((option) => !option.disabled);
    if (open && select.selectedOptions[0]?.disabled) open.selected = true;
  }
  knowPlace();
}

/** The limit and the marks are those of the channel that the message will go through. */
function knowPlace(): void {
  const chosen = place()?.selectedOptions[0];
  if (chosen) Object.assign(form()!.dataset, { limit: chosen.dataset.limit, formats: chosen.dataset.formats });
  offerFormats(kind() === "note" ? OF_NOTES : (form()!.dataset.formats ?? ""));
  count();
}

const place = (): HTMLSelectElement | null => form()?.querySelector<HTMLSelectElement>("select[name=address]") ?? null;

export function write(mode: Outgoing["kind"]): void {
  if (!form()) return;
  setMode(isClosed() ? "note" : mode);
  text().focus();
}

/** What was taken back before it left stands in the field again, above what is there. */
function takeWordsBack(words: string): void {
  if (!form() || !words) return;
  write("public");
  text().value = [words, text().value].filter((part) => part.trim()).join("\n");
  noteInput();
}

/** A message that the server refused comes back to be changed. */
export function edit(message: Outgoing): void {
  write(message.kind);
  if (text().value.trim()) message.text = `${text().value}\n${message.text}`;
  text().value = message.text;
  hidden("mentions").value ||= message.mentions ?? "";
  if (message.macro) showArmed(message.macro, saveDraft);
  showUploaded(message.files);
  // What stopped it has been read.
  seen = newest();
  noteInput();
}

const isClosed = (): boolean => Boolean(document.querySelector("#composer-state[data-closed]"));

function setMode(mode: Outgoing["kind"]): void {
  const composer = form()!;
  for (const radio of composer.querySelectorAll<HTMLInputElement>("[name=kind]")) radio.checked = radio.value === mode;
  composer.dataset.mode = mode === "note" ? "note" : "reply";
  text().placeholder = (mode === "note" ? text().dataset.note : text().dataset.reply) ?? "";
  if (mode === "note") tellTyping(false);
  if (shown?.kind !== mode) {
    shown = { number: openConversation()!.number, kind: mode };
    showDraft();
  }
  knowPlace();
}

function setQuote(id: string, words: string): void {
  if (id) write("public");
  showQuote(id, words);
  saveDraft();
}

function showQuote(id: string, words: string): void {
  hidden("reply_to").value = id;
  quote().hidden = !id;
  quote().querySelector("span")!.textContent = words.trim().slice(0, 140) || "…";
}

function noteInput(): void {
  fit();
  count();
  saveDraft();
  tellTyping(kind() === "public" && text().value.trim() !== "");
}

/** Browsers without `field-sizing` need the height told. */
function fit(): void {
  if (CSS.supports("field-sizing", "content")) return;
  text().rows = Math.min(14, Math.max(2, text().value.split("\n").length));
}

/** Shown when the channel's limit comes near; beyond it the text leaves in several messages. */
function count(): void {
  const limit = Number(form()!.dataset.limit);
  const length = text().value.length;
  const shown = limit > 0 && kind() === "public" && length > limit * 0.8;
  const counter = document.getElementById("count")!;
  const parts = Math.ceil(length / limit);
  counter.textContent = shown ? `${length} / ${limit}${parts > 1 ? ` · ×${parts}` : ""}` : "";
  counter.classList.toggle("composer__count--over", shown && length > limit);
}

function saveDraft(): void {
  if (!form() || !shown) return;
  const quoted = quote().querySelector("span")!.textContent ?? "";
  keepDraft(shown.number, shown.kind, {
    text: text().value, replyTo: hidden("reply_to").value, quote: hidden("reply_to").value && quoted,
    mentions: hidden("mentions").value, macro: armed(), files: uploaded(),
  });
}

function submit(status: string): void {
  const words = text().value.trim();
  if (uploading()) return toast(word("busy"));
  if (!words && !uploaded().length) return text().focus();
  if (words.length > LONGEST) return toast(word("tooLong"));
  if (unfilled(words)) return;
  const later = status === "later" ? readHour() : {};
  if (!later) return;
  post({
    clientId: newId(), at: Date.now(), number: openConversation()!.number, text: words, kind: kind(), files: uploaded(),
    seen, replyTo: hidden("reply_to").value, mentions: kind() === "note" ? named(words) : "", macro: armed(),
    status: kind() === "public" && status !== "later" ? status : "",
    ...(kind() === "public" ? { address: String(new FormData(form()!).get("address") ?? "") } : {}),
    ...later,
  });
  tellTyping(false);
  text().value = "";
  hidden("mentions").value = "";
  showArmed("", saveDraft);
  clearUploads();
  showQuote("", "");
  fit();
  count();
  saveDraft();
  text().focus();
}

/** Names of a macro that stand for nothing here are not sent: the first one is shown to be filled in. */
function unfilled(words: string): boolean {
  const token = readArmed(armed()).open.find((one) => words.includes(one));
  if (!token) return false;
  const at = text().value.indexOf(token);
  text().focus();
  text().setSelectionRange(at, at + token.length);
  toast(`${word("unfilled")} ${token}`);
  return true;
}

// ---- What the menus put in (expander.ts) ----------------------------------------------------------------------------

const names = new Map<string, string>();

/** Those mentioned whose names still stand in the text. */
function named(words: string): string {
  const references = hidden("mentions").value.split(",").filter(Boolean);
  return references.filter((one) => words.includes(`@${names.get(one) ?? ""}`)).join(",");
}

const writer: Writer = {
  isNote: () => kind() === "note",
  replace(start, end, words) {
    text().focus();
    text().setSelectionRange(start, end);
    if (document.execCommand(words ? "insertText" : "delete", false, words)) return;
    text().setRangeText(words, start, end, "end");
    noteInput();
  },
  mention(reference, name) {
    names.set(reference, name);
    hidden("mentions").value = [...new Set([...hidden("mentions").value.split(","), reference])].filter(Boolean).join(",");
    saveDraft();
  },
  useMacro(macro) {
    if (macro.text) {
      arm(macro, saveDraft);
      saveDraft();
    } else void run(macro.id);
  },
};

/** A macro without words is done at once. */
async function run(id: string): Promise<void> {
  try {
    const { number } = openConversation()!;
    apply(parse(await fetchHtml(`/inbox/${number}/macros/${id}/`, { body: new FormData() })));
  } catch (error) {
    toast((error instanceof Refused && error.message) || word("failed"));
  }
}

/** The hour chosen in «Send later», which the server reads in the person's time zone; null when there is none yet. */
function readHour(): { sendAt: string; cancelOnReply: boolean } | null {
  const hour = document.querySelector<HTMLInputElement>("#send-at")!;
  hour.setCustomValidity(hour.value > wallClock(new Date()) ? "" : word("future"));
  if (!hour.reportValidity()) return null;
  const cancelOnReply = document.querySelector<HTMLInputElement>("#cancel-on-reply")!.checked;
  document.querySelector<HTMLDetailsElement>("#later")!.open = false;
  return { sendAt: hour.value, cancelOnReply };
}

function pick(input: HTMLInputElement): void {
  upload(input.files ?? [], saveDraft);
  input.value = "";
}

function setUpDropping(): void {
  document.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files;
    if (event.target === document.getElementById("text") && files?.length) {
      event.preventDefault();
      upload(files, saveDraft);
    }
  });
  const inside = (event: DragEvent): boolean =>
    Boolean((event.target as Element).closest?.("#talk") && event.dataTransfer?.types.includes("Files"));
  document.addEventListener("dragover", (event) => {
    if (!inside(event)) return;
    event.preventDefault();
    form()!.dataset.dragging = "";
  });
  for (const kind of ["dragleave", "drop"] as const) {
    document.addEventListener(kind, () => { if (form()) delete form()!.dataset.dragging; });
  }
  document.addEventListener("drop", (event) => {
    if (!inside(event)) return;
    event.preventDefault();
    upload(event.dataTransfer!.files, saveDraft);
  });
}

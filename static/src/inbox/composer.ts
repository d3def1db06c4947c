// Writing: reply or note, quote, files, draft. The text is never taken away: each conversation keeps its own in localStorage.
import { newId } from "../../../widget/src/id";
import { OF_NOTES, offerFormats, setUpFormats } from "./formats";
import { type File as Stored, type Outgoing, post } from "./outbox";
import { inbox, openConversation, toast, word } from "./parts";
import { clearUploads, showUploaded, upload, uploaded, uploading } from "./uploads";

// tickets/services/post.py MAX_TEXT
const LONGEST = 20_000;

interface Draft { text: string; kind: Outgoing["kind"]; replyTo: string; quote: string; files: Stored[] }

const form = (): HTMLFormElement | null => document.querySelector<HTMLFormElement>("#composer");
const text = (): HTMLTextAreaElement => document.querySelector<HTMLTextAreaElement>("#text")!;
const kind = (): Outgoing["kind"] => new FormData(form()!).get("kind") as Outgoing["kind"];
const replyTo = (): HTMLInputElement => form()!.elements.namedItem("reply_to") as HTMLInputElement;
const quote = (): HTMLElement => document.getElementById("quote")!;

// The newest message when the person began to write: whoever adds something after it has not been read.
let seen = "";
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
  document.addEventListener("keydown", onKey);
  setUpFormats();
  setUpDropping();
}

/** A conversation has come to the screen. */
export function mountComposer(): void {
  if (!form()) return;
  seen = newest();
  const draft = JSON.parse(localStorage.getItem(draftKey()) ?? "null") as Draft | null;
  clearUploads();
  text().value = draft?.text ?? "";
  showQuote(draft?.replyTo ?? "", draft?.quote ?? "");
  showUploaded(draft?.files ?? []);
  settlePlaces();
  setMode(isClosed() ? "note" : (draft?.kind ?? "public"));
}

/** After live changes: a closed conversation takes notes only. */
export function settleComposer(): void {
  if (!form()) return;
  if (!text().value && !uploaded().length) seen = newest();
  settlePlaces();
  const reply = form()!.querySelector<HTMLInputElement>("[name=kind][value=public]")!;
  reply.disabled = isClosed();
  if (isClosed() && kind() !== "note") setMode("note");
}

/** Its own messages do not matter to the server, so those that still wait need no id. */
const newest = (): string => [...document.querySelectorAll<HTMLElement>("#thread > [data-message]")].at(-1)?.dataset.message ?? "0";

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

const place = (): HTMLSelectElement | null => form()!.querySelector<HTMLSelectElement>("select[name=address]");

export function write(mode: Outgoing["kind"]): void {
  if (!form()) return;
  setMode(isClosed() ? "note" : mode);
  text().focus();
}

/** What was taken back before it left stands in the field again, above what is there. */
function takeWordsBack(words: string): void {
  if (!form() || !words) return;
  text().value = [words, text().value].filter((part) => part.trim()).join("\n");
  write("public");
  noteInput();
}

/** A message that the server refused comes back to be changed. */
export function edit(message: Outgoing): void {
  if (text().value.trim()) message.text = `${text().value}\n${message.text}`;
  text().value = message.text;
  showUploaded(message.files);
  // What stopped it has been read.
  seen = newest();
  write(message.kind);
  noteInput();
}

const isClosed = (): boolean => Boolean(document.querySelector("#composer-state[data-closed]"));

function setMode(mode: Outgoing["kind"]): void {
  const composer = form()!;
  for (const radio of composer.querySelectorAll<HTMLInputElement>("[name=kind]")) radio.checked = radio.value === mode;
  composer.dataset.mode = mode === "note" ? "note" : "reply";
  text().placeholder = (mode === "note" ? text().dataset.note : text().dataset.reply) ?? "";
  if (mode === "note") tellTyping(false);
  knowPlace();
  saveDraft();
}

function setQuote(id: string, words: string): void {
  showQuote(id, words);
  if (id) write("public");
  saveDraft();
}

function showQuote(id: string, words: string): void {
  replyTo().value = id;
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

const draftKey = (): string => `draft:${inbox().dataset.user}:${openConversation()?.number}`;

function saveDraft(): void {
  const draft: Draft = {
    text: text().value, kind: kind(), replyTo: replyTo().value, quote: quote().querySelector("span")!.textContent ?? "",
    files: uploaded(),
  };
  try {
    if (draft.text || draft.files.length || draft.replyTo) localStorage.setItem(draftKey(), JSON.stringify(draft));
    else localStorage.removeItem(draftKey());
  } catch {
    // Storage is full or forbidden: the text is still in the field.
  }
}

function submit(status: string): void {
  const words = text().value.trim();
  if (uploading()) return toast(word("busy"));
  if (!words && !uploaded().length) return text().focus();
  if (words.length > LONGEST) return toast(word("tooLong"));
  const later = status === "later" ? readHour() : {};
  if (!later) return;
  post({
    clientId: newId(), at: Date.now(), number: openConversation()!.number, text: words, kind: kind(), files: uploaded(),
    seen, replyTo: replyTo().value, status: kind() === "public" && status !== "later" ? status : "",
    ...(kind() === "public" ? { address: String(new FormData(form()!).get("address") ?? "") } : {}),
    ...later,
  });
  tellTyping(false);
  text().value = "";
  clearUploads();
  showQuote("", "");
  fit();
  count();
  saveDraft();
  text().focus();
}

/** The hour chosen in «Send later», as the server reads it; null when there is none yet. */
function readHour(): { sendAt: string; cancelOnReply: boolean } | null {
  const hour = document.querySelector<HTMLInputElement>("#send-at")!;
  const at = new Date(hour.value);
  hour.setCustomValidity(at.getTime() > Date.now() ? "" : word("future"));
  if (!hour.reportValidity()) return null;
  const cancelOnReply = document.querySelector<HTMLInputElement>("#cancel-on-reply")!.checked;
  document.querySelector<HTMLDetailsElement>("#later")!.open = false;
  return { sendAt: at.toISOString(), cancelOnReply };
}

function onKey(event: KeyboardEvent): void {
  if (event.target !== document.getElementById("text") || event.isComposing) return;
  if (event.code === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    submit(event.shiftKey ? "solved" : "");
  } else if (event.key === "Escape") text().blur();
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

// What is begun, one reply and one note for each conversation: kept in localStorage at once, so that it needs no network, and on
// the server a moment later, so that every device of the agent has it. The server takes words only over the version that they
// were written over; where another window was there meanwhile, the agent chooses.
import type { DraftFrame } from "./feed";
import type { File as Stored, Outgoing } from "./outbox";
import { inbox, openConversation } from "./parts";
import { csrfToken } from "./server";

type Kind = Outgoing["kind"];
export interface Draft { text: string; replyTo: string; quote: string; mentions: string; macro: string; files: Stored[] }
interface Kept {
  draft: Draft;
  /** Of the server's words that these were written over; "0": there were none. */
  version: string;
  /** Written and not yet on the server. */
  dirty: boolean;
  /** When it was last changed, by this device's clock or the server's. */
  at: number;
  /** The text that was last on its way there: found on the server, it is ours, whatever its version. */
  sent?: string;
}
interface Served { kind: Kind; text: string; version: string; reply_to?: string; quote?: string; mentions?: string; macro?: string; files?: Stored[] }

const PAUSE = 800;
const AGAIN = 5_000;
// Above it no browser lets a request outlive its page.
const KEEPALIVE = 60_000;
const KINDS: Kind[] = ["public", "note"];

const known = new Map<string, Kept>();
const saving = new Set<string>();
const timers = new Map<string, number>();
/** What another window has written meanwhile (null: it has sent or emptied it), until the agent has chosen. */
const moved = new Map<string, Served | null>();
let show: (kind: Kind) => void = () => undefined;

const nameOf = (number: string, kind: Kind): string => `${number}:${kind}`;
const prefix = (): string => `draft:${inbox().dataset.user}:`;
const isEmpty = (draft: Draft): boolean => !draft.text.trim() && !draft.files.length && !draft.replyTo;

/** `changed`: a draft of the open conversation is another than before. */
export function setUpDrafts(changed: (kind: Kind) => void): void {
  show = changed;
  for (const key of Object.keys(localStorage).filter((one) => one.startsWith(prefix()))) {
    const kept = JSON.parse(localStorage.getItem(key)!) as Kept;
    const name = key.slice(prefix().length);
    if (!kept.draft) localStorage.removeItem(key);
    else {
      known.set(name, kept);
      if (kept.dirty) plan(name, 0);
    }
  }
  addEventListener("online", saveAll);
  addEventListener("pagehide", saveAll);
  document.addEventListener("visibilitychange", () => { if (document.hidden) saveAll(); });
  document.addEventListener("click", (event) => {
    const choice = (event.target as Element).closest<HTMLElement>("[data-draft]")?.dataset.draft;
    if (choice) choose(choice === "theirs");
  });
}

/** A conversation has come with the drafts that the server has of it; without them they are asked for. */
export function takeServed(number: string, given: string): void {
  if (!given) return void refresh(number, KINDS);
  const served = JSON.parse(given) as Served[];
  for (const kind of KINDS) reconcile(nameOf(number, kind), served.find((one) => one.kind === kind) ?? null);
}

/** Both sides of one draft brought together. Returns whether the words here have changed. */
function reconcile(name: string, served: Served | null): boolean {
  const kept = known.get(name);
  moved.delete(name);
  if (kept?.dirty && !saving.has(name) && kept.version !== (served?.version ?? "0")) {
    if (kept.draft.text === served?.text || (served && kept.sent === served.text)) kept.version = served.version;
    else if (isEmpty(kept.draft)) return adopt(name, served);
    else moved.set(name, served);
    plan(name, 0);
  }
  if (kept?.dirty || saving.has(name) || kept?.version === (served?.version ?? "0")) return false;
  return adopt(name, served);
}

function adopt(name: string, served: Served | null): boolean {
  const before = known.get(name)?.draft.text ?? "";
  if (served) {
    const { text, reply_to: replyTo = "", quote = "", mentions = "", macro = "", files = [], version } = served;
    known.set(name, { draft: { text, replyTo, quote, mentions, macro, files }, version, dirty: false, at: Number(version) / 1000 });
  } else known.delete(name);
  remember(name);
  return before !== (served?.text ?? "");
}

export const draftOf = (number: string, kind: Kind): Draft | null => known.get(nameOf(number, kind))?.draft ?? null;

/** The kind that was last written, where something is begun. */
export function begunKind(number: string): Kind | null {
  const begun = KINDS.filter((kind) => hasBegun(number, kind));
  return begun.sort((a, b) => known.get(nameOf(number, b))!.at - known.get(nameOf(number, a))!.at)[0] ?? null;
}

export function hasBegun(number: string, kind: Kind): boolean {
  const draft = draftOf(number, kind);
  return draft !== null && !isEmpty(draft);
}

export function keepDraft(number: string, kind: Kind, draft: Draft): void {
  const name = nameOf(number, kind);
  const kept = known.get(name);
  if (JSON.stringify(kept?.draft) === JSON.stringify(draft) || (!kept && isEmpty(draft))) return;
  known.set(name, { version: "0", ...kept, draft, dirty: true, at: Date.now() });
  remember(name);
  // Sent or emptied: the row of the list says so at once.
  plan(name, isEmpty(draft) ? 0 : PAUSE);
}

export const isMoved = (number: string, kind: Kind): boolean => moved.has(nameOf(number, kind));

/** Another screen of this agent has saved, sent or emptied a draft. */
export async function noteDraft(frame: DraftFrame): Promise<void> {
  const open = openConversation();
  if (open?.ticket !== frame.ticket) return;
  const name = nameOf(open.number, frame.kind);
  if (saving.has(name) || (known.get(name)?.version ?? "0") === frame.version) return;
  await refresh(open.number, [frame.kind]);
}

async function refresh(number: string, kinds: Kind[]): Promise<void> {
  const answer = await fetch(`/inbox/${number}/draft/`, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) return;
  const { drafts } = (await answer.json()) as { drafts: Served[] };
  for (const kind of kinds) {
    const name = nameOf(number, kind);
    if ((reconcile(name, drafts.find((one) => one.kind === kind) ?? null) || moved.has(name)) && openConversation()?.number === number) show(kind);
  }
}

function choose(theirs: boolean): void {
  const open = openConversation();
  for (const kind of KINDS) {
    const name = open ? nameOf(open.number, kind) : "";
    const other = moved.get(name);
    const kept = known.get(name);
    if (other === undefined || !kept) continue;
    moved.delete(name);
    if (theirs) adopt(name, other);
    else kept.version = other?.version ?? "0";
    plan(name, 0);
    show(kind);
  }
}

function remember(name: string): void {
  const kept = known.get(name);
  try {
    if (kept) localStorage.setItem(prefix() + name, JSON.stringify(kept));
    else localStorage.removeItem(prefix() + name);
  } catch {
    // Storage is full or forbidden: the text is still in the field.
  }
}

function plan(name: string, after: number): void {
  clearTimeout(timers.get(name));
  timers.set(name, window.setTimeout(() => void save(name), after));
}

function saveAll(): void {
  for (const [name, kept] of known) if (kept.dirty) void save(name);
}

async function save(name: string): Promise<void> {
  const kept = known.get(name);
  if (!kept?.dirty || saving.has(name) || moved.has(name)) return;
  clearTimeout(timers.get(name));
  const [number, kind] = name.split(":") as [string, Kind];
  const { draft } = kept;
  kept.sent = draft.text;
  remember(name);
  saving.add(name);
  let again = 0;
  try {
    const response = await fetch(`/inbox/${number}/draft/`, {
      method: "POST", body: formOf(kind, draft, kept.version), keepalive: draft.text.length < KEEPALIVE / 9,
      headers: { "HX-Request": "true", "X-CSRFToken": csrfToken() },
    });
    if (response.status >= 500 || response.status === 429) again = AGAIN;
    else if (response.ok || response.status === 409) settle(name, draft, response.ok, ((await response.json()) as { draft: Served | null }).draft);
  } catch {
    again = AGAIN;
  }
  saving.delete(name);
  const now = known.get(name);
  if (now?.dirty && !moved.has(name) && (again || now.draft !== draft)) plan(name, again || PAUSE);
}

/** The server has answered for `draft`; more may have been written meanwhile. */
function settle(name: string, draft: Draft, isKept: boolean, stored: Served | null): void {
  const kept = known.get(name)!;
  if (isKept || stored?.text === kept.draft.text) {
    kept.version = stored?.version ?? "0";
    kept.dirty = kept.draft !== draft;
    if (!kept.dirty && isEmpty(kept.draft)) known.delete(name);
    return remember(name);
  }
  const kind = name.split(":")[1] as Kind;
  if (isEmpty(kept.draft)) adopt(name, stored);
  else moved.set(name, stored);
  if (openConversation()?.number === name.split(":")[0]) show(kind);
}

function formOf(kind: Kind, draft: Draft, version: string): FormData {
  const form = new FormData();
  form.set("kind", kind);
  form.set("text", draft.text);
  form.set("version", version);
  form.set("reply_to", draft.replyTo);
  form.set("quote", draft.replyTo ? draft.quote : "");
  form.set("mentions", draft.mentions);
  form.set("macro", draft.macro);
  for (const file of draft.files) form.append("attachments", file.id);
  return form;
}

// From events to the screen: what changed is collected for a moment, fetched by id in one request, and put in place.
import { noteBulk } from "./bulk";
import type { DraftFrame, EventFrame } from "./feed";
import { apply, parse } from "./fragments";
import { removeRow, rows } from "./list";
import { address, openConversation } from "./parts";
import { fetchHtml, Refused } from "./server";

const COLLECT = 40;
const AGAIN = 2_000;
// A busy workspace changes more rows than an eye can follow, and its counts still faster; the open conversation is not held back.
const BETWEEN_ROWS = 250;
const BETWEEN_COUNTS = 1_000;
// The words of a message come first, then what it changes around the conversation.
const FACTS_AFTER = 500;
const MANY = 60;
const BETWEEN_LISTS = 1_500;

/** Runs after a moment of collecting, never twice at once, at most every `between` ms; what failed is tried again. */
class Batch {
  private timer = 0;
  private busy = false;
  private last = 0;

  constructor(private between: number, private waits: () => boolean, private run: () => Promise<void>) {}

  wake(after = COLLECT): void {
    if (this.timer || this.busy || !this.waits()) return;
    const rest = this.last + this.between - Date.now();
    this.timer = window.setTimeout(() => void this.go(), Math.max(after, rest));
  }

  private async go(): Promise<void> {
    this.timer = 0;
    this.busy = true;
    this.last = Date.now();
    let again = COLLECT;
    try {
      await this.run();
    } catch {
      again = AGAIN;
    }
    this.busy = false;
    this.wake(again);
  }
}

const tickets = new Set<string>();
// Counts that the server knew to be a little old are asked for again, once, when they have settled.
const counts = { due: false, timer: 0, next: 0, at: 0 };
const COUNT_AGAIN = 6_000;
const open = { messages: new Set<string>(), seqs: new Set<string>(), facts: false, factsTimer: 0, thread: false };
const MOVES = /^ticket\.(merged|unmerged|split)$/;

const rowBatch = new Batch(BETWEEN_ROWS, () => tickets.size > 0 || counts.due, refreshRows);
const openBatch = new Batch(0, () => open.messages.size > 0 || open.seqs.size > 0 || open.facts || open.thread, refreshOpen);

export function noteEvent(frame: EventFrame): void {
  const about = frame.event.split(".")[0];
  if (frame.ticket) tickets.add(frame.ticket);
  else if (about === "bulk") return noteBulk(frame);
  // A contact may stand in any row; and any may be what is no longer ours to see.
  else if (about === "contact" || frame.event === "ticket.left") for (const row of rows()) tickets.add(row.dataset.id!);
  // Who is away stands beside the names of those who may be chosen.
  else if (about === "person") { open.facts = true; openBatch.wake(); return; }
  else if (about === "view") counts.due = true;
  else return;
  rowBatch.wake();
  const here = openConversation();
  if (!here || (frame.ticket && frame.ticket !== here.ticket)) return;
  // Messages have come from another conversation, or gone there.
  if (MOVES.test(frame.event)) open.thread = true;
  const message = frame.data.message_id;
  if (typeof message === "string") open.messages.add(message);
  if (about === "ticket" || about === "contact") open.seqs.add(frame.seq);
  if (about === "message" && frame.event !== "message.delivery_changed") factsLater();
  else if (about !== "message" && about !== "attachment") open.facts = true;
  openBatch.wake();
}

function factsLater(): void {
  open.factsTimer ||= window.setTimeout(() => {
    open.factsTimer = 0;
    open.facts = true;
    openBatch.wake();
  }, FACTS_AFTER);
}

/** Something about the customer has changed that is no event. */
export function noteVisited(ticket: string): void {
  if (openConversation()?.ticket !== ticket) return;
  open.facts = true;
  openBatch.wake();
}

/** The row says «Draft» while there is one. */
export function noteBegun(frame: DraftFrame): void {
  const row = document.getElementById(`c-${frame.ticket}`);
  if (!row || Boolean(row.querySelector(".ticket__draft")) === (frame.version !== "0")) return;
  noteRow(frame.ticket);
}

/** A row, and with it the counts of the views. */
export function noteRow(ticket: string): void {
  tickets.add(ticket);
  rowBatch.wake();
}

async function refreshRows(): Promise<void> {
  if (tickets.size > MANY) return refreshList();
  const ids = take(tickets, 100);
  const asked = address();
  const counting = Date.now() - counts.at >= BETWEEN_COUNTS;
  counts.due = false;
  if (counting) counts.at = Date.now();
  else countAgain(BETWEEN_COUNTS);
  const query = `${asked}&ids=${ids.join(",")}${counting ? "&counts=1" : ""}`;
  const answer = await attempt(`/inbox/rows/?${query}`, () => ids.forEach((id) => tickets.add(id)));
  // The reader went to another view meanwhile; that one is fresh.
  if (!answer || asked !== address()) return;
  const here = new Set(answer.map((element) => element.id));
  for (const id of ids) if (!here.has(`c-${id}`)) removeRow(id);
  apply(answer);
}

/** However the list has come here: numbers that are behind do not stay so, though nothing else may happen. */
export function settleCounts(): void {
  if (document.querySelector("#views[data-behind]")) countAgain(COUNT_AGAIN);
}

function countAgain(after: number): void {
  const at = Date.now() + after;
  if (counts.timer && counts.next <= at) return;
  clearTimeout(counts.timer);
  counts.next = at;
  counts.timer = window.setTimeout(() => {
    counts.timer = 0;
    counts.due = true;
    rowBatch.wake();
  }, after);
}

/** More has changed than can be asked for row by row, such as by a bulk change: the list as it is now, now and then. */
async function refreshList(): Promise<void> {
  const changed = [...tickets];
  tickets.clear();
  const asked = address();
  const list = await attempt(`/inbox/?${asked}&keep=1`, () => changed.forEach((id) => tickets.add(id)), "list");
  if (list && asked === address()) apply(list);
  await new Promise((resume) => setTimeout(resume, BETWEEN_LISTS));
}

async function refreshOpen(): Promise<void> {
  const here = openConversation();
  const [messages, seqs, facts] = [take(open.messages), take(open.seqs), open.facts];
  const whole = open.thread;
  open.facts = open.thread = false;
  if (!here) return;
  if (whole) return refreshThread(here.number);
  const query = new URLSearchParams({ messages: messages.join(","), seqs: seqs.join(",") });
  if (facts) query.set("facts", "1");
  const answer = await attempt(`/inbox/${here.number}/items/?${query}&${address()}`, () => {
    messages.forEach((id) => open.messages.add(id));
    seqs.forEach((seq) => open.seqs.add(seq));
    open.facts ||= facts;
  });
  if (openConversation()?.number !== here.number) return;
  apply(answer ?? parse(await fetchHtml(`/inbox/gone/?${address()}`)));
}

async function refreshThread(number: string): Promise<void> {
  const talk = await attempt(`/inbox/${number}/?${address()}`, () => { open.thread = true; }, "conversation");
  if (!talk || openConversation()?.number !== number) return;
  const here = new Set(talk.flatMap((element) => [...element.querySelectorAll("#thread > .item")].map((item) => item.id)));
  for (const item of document.querySelectorAll("#thread > .item[data-message]")) if (!here.has(item.id)) item.remove();
  for (const element of talk) apply(element.id === "talk" ? piecesOf(element) : [element]);
}

/** Empties the set before the question is asked: what changes during the answer is asked for anew. */
function take(set: Set<string>, most = 200): string[] {
  const some = [...set].slice(0, most);
  some.forEach((id) => set.delete(id));
  return some;
}

/** The fragments, or null when the server will never give them. Puts back and throws when asking again may help. */
async function attempt(path: string, putBack: () => void, target = ""): Promise<Element[] | null> {
  try {
    return parse(await fetchHtml(path, { target }));
  } catch (error) {
    if (error instanceof Refused && !error.again) return null;
    putBack();
    throw error;
  }
}

/** Everything anew, without losing what is typed. Returns the sequence that the fresh list stands for. */
export async function refetch(): Promise<number> {
  for (;;) {
    try {
      const list = parse(await fetchHtml(`/inbox/?${address()}&keep=1`, { target: "list" }));
      const here = openConversation();
      const talk = here ? parse(await fetchHtml(`/inbox/${here.number}/?${address()}`, { target: "conversation" })) : [];
      apply(list);
      for (const element of talk) apply(element.id === "talk" ? piecesOf(element) : [element]);
      return seqOfList();
    } catch (error) {
      if (error instanceof Refused && !error.again) return seqOfList();
      await new Promise((resume) => setTimeout(resume, AGAIN));
    }
  }
}

const seqOfList = (): number => Number(document.getElementById("list")!.dataset.seq);

/** The parts of a conversation that may be renewed: not the composer's text. */
function piecesOf(talk: Element): Element[] {
  return [...talk.querySelectorAll("#conversation-head, #composer-state, #thread > .item")];
}

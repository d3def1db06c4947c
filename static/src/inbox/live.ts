// From events to the screen: what changed is collected for a moment, fetched by id in one request a kind, and put in place.
import { apply, parse } from "./fragments";
import type { EventFrame } from "./feed";
import { address, openConversation } from "./parts";
import { removeRow, rows } from "./list";
import { fetchHtml, Refused } from "./server";

const COLLECT = 40;
const AGAIN = 2_000;

const tickets = new Set<string>();
const messages = new Set<string>();
const seqs = new Set<string>();
let facts = false;
let timer = 0;
let busy = false;

export function noteEvent(frame: EventFrame): void {
  const about = frame.event.split(".")[0];
  if (frame.ticket) tickets.add(frame.ticket);
  // A contact may stand in any row.
  else if (about === "contact") for (const row of rows()) tickets.add(row.dataset.id!);
  else return;
  const open = openConversation();
  if (open && (frame.ticket === open.ticket || !frame.ticket)) noteOpen(frame, about!);
  schedule(COLLECT);
}

function noteOpen(frame: EventFrame, about: string): void {
  const message = frame.data.message_id;
  if (typeof message === "string") messages.add(message);
  if (about === "ticket" || about === "contact") seqs.add(frame.seq);
  if (frame.event !== "message.delivery_changed" && about !== "attachment") facts = true;
}

function schedule(after: number): void {
  if (!timer && !busy) timer = window.setTimeout(() => void flush(), after);
}

async function flush(): Promise<void> {
  timer = 0;
  busy = true;
  const wanted = { tickets: take(tickets), messages: take(messages), seqs: take(seqs), facts };
  facts = false;
  let again = COLLECT;
  try {
    await Promise.all([refreshRows(wanted.tickets), refreshItems(wanted.messages, wanted.seqs, wanted.facts)]);
  } catch (error) {
    // Refused for good: the conversation is gone. Otherwise nothing is forgotten until it has been shown.
    if (!(error instanceof Refused) || error.again) {
      putBack(wanted);
      again = AGAIN;
    }
  }
  busy = false;
  if (tickets.size || messages.size || seqs.size || facts) schedule(again);
}

function take(set: Set<string>): string[] {
  const all = [...set];
  set.clear();
  return all;
}

function putBack(wanted: { tickets: string[]; messages: string[]; seqs: string[]; facts: boolean }): void {
  wanted.tickets.forEach((id) => tickets.add(id));
  wanted.messages.forEach((id) => messages.add(id));
  wanted.seqs.forEach((seq) => seqs.add(seq));
  facts ||= wanted.facts;
}

async function refreshRows(ids: string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += 100) {
    const some = ids.slice(from, from + 100);
    const asked = address();
    const answer = parse(await fetchHtml(`/inbox/rows/?${asked}&ids=${some.join(",")}`));
    // The reader went to another view meanwhile; that one is fresh.
    if (asked !== address()) return;
    const here = new Set(answer.map((element) => element.id));
    for (const id of some) if (!here.has(`c-${id}`)) removeRow(id);
    apply(answer);
  }
}

async function refreshItems(messageIds: string[], eventSeqs: string[], withFacts: boolean): Promise<void> {
  const open = openConversation();
  if (!open || !(messageIds.length || eventSeqs.length || withFacts)) return;
  const query = new URLSearchParams({ messages: messageIds.join(","), seqs: eventSeqs.join(",") });
  if (withFacts) query.set("facts", "1");
  const answer = parse(await fetchHtml(`/inbox/${open.number}/items/?${query}&${address()}`));
  if (openConversation()?.number === open.number) apply(answer);
}

/** Everything anew, without losing what is typed. Returns the sequence that the fresh list stands for. */
export async function refetch(): Promise<number> {
  for (;;) {
    try {
      const list = parse(await fetchHtml(`/inbox/?${address()}&keep=1`, { target: "list" }));
      const open = openConversation();
      const talk = open ? parse(await fetchHtml(`/inbox/${open.number}/?${address()}`, { target: "conversation" })) : [];
      apply(list);
      for (const element of talk) apply(element.id === "talk" ? piecesOf(element) : [element]);
      return Number(document.getElementById("list")!.dataset.seq);
    } catch (error) {
      if (error instanceof Refused && !error.again) return Number(document.getElementById("list")!.dataset.seq);
      await new Promise((resume) => setTimeout(resume, AGAIN));
    }
  }
}

/** The parts of a conversation that may be renewed: not the composer's text. */
function piecesOf(talk: Element): Element[] {
  return [...talk.querySelectorAll("#conversation-head, #composer-state, #thread > .item")];
}

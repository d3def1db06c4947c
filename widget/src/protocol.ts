/** The shapes that cross between server, app and loader; docs/architecture.md, "Realtime". */

export interface Attachment { id: string; name: string; mime: string; size: number; url: string }
export interface Citation { n: number; title: string; section?: string; page?: number | null; quote?: string; url?: string | null }
export interface Button { text: string; value: string }

export type Author = "visitor" | "agent" | "assistant" | "system";
export type State = "sending" | "queued" | "sent" | "delivered" | "read" | "failed" | "uncertain" | "none";

export interface Message {
  id: string;
  client_id: string;
  author: Author;
  name: string;
  text: string;
  at: string;
  state: State;
  edited: boolean;
  deleted?: boolean;
  attachments: Attachment[];
  buttons: Button[];
  citations: Citation[];
}

export interface Config {
  name: string;
  greeting: string;
  accent: string;
  language: string;
  position: "left" | "right";
}

export interface Session { token: string; visitor: string; messages: Message[]; seq: string; unread: number }

export type Frame =
  | { type: "hello"; seq: string }
  | { type: "message"; seq: string; message: Message }
  | { type: "typing"; who: string; on: boolean; author?: Author }
  | { type: "delta"; id: string; text: string; replace?: boolean }
  | { type: "resync" }
  | { type: "pong" };

export type Theme = "auto" | "light" | "dark";
/** What the host page wants of the look; what it leaves out is the channel's own. */
export interface Look { language?: string; theme?: Theme; accent?: string }
/** Where the visitor is and what the host page says of them; goes to the server with their next message. */
export interface Context { page: { url: string; title: string }; attributes: Record<string, string | number | boolean | null> }

/** What the host page's storage keeps for the frame, whose own is partitioned and often blocked. The outbox lives as long as the tab. */
export type Kept = Record<"token" | "outbox" | "sound", string | null>;

export interface Boot {
  type: "boot";
  /** The company's signed word on who the visitor is. */
  identity?: string | null;
  kept: Kept;
  config: Config | null;
  look: Look;
  context: Context;
  open: boolean;
  mobile: boolean;
}

/** Loader → app over the MessagePort. */
export type ToApp =
  | Boot
  | { type: "open"; open: boolean; mobile: boolean }
  | { type: "prefill"; text: string }
  | { type: "send"; text: string }
  | { type: "identify"; token: string }
  | { type: "look"; look: Look }
  | { type: "context"; context: Context };

/** App → loader. */
export type ToLoader =
  | { type: "keep"; name: keyof Kept; value: string | null }
  | { type: "unread"; count: number }
  | { type: "close" }
  | { type: "event"; name: "message" | "sent" | "handoff" | "offline" | "identity" | "error"; detail?: unknown };

export const UP = "omnisupport:up";
export const HELLO = "omnisupport:hello";

/** Another messenger in which the conversation can be gone on with. */
export interface Way { kind: string; title: string; url: string }

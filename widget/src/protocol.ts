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

export type Frame =
  | { type: "hello"; seq: string }
  | { type: "message"; seq: string; message: Message }
  | { type: "typing"; who: string; on: boolean; author?: Author }
  | { type: "delta"; id: string; text: string; replace?: boolean }
  | { type: "resync" }
  | { type: "pong" };

/** Loader → app over the MessagePort. */
export type ToApp =
  | { type: "boot"; token: string | null; language: string; theme: string; accent: string | null; open: boolean; mobile: boolean }
  | { type: "open"; open: boolean; mobile: boolean }
  | { type: "prefill"; text: string }
  | { type: "send"; text: string }
  | { type: "look"; language?: string; theme?: string; accent?: string }
  | { type: "page"; url: string; title: string };

/** App → loader. */
export type ToLoader =
  | { type: "token"; token: string | null }
  | { type: "unread"; count: number }
  | { type: "close" }
  | { type: "event"; name: string; detail?: unknown };

export const UP = "omnisupport:up";
export const HELLO = "omnisupport:hello";

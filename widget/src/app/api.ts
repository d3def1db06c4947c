/** Calls to the workspace. A refusal carries the server's own sentence; everything else that fails is the connection. */
import type { Attachment } from "../protocol";

const TIMEOUT = 20_000;

export class Refused extends Error {
  constructor(readonly status: number, message: string, readonly retryAfter = 0) { super(message); }

  /** Asking again with the same words will not help. */
  get final(): boolean { return this.status < 500 && this.status !== 408 && this.status !== 429; }
}

export interface Upload { done: Promise<Attachment>; stop(): void }

export class Api {
  token: string | null = null;

  constructor(private base: string, private language: () => string) {}

  /** Raises Refused when the server said no; TypeError or TimeoutError when it could not be asked. */
  async call<T>(method: "GET" | "POST", path: string, body?: unknown): Promise<T> {
    const answer = await fetch(this.base + path, {
      method,
      headers: { ...this.headers(), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "omit",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    const text = await answer.text();
    if (!answer.ok) throw refusal(answer.status, text, Number(answer.headers.get("Retry-After")));
    return parse(text) as T;
  }

  /** XMLHttpRequest, because fetch cannot tell how much has gone. `progress` gets 0…1. */
  upload(file: File, progress: (share: number) => void): Upload {
    const form = new FormData();
    form.append("file", file);
    const request = new XMLHttpRequest();
    const done = new Promise<Attachment>((resolve, reject) => {
      request.open("POST", `${this.base}attachments/`);
      for (const [name, value] of Object.entries(this.headers())) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => progress(event.total ? event.loaded / event.total : 0);
      request.onerror = () => reject(new TypeError("network"));
      request.onload = () => {
        if (request.status < 300) resolve({ ...(parse(request.responseText) as Attachment), url: "" });
        else reject(refusal(request.status, request.responseText, 0));
      };
      request.send(form);
    });
    return { done, stop: () => request.abort() };
  }

  private headers(): Record<string, string> {
    return { "Accept-Language": this.language(), ...(this.token ? { Authorization: `Visitor ${this.token}` } : {}) };
  }
}

function refusal(status: number, text: string, retryAfter: number): Refused {
  const body = parse(text) as { error?: { message?: string } } | null;
  return new Refused(status, body?.error?.message ?? "", retryAfter || 0);
}

function parse(text: string): unknown {
  try { return text ? JSON.parse(text) : null; } catch { return null; }
}

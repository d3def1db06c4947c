/** Files on their way: each starts at once, so that sending waits for as little as possible. */
import { useRef, useState } from "preact/hooks";
import { newId } from "../id";
import type { Attachment } from "../protocol";
import { Refused } from "./api";
import type { Shell } from "./shell";

export const MAX_FILE = 20_000_000;
export const MAX_FILES = 10;

export interface Uploading {
  key: string;
  file: File;
  share: number;
  done: Attachment | null;
  /** In words; empty when all is well. */
  error: string;
  /** Trying again may help. */
  again: boolean;
  stop(): void;
}

export function useUploads(shell: Shell) {
  const [all, setAll] = useState<Uploading[]>([]);
  const now = useRef(all);
  const set = (next: Uploading[]): void => { now.current = next; setAll(next); };
  const patch = (key: string, change: Partial<Uploading>): void => set(now.current.map((one) => (one.key === key ? { ...one, ...change } : one)));

  const begin = (file: File, key: string): Uploading => {
    const one: Uploading = { key, file, share: 0, done: null, error: "", again: false, stop: () => undefined };
    if (file.size > MAX_FILE) return { ...one, error: shell.t("tooLarge") };
    const { done, stop } = shell.client.upload(file, (share) => patch(key, { share }));
    done.then(
      (attachment) => patch(key, { done: attachment, share: 1 }),
      (reason: Error) => patch(key, { error: reason.message && reason instanceof Refused ? reason.message : shell.t("uploadFailed"), again: true }),
    );
    return { ...one, stop };
  };

  return {
    all,
    busy: all.some((one) => !one.done && !one.error),
    ready: all.flatMap((one) => (one.done ? [one.done] : [])),
    add(files: Iterable<File>): void {
      const chosen = [...files];
      const room = MAX_FILES - now.current.length;
      if (chosen.length > room) shell.announce(shell.t("tooMany"));
      set([...now.current, ...chosen.slice(0, room).map((file) => begin(file, newId()))]);
    },
    retry(one: Uploading): void { set(now.current.map((other) => (other === one ? begin(one.file, one.key) : other))); },
    remove(one: Uploading): void { one.stop(); set(now.current.filter((other) => other.key !== one.key)); },
    /** Sent: what failed stays to be tried again. */
    clear(): void { set(now.current.filter((one) => !one.done)); },
  };
}

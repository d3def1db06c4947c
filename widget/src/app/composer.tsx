/** Where the visitor writes: text, files by pick, paste and drop, Enter sends (a new line on touch). */
import { useEffect, useRef, useState } from "preact/hooks";
import { MAX_FILE, type Client } from "./client";
import { fileSize, say, type Language } from "./texts";
import type { Attachment } from "../protocol";

interface Upload { key: string; file: File; share: number; done: Attachment | null; error: string }

export function Composer({ client, language, prefill }: { client: Client; language: Language; prefill: { text: string } | null }) {
  const [text, setText] = useState("");
  const [uploads, setUploads] = useState<Upload[]>([]);
  const area = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const t = (key: Parameters<typeof say>[1]): string => say(language, key);
  const touch = matchMedia("(pointer: coarse)").matches;
  const busy = uploads.some((u) => !u.done && !u.error);

  useEffect(() => {
    if (prefill) { setText(prefill.text); area.current?.focus(); }
  }, [prefill]);
  useEffect(() => {
    const field = area.current;
    if (!field) return;
    field.style.setProperty("height", "auto");
    field.style.setProperty("height", `${Math.min(field.scrollHeight, 140)}px`);
  }, [text]);

  const add = (files: Iterable<File>): void => {
    for (const file of files) {
      const key = crypto.randomUUID();
      const patch = (change: Partial<Upload>): void => setUploads((all) => all.map((u) => (u.key === key ? { ...u, ...change } : u)));
      const error = file.size > MAX_FILE ? t("tooLarge") : "";
      setUploads((all) => [...all, { key, file, share: 0, done: null, error }]);
      if (!error) {
        client.upload(file, (share) => patch({ share })).then(
          (done) => patch({ done, share: 1 }),
          (reason: Error) => patch({ error: reason.message || t("uploadFailed") }),
        );
      }
    }
  };
  const submit = (): void => {
    if (busy) return;
    client.say(text, uploads.flatMap((u) => (u.done ? [u.done] : [])));
    setText("");
    setUploads([]);
    area.current?.focus();
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !touch) {
      event.preventDefault();
      submit();
    }
  };

  return (
    <form class="composer" onSubmit={(event) => { event.preventDefault(); submit(); }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => { event.preventDefault(); add(event.dataTransfer?.files ?? []); }}>
      {uploads.length > 0 && (
        <ul class="uploads">
          {uploads.map((u) => (
            <li key={u.key} class={u.error ? "bad" : ""}>
              <span class="file-name">{u.file.name}</span>
              <span class="muted">{u.error || (u.done ? fileSize(language, u.file.size) : `${t("uploading")} ${Math.round(u.share * 100)} %`)}</span>
              <button type="button" class="icon" aria-label={`${t("remove")}: ${u.file.name}`} onClick={() => setUploads((all) => all.filter((x) => x !== u))}><Icon d="M6 6l12 12M18 6L6 18" /></button>
            </li>
          ))}
        </ul>
      )}
      <div class="line">
        <button type="button" class="icon" aria-label={t("attach")} onClick={() => picker.current?.click()}>
          <Icon d="M20 11.5l-8 8a5 5 0 0 1-7-7l8.5-8.5a3.3 3.3 0 0 1 4.7 4.7L9.8 17a1.7 1.7 0 0 1-2.3-2.3l7.5-7.5" />
        </button>
        <input ref={picker} type="file" multiple hidden tabIndex={-1} aria-hidden="true" onChange={(event) => {
          add(event.currentTarget.files ?? []);
          event.currentTarget.value = "";
        }} />
        <textarea ref={area} rows={1} value={text} maxLength={5000} aria-label={t("message")} placeholder={t("placeholder")}
          enterkeyhint={touch ? "enter" : "send"}
          onInput={(event) => { setText(event.currentTarget.value); client.typing(); }} onKeyDown={onKey}
          onPaste={(event) => { const files = event.clipboardData?.files; if (files?.length) { event.preventDefault(); add(files); } }} />
        <button type="submit" class="icon send" aria-label={t("send")} disabled={busy || (!text.trim() && !uploads.some((u) => u.done))}>
          <Icon d="M4 12l16-8-6 16-3-7z" />
        </button>
      </div>
    </form>
  );
}

export function Icon({ d }: { d: string }) {
  return <svg viewBox="0 0 24 24" aria-hidden="true"><path d={d} /></svg>;
}

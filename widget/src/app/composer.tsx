/** Where the visitor writes: text, files by pick, paste and drop, and the way to a person, always in sight. */
import send from "icon:arrow-up";
import headset from "icon:headset";
import paperclip from "icon:paperclip";
import person from "icon:user-check";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icons";
import type { Shell } from "./shell";
import { charactersLeft } from "./texts";
import { UploadList } from "./upload-list";
import { useUploads } from "./uploads";

const LIMIT = 5000;
const WARN_AT = 200;
const TALLEST = 140;

export function Composer({ shell }: { shell: Shell }) {
  const [text, setText] = useState("");
  const uploads = useUploads(shell);
  const area = useRef<HTMLTextAreaElement>(null);
  const touch = matchMedia("(pointer: coarse)").matches;
  const left = LIMIT - text.length;
  const empty = !text.trim() && !uploads.ready.length;

  useEffect(() => {
    if (!shell.prefill) return;
    setText(shell.prefill.text.slice(0, LIMIT));
    area.current?.focus();
  }, [shell.prefill]);
  useEffect(() => fit(area.current), [text]);
  useDrop(uploads.add);

  const submit = (): void => {
    if (uploads.busy || empty) return;
    shell.client.say(text, uploads.ready);
    setText("");
    uploads.clear();
    area.current?.focus();
  };
  const onKey = (event: KeyboardEvent): void => {
    // While a word is being composed (IME), Enter belongs to the input method; on touch it is a new line.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || touch) return;
    event.preventDefault();
    submit();
  };

  return (
    <form class="composer" onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <div class="field">
        <UploadList uploads={uploads} shell={shell} />
        <textarea ref={area} rows={1} value={text} maxLength={LIMIT} aria-label={shell.t("message")} placeholder={shell.t("placeholder")}
          enterkeyhint={touch ? "enter" : "send"} aria-describedby={left < WARN_AT ? "left" : undefined} onKeyDown={onKey}
          onInput={(event) => { setText(event.currentTarget.value); shell.client.typing(); }}
          onPaste={(event) => {
            const files = event.clipboardData?.files;
            if (files?.length) { event.preventDefault(); uploads.add(files); }
          }} />
        <div class="tools">
          <Attach label={shell.t("attach")} add={uploads.add} />
          <Person shell={shell} />
          {left < WARN_AT && <span class="muted left" id="left">{charactersLeft(shell.language, left)}</span>}
          <button type="submit" class="send" aria-label={shell.t("send")} disabled={uploads.busy || empty}><Icon of={send} /></button>
        </div>
      </div>
    </form>
  );
}

function Attach({ label, add }: { label: string; add(files: Iterable<File>): void }) {
  const picker = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class="icon" aria-label={label} title={label} onClick={() => picker.current?.click()}><Icon of={paperclip} /></button>
      <input ref={picker} type="file" multiple hidden tabIndex={-1} onChange={(event) => {
        add(event.currentTarget.files ?? []);
        event.currentTarget.value = "";
      }} />
    </>
  );
}

function Person({ shell }: { shell: Shell }) {
  const { person: state, store } = shell.client;
  const last = store.messages.findLast((message) => message.author === "agent" || message.author === "assistant");
  if (last?.author === "agent") return <span class="person with"><Icon of={person} small />{shell.t("withPerson")}</span>;
  const key = state === "asking" ? "personAsking" : state === "asked" ? "personAsked" : "person";
  return (
    <button type="button" class="person" aria-disabled={state !== "no"} onClick={() => shell.callPerson()}>
      <Icon of={state === "asked" ? person : headset} small />{shell.t(key)}
    </button>
  );
}

function fit(area: HTMLTextAreaElement | null): void {
  area?.style.setProperty("height", "auto");
  area?.style.setProperty("height", `${Math.min(area.scrollHeight, TALLEST)}px`);
}

/** Files may be dropped anywhere on the chat; the page shows that it takes them. */
function useDrop(add: (files: Iterable<File>) => void): void {
  const latest = useRef(add);
  latest.current = add;
  useEffect(() => {
    const { classList } = document.documentElement;
    const over = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      classList.add("dropping");
    };
    const leave = (event: DragEvent): void => { if (!event.relatedTarget) classList.remove("dropping"); };
    const drop = (event: DragEvent): void => {
      classList.remove("dropping");
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      latest.current(event.dataTransfer.files);
    };
    document.addEventListener("dragover", over);
    document.addEventListener("dragleave", leave);
    document.addEventListener("drop", drop);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("dragleave", leave);
      document.removeEventListener("drop", drop);
    };
  }, []);
}

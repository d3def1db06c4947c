/** One message: who, words, files, sources, replies, time and state. */
import check from "icon:check";
import checks from "icon:check-check";
import failed from "icon:circle-alert";
import clockIcon from "icon:clock";
import sparkles from "icon:sparkles";
import { useMemo, useState } from "preact/hooks";
import type { Message, State } from "../protocol";
import { File } from "./files";
import { Icon, type Shapes } from "./icons";
import type { Shell } from "./shell";
import { Sources } from "./sources";
import { clock, fullDate, type Key } from "./texts";
import { Words } from "./words";

interface Props { message: Message; shell: Shell; first: boolean; last: boolean; newest: boolean }

/** `first` and `last` of a run of messages by one person; `newest` of the visitor's, or of all. */
export function Bubble({ message, shell, first, last, newest }: Props) {
  if (message.author === "system") return <li class="notice"><Words text={message.text} /></li>;
  const { author, state } = message;
  const mine = author === "visitor";
  return (
    <li class={`row ${author}${last ? " last" : ""}`}>
      {mine ? <span class="sr">{shell.t("you")}: </span> : <Who author={author} name={message.name} shell={shell} quiet={!first} />}
      <Body message={message} shell={shell} />
      {state === "failed" && mine
        ? <p class="meta bad"><Icon of={failed} small />{shell.t("failed")} · <button type="button" class="link" onClick={() => shell.client.retry(message.client_id)}>{shell.t("retry")}</button></p>
        : (last || state === "sending") && <Meta message={message} shell={shell} spelled={newest && mine} />}
      {newest && !mine && message.buttons.length > 0 && (
        <div class="replies">
          {message.buttons.map((button) => <button type="button" key={button.value} onClick={() => shell.client.say(button.text)}>{button.text}</button>)}
        </div>
      )}
    </li>
  );
}

function Body({ message, shell }: { message: Message; shell: Shell }) {
  const [shown, setShown] = useState<number | null>(null);
  const { citations, attachments } = message;
  const titles = useMemo(() => new Map(citations.map((source) => [source.n, source.title])), [citations.length]);
  const show = (n: number): void => setShown(shown === n ? null : n);
  if (message.deleted) return <div class="bubble"><p class="muted">{shell.t("deleted")}</p></div>;
  return (
    <div class="bubble">
      {message.text && <Words text={message.text} cites={titles.size ? { titles, shown, show, label: shell.t("source") } : undefined} />}
      {attachments.map((file) => <File key={file.id} file={file} shell={shell} />)}
      {titles.size > 0 && <Sources id={message.client_id} citations={citations} shown={shown} t={shell.t} show={show} />}
    </div>
  );
}

export function Who({ author, name, shell, quiet }: { author: Message["author"]; name: string; shell: Shell; quiet: boolean }) {
  const assistant = author === "assistant";
  return (
    <p class={quiet ? "sr" : "who"}>
      {assistant && <Icon of={sparkles} small />}
      {name || shell.t(assistant ? "assistant" : "agent")}{quiet ? ": " : ""}
    </p>
  );
}

const STATES: Partial<Record<State, [Key, Shapes]>> = {
  sending: ["sending", clockIcon], delivered: ["delivered", checks], read: ["read", checks],
};

/** The time; of the visitor's messages the state too: in words at the newest, elsewhere as a sign with its word for screen readers. */
function Meta({ message, shell, spelled }: { message: Message; shell: Shell; spelled: boolean }) {
  const at = new Date(message.at);
  const [key, sign] = STATES[message.state] ?? (["sent", check] as [Key, Shapes]);
  return (
    <p class="meta">
      {message.edited && `${shell.t("edited")} · `}
      <time dateTime={message.at} title={fullDate(shell.language, at)}>{clock(shell.language, at)}</time>
      {message.author === "visitor" && <><Icon of={sign} small /><span class={spelled ? "" : "sr"}>{shell.t(key)}</span></>}
    </p>
  );
}

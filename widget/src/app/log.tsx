/** The conversation, kept at its end unless the reader has gone up in it. */
import down from "icon:arrow-down";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Message } from "../protocol";
import { Bubble, Who } from "./bubble";
import { Icon } from "./icons";
import type { Shell } from "./shell";
import { dayName } from "./texts";
import { Words } from "./words";

const NEAR = 80;
const RUN = 5 * 60_000;
const SKELETON_AFTER = 300;

export function Log({ shell }: { shell: Shell }) {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const atEnd = useRef(true);
  const top = useRef(0);
  const [seen, setSeen] = useState(0);
  const { store } = shell.client;
  const count = store.messages.length;
  const toEnd = (): void => {
    atEnd.current = true;
    box.current?.scrollTo({ top: box.current.scrollHeight });
    setSeen(count);
  };

  useEffect(() => {
    // Pictures load, answers grow, keyboards open: whatever changes the sizes, the end stays in sight.
    const watcher = new ResizeObserver(() => { if (atEnd.current) box.current?.scrollTo({ top: box.current.scrollHeight }); });
    if (box.current) watcher.observe(box.current);
    if (list.current) watcher.observe(list.current);
    return () => watcher.disconnect();
  }, []);
  const newest = store.messages.at(-1);
  useLayoutEffect(() => {
    if (atEnd.current || newest?.state === "sending") toEnd();
  }, [newest?.client_id]);

  return (
    <div class="scroll">
      <div class="log" ref={box} role="log" aria-live="off" aria-label={shell.t("log")} tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          // Only going up leaves the end: our own jump to it may be reported after the list has grown again.
          if (scrollHeight - scrollTop - clientHeight < NEAR) atEnd.current = true;
          else if (scrollTop < top.current) atEnd.current = false;
          top.current = scrollTop;
          if (atEnd.current && seen !== count) setSeen(count);
        }}>
        <ol class="messages" ref={list}>
          {shell.config && <li class="row agent last"><div class="bubble"><Words text={shell.config.greeting || shell.t("greeting")} /></div></li>}
          {!shell.client.ready && !count && <Skeleton shell={shell} />}
          <Messages shell={shell} />
          <Coming shell={shell} />
        </ol>
      </div>
      {!atEnd.current && seen < count && (
        <button type="button" class="jump" onClick={toEnd}><Icon of={down} small />{shell.t("newMessages")}</button>
      )}
    </div>
  );
}

function Messages({ shell }: { shell: Shell }) {
  const { messages } = shell.client.store;
  const lastMine = messages.findLastIndex((message) => message.author === "visitor");
  const now = new Date();
  return (
    <>
      {messages.map((message, index) => {
        const before = messages[index - 1];
        const after = messages[index + 1];
        const at = new Date(message.at);
        const newDay = !before || new Date(before.at).toDateString() !== at.toDateString();
        return [
          newDay && <li class="day" key={`day${message.client_id}`}><time dateTime={message.at.slice(0, 10)}>{dayName(shell.language, at, now)}</time></li>,
          <Bubble key={message.client_id} message={message} shell={shell} first={newDay || !isRun(before, message)} last={!isRun(message, after)}
            newest={index === lastMine || index === messages.length - 1} />,
        ];
      })}
    </>
  );
}

/** Whether two neighbours are by one person, within minutes, on one day. */
function isRun(one: Message | undefined, next: Message | undefined): boolean {
  if (!one || !next || one.author !== next.author || one.name !== next.name) return false;
  const [at, then] = [new Date(one.at), new Date(next.at)];
  return then.getTime() - at.getTime() < RUN && at.toDateString() === then.toDateString();
}

/** The answer that is being written, or who is typing. */
function Coming({ shell }: { shell: Shell }) {
  const { draft, typing } = shell.client.store;
  if (draft?.text) {
    return (
      <li class="row assistant last coming" aria-busy="true">
        <Who author="assistant" name="" shell={shell} quiet={false} />
        <div class="bubble"><Words text={draft.text} unfinished /></div>
      </li>
    );
  }
  const assistant = draft !== null || typing?.assistant;
  if (!draft && !typing) return null;
  const who = (typing?.who ?? "") || shell.t(assistant ? "assistant" : "agent");
  const words = draft ? shell.t("answering") : `${who} ${shell.t(assistant ? "thinking" : "typing")}`;
  return (
    <li class={`row ${assistant ? "assistant" : "agent"} last typing`}>
      <div class="bubble"><span class="dots" aria-hidden="true"><i /><i /><i /></span><span class="muted">{words}</span></div>
    </li>
  );
}

function Skeleton({ shell }: { shell: Shell }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), SKELETON_AFTER);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return null;
  return <li class="skeleton"><span class="sr">{shell.t("loading")}</span><i /><i /><i /></li>;
}

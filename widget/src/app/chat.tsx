/** The window: header, banners, the log, the composer, and one live region that speaks final words only. */
import cross from "icon:x";
import loud from "icon:volume-2";
import mute from "icon:volume-x";
import offline from "icon:wifi-off";
import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import type { Way } from "../protocol";
import { Composer } from "./composer";
import { Icon } from "./icons";
import { Log } from "./log";
import { safeHref } from "./markdown";
import type { Shell } from "./shell";

export function Chat({ shell }: { shell: Shell }) {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const window = useRef<HTMLDivElement>(null);
  shell.watch(() => redraw(undefined));
  useEffect(() => {
    if (!shell.open || !window.current) return;
    // On touch the field would bring up the keyboard over the conversation before anybody has read it.
    const touch = matchMedia("(pointer: coarse)").matches;
    (touch ? window.current : window.current.querySelector("textarea"))?.focus();
  }, [shell.open]);

  const name = shell.config?.name || shell.t("title");
  const modal = shell.mobile && !shell.alone;
  return (
    <div class="chat" ref={window} role="dialog" aria-modal={modal || undefined} aria-label={name} tabIndex={-1} onKeyDown={(event) => {
      if (event.key === "Escape" && !event.isComposing) shell.close();
      if (event.key === "Tab" && modal) keepFocus(event);
    }}>
      <Header shell={shell} name={name} />
      {shell.client.offline && <p class="banner"><Icon of={offline} small />{shell.t("offline")}</p>}
      <Problem shell={shell} />
      <Elsewhere shell={shell} />
      <Log shell={shell} />
      <Composer shell={shell} />
      <p class="drop" aria-hidden="true">{shell.t("drop")}</p>
      <p class="sr" role="status" aria-live="polite">{shell.said}</p>
    </div>
  );
}

function Header({ shell, name }: { shell: Shell; name: string }) {
  const last = shell.client.store.messages.findLast((message) => message.author !== "visitor" && message.author !== "system");
  const subtitle = last?.author === "agent" && last.name ? `${last.name} ${shell.t("answers")}` : shell.t("about");
  return (
    <header>
      <span class="avatar" aria-hidden="true">{name.slice(0, 1).toUpperCase()}</span>
      <div class="title">
        <h1>{name}</h1>
        <p class="muted">{subtitle}</p>
      </div>
      <button type="button" class="icon" aria-pressed={shell.sound} aria-label={shell.t("soundOn")} title={shell.t("soundOn")} onClick={() => shell.toggleSound()}>
        <Icon of={shell.sound ? loud : mute} />
      </button>
      {!shell.alone && <button type="button" class="icon" aria-label={shell.t("close")} title={shell.t("close")} onClick={() => shell.close()}><Icon of={cross} /></button>}
    </header>
  );
}

/** The conversation can be gone on with in a messenger, once it has begun. The links grow old within the hour. */
function Elsewhere({ shell }: { shell: Shell }) {
  const [ways, setWays] = useState<Way[]>([]);
  // What only we have, the server knows no links for yet.
  const begun = shell.client.store.lastId !== "0";
  useEffect(() => {
    if (!shell.open || !begun) return;
    const ask = (): void => void shell.client.elsewhere().then(setWays);
    ask();
    const timer = setInterval(ask, 50 * 60_000);
    return () => clearInterval(timer);
  }, [shell.open, begun]);
  if (!ways.length) return null;
  return (
    <p class="ways">
      <span class="muted">{shell.t("elsewhere")}</span>
      {ways.map((way) => <a key={way.url} href={safeHref(way.url)} target="_blank" rel="noopener noreferrer">{way.title}</a>)}
    </p>
  );
}

function Problem({ shell }: { shell: Shell }) {
  const { problem } = shell.client;
  if (!problem) return null;
  return (
    <p class="banner bad" role="alert">
      <span>{problem === "?" ? shell.t("error") : problem}</span>
      <button type="button" class="icon" aria-label={shell.t("dismiss")} onClick={() => shell.client.dismiss()}><Icon of={cross} small /></button>
    </p>
  );
}

/** Over the whole screen the chat is a modal window: Tab goes round inside it. */
function keepFocus(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const stops = event.currentTarget.querySelectorAll<HTMLElement>("a[href], button:not(:disabled), textarea, [tabindex='0']");
  const [first, last] = [stops[0], stops[stops.length - 1]];
  const end = event.shiftKey ? first : last;
  if (document.activeElement !== end && document.activeElement !== event.currentTarget) return;
  event.preventDefault();
  (event.shiftKey ? last : first)?.focus();
}

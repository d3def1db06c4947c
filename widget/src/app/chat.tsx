/** The window: header with "talk to a person", the log, the composer, one live region that speaks final words only. */
import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { inkOn, isColour } from "../colour";
import type { Config, Message, ToApp, ToLoader } from "../protocol";
import { Bubble, Words } from "./bubble";
import { Client } from "./client";
import { Composer, Icon } from "./composer";
import { plain } from "./markdown";
import { beep } from "./sound";
import { dayName, languageOf, say, type Language } from "./texts";

type Boot = Extract<ToApp, { type: "boot" }>;

export function Chat({ api, boot, port }: { api: string; boot: Boot; port: MessagePort | null }) {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const [language, setLanguage] = useState<Language>(languageOf(boot.language));
  const [config, setConfig] = useState<Config | null>(null);
  const [open, setOpen] = useState(boot.open);
  const [mobile, setMobile] = useState(boot.mobile);
  const [said, setSaid] = useState("");
  const [sound, setSound] = useState(false);
  const [prefill, setPrefill] = useState<{ text: string } | null>(null);
  const languageNow = useRef(language);
  const soundNow = useRef(sound);
  const log = useRef<HTMLDivElement>(null);
  const stuck = useRef(true);
  languageNow.current = language;
  soundNow.current = sound;
  const tell = (message: ToLoader): void => port?.postMessage(message);
  const t = (key: Parameters<typeof say>[1]): string => say(language, key);

  const client = useMemo(() => new Client(api, () => languageNow.current, () => redraw(undefined), (message: Message) => {
    setSaid(`${say(languageNow.current, "newMessage")}: ${plain(message.text)}`);
    if (soundNow.current) beep();
    tell({ type: "event", name: "message", detail: { author: message.author, text: message.text } });
  }, (token) => {
    tell({ type: "token", token });
    if (!port) try { if (token) localStorage.setItem(api, token); else localStorage.removeItem(api); } catch { /* blocked storage */ }
  }), []);

  useEffect(() => {
    let token = boot.token;
    if (!port) try { token = localStorage.getItem(api); } catch { /* blocked storage */ }
    dress(boot.theme, boot.accent);
    void fetch(`${api}config/`, { credentials: "omit" }).then(async (answer) => {
      if (!answer.ok) return;
      const found = (await answer.json()) as Config;
      setConfig(found);
      if (!boot.accent) dress(null, found.accent);
    }).catch(() => undefined);
    void client.start(token);
    if (port) port.onmessage = (event: MessageEvent<ToApp>) => onLoader(event.data);
    return () => client.stop();
  }, []);

  const onLoader = (message: ToApp): void => {
    switch (message?.type) {
      case "open": setOpen(message.open); setMobile(message.mobile); break;
      case "prefill": setPrefill({ text: message.text }); break;
      case "send": client.say(message.text); break;
      case "look":
        if (message.language) setLanguage(languageOf(message.language));
        dress(message.theme ?? null, message.accent ?? null);
    }
  };

  useEffect(() => { document.documentElement.lang = language; }, [language]);
  useEffect(() => client.look(open && document.visibilityState === "visible"), [open, client.store.messages.length]);
  useEffect(() => {
    const seen = (): void => client.look(open && document.visibilityState === "visible");
    document.addEventListener("visibilitychange", seen);
    return () => document.removeEventListener("visibilitychange", seen);
  }, [open]);
  useEffect(() => tell({ type: "unread", count: client.store.unread }), [client.store.unread]);
  useEffect(() => {
    if (stuck.current && log.current) log.current.scrollTop = log.current.scrollHeight;
  });
  useEffect(() => { if (open) document.querySelector<HTMLTextAreaElement>("textarea")?.focus(); }, [open]);

  const { store } = client;
  const typing = store.typing && store.typing.until > Date.now() ? store.typing : null;
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape") { event.preventDefault(); tell({ type: "close" }); }
  };
  const lastMine = store.messages.findLastIndex((m) => m.author === "visitor");

  return (
    <div class="chat" role="dialog" aria-modal={mobile} aria-label={config?.name || t("title")} onKeyDown={onKey}>
      <header>
        <h1>{config?.name || t("title")}</h1>
        <button type="button" class="person" onClick={() => void client.callPerson()}>{t("person")}</button>
        <button type="button" class="icon" aria-pressed={sound} aria-label={sound ? t("soundOff") : t("soundOn")} onClick={() => { setSound(!sound); if (!sound) beep(); }}>
          <Icon d={sound ? "M4 9v6h4l5 4V5L8 9zM16 9a4 4 0 0 1 0 6M18.5 6.500a8 8 0 0 1 0 11" : "M4 9v6h4l5 4V5L8 9zM16 9l5 6M21 9l-5 6"} />
        </button>
        {port && <button type="button" class="icon" aria-label={t("close")} onClick={() => tell({ type: "close" })}><Icon d="M6 6l12 12M18 6L6 18" /></button>}
      </header>
      {!client.online && client.ready && <p class="banner" role="status">{t("offline")}</p>}
      {client.problem && <p class="banner bad" role="alert">{client.problem === "offline" ? t("offline") : client.problem}</p>}
      <div class="log" ref={log} role="log" aria-live="off" aria-label={t("log")} tabIndex={0} onScroll={(event) => {
        const box = event.currentTarget;
        stuck.current = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
      }}>
        <ol class="messages">
          <li class="row assistant hello"><div class="bubble"><Words text={config?.greeting || t("greeting")} /></div></li>
          {store.messages.map((message, index) => {
            const at = new Date(message.at);
            const before = store.messages[index - 1];
            const day = !before || new Date(before.at).toDateString() !== at.toDateString();
            return [
              day && <li class="day" key={`d${message.client_id}`}>{dayName(language, at, new Date())}</li>,
              <Bubble key={message.client_id} message={message} language={language}
                last={index === lastMine || index === store.messages.length - 1}
                onRetry={() => client.retry(message.client_id)} onButton={(text) => client.say(text)} />,
            ];
          })}
          {store.draft && <li class="row assistant draft"><p class="who">{t("assistant")}</p><div class="bubble"><Words text={store.draft.text} /><span class="caret" aria-hidden="true" /></div></li>}
          {typing && !store.draft && <li class="typing">{typing.assistant ? `${t("assistant")} ${t("thinking")}` : `${typing.who} ${t("typing")}`}</li>}
        </ol>
      </div>
      <Composer client={client} language={language} prefill={prefill} />
      <p class="sr" role="status" aria-live="polite">{said}</p>
    </div>
  );
}

/** Through CSSOM: a strict policy forbids style attributes, not properties set by script. */
function dress(theme: string | null, accent: string | null): void {
  const root = document.documentElement;
  if (theme === "light" || theme === "dark") root.dataset["theme"] = theme;
  else if (theme === "auto") delete root.dataset["theme"];
  if (isColour(accent)) {
    root.style.setProperty("--accent", accent);
    root.style.setProperty("--accent-ink", inkOn(accent));
    root.style.setProperty("--brand", accent);
  }
}

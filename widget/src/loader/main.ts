/** The script on the customer's page. Nothing of ours runs inline, no cookie is set, and whatever fails here fails silently:
 * the host page owes us nothing. Calls made before the script has come wait in `window.OmniSupport = []`. */
import type { OmniSupport, QueuedCall } from "../../sdk/index";
import { languageOf } from "../language";
import { Widget, type Listener } from "./widget";

const script = document.currentScript as HTMLScriptElement | null;
const origin = new URL(script?.src || location.href).origin;
const { channel, language, theme } = (script?.dataset ?? {}) as { channel?: string; language?: "ru" | "en"; theme?: "auto" | "light" | "dark" };

const THEMES = ["auto", "light", "dark"];

function makeApi(widget: Widget): OmniSupport {
  return {
    boot: (options = {}) => void widget.boot({ channel, language, theme, ...options } as Parameters<Widget["boot"]>[0], origin),
    shutdown: () => widget.shutdown(),
    destroy: () => widget.destroy(),
    show: () => widget.show(),
    hide: () => widget.hide(),
    toggle: () => widget.toggle(),
    isOpen: () => widget.isOpen(),
    launcher: (visible) => widget.launch(visible),
    prefill: (text) => widget.prefill(String(text)),
    send: (text) => widget.send(String(text)),
    ask: (question) => widget.ask(String(question)),
    locale: (code) => widget.restyle({ language: languageOf(String(code)) }),
    theme: (name) => widget.restyle({ theme: THEMES.includes(name) ? name : "auto" }),
    colour: (hex) => widget.restyle({ accent: String(hex) }),
    attributes: (values) => {
      // Through JSON: what cannot be sent is left out here, not thrown in the frame, and no message grows too large by it.
      const text = JSON.stringify(values ?? {});
      if (text.length > 10_000) throw new RangeError("too large");
      widget.describe({ attributes: JSON.parse(text) });
    },
    identify: (token) => widget.identify(String(token)),
    page: (page) => widget.describe({ page: { url: String(page.url), title: String(page.title) } }),
    on: (event, listener) => widget.on(event, listener as Listener),
    push: () => undefined,
  };
}

/** Every call as it is, except that an error never reaches the host page. */
function guarded(api: OmniSupport): OmniSupport {
  const safe = Object.fromEntries(
    Object.entries(api).map(([name, call]) => [
      name,
      (...args: unknown[]) => {
        try {
          return (call as (...args: unknown[]) => unknown)(...args);
        } catch (error) {
          return console.warn("OmniSupport:", name, error);
        }
      },
    ]),
  ) as unknown as OmniSupport;
  safe.push = (...calls) => {
    for (const [name, ...args] of calls.filter(Array.isArray)) (safe[name] as ((...args: unknown[]) => unknown) | undefined)?.(...args);
  };
  return safe;
}

function start(): void {
  const host = window as { OmniSupport?: OmniSupport | QueuedCall[] };
  if (host.OmniSupport && !Array.isArray(host.OmniSupport)) return; // the snippet stands in the page twice
  const calls = host.OmniSupport ?? [];
  const api = guarded(makeApi(new Widget()));
  host.OmniSupport = api;
  const begin = (): void => {
    if (channel) api.boot();
    api.push(...calls);
  };
  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin);
}

start();

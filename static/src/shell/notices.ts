// What concerns the reader, on every page: the count at the bell and in the title, a sound, a notice on the desktop. On pages of
// the inbox its own socket brings it (static/src/inbox/main.ts), elsewhere one is opened here.
import { Socket } from "../../../widget/src/app/socket";
import { beep } from "./sound";

interface NoticeFrame {
  type: "notice"; id: string; title: string; text: string; number: string; ticket: string; ways: string[]; unseen: number;
}
export type BellFrame = NoticeFrame | { type: "notices"; unseen: number; ticket: string | null };

const bells = (): NodeListOf<HTMLElement> => document.querySelectorAll<HTMLElement>("[data-unseen]");
let unseen = 0;

export function setUpNotices(): void {
  if (!bells().length) return;
  unseen = Number(bells()[0]!.textContent) || 0;
  document.addEventListener("bell", (event) => take((event as CustomEvent<BellFrame>).detail));
  // Other scripts write the title too.
  new MutationObserver(paintTitle).observe(document.querySelector("title")!, { childList: true });
  paintTitle();
  if (!document.querySelector(".inbox")) listen();
}

function listen(): void {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  new Socket(`${scheme}//${location.host}/ws/agent/`, "", {
    onFrame: (frame) => {
      const kind = (frame as { type: string }).type;
      if (kind === "notice" || kind === "notices") take(frame as unknown as BellFrame);
      // A page may have a use for the others.
      else document.dispatchEvent(new CustomEvent("frame", { detail: frame }));
    },
    onOpen: () => undefined,
    onLost: () => undefined,
  });
}

function take(frame: BellFrame): void {
  unseen = frame.unseen;
  for (const bell of bells()) {
    bell.textContent = String(unseen);
    bell.hidden = !unseen;
  }
  paintTitle();
  if (frame.type === "notice") void once(frame);
}

function paintTitle(): void {
  const bare = document.title.replace(/^\(\d+\) /, "");
  const wanted = unseen ? `(${unseen}) ${bare}` : bare;
  if (document.title !== wanted) document.title = wanted;
}

/** Of several tabs one speaks. */
async function once(frame: NoticeFrame): Promise<void> {
  if (!navigator.locks) return tell(frame);
  await navigator.locks.request(`notice-${frame.id}`, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    tell(frame);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  });
}

function tell(frame: NoticeFrame): void {
  if (frame.ways.includes("sound")) beep();
  if (!frame.ways.includes("desktop") || document.visibilityState === "visible") return;
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const notice = new Notification(frame.title, { body: frame.text, tag: `notice-${frame.id}` });
  notice.onclick = () => {
    window.focus();
    location.assign(`/inbox/${frame.number}/`);
  };
}

// The page of settings: lets this browser show notices, also while no page is open (Web Push).
import { beep } from "./sound";

const WORKER = "/static/build/worker.js";
const place = (): HTMLElement | null => document.getElementById("browser");

export function setUpBrowser(): void {
  if (!place()) return;
  document.getElementById("browser-sound")!.addEventListener("click", beep);
  document.getElementById("browser-on")!.addEventListener("click", () => void switchOn());
  document.getElementById("browser-off")!.addEventListener("click", () => void switchOff());
  void show();
}

const possible = (): boolean => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

async function subscription(): Promise<PushSubscription | null> {
  const worker = await navigator.serviceWorker.getRegistration(WORKER);
  return (await worker?.pushManager.getSubscription()) ?? null;
}

async function show(words = ""): Promise<void> {
  const data = place()!.dataset;
  const on = possible() && Notification.permission === "granted" && Boolean(await subscription());
  const state = !possible() ? data.unknown : Notification.permission === "denied" ? data.denied : on ? data.on : data.off;
  document.getElementById("browser-state")!.textContent = words || state!;
  document.getElementById("browser-on")!.hidden = !possible() || on || Notification.permission === "denied";
  document.getElementById("browser-off")!.hidden = !on;
}

async function switchOn(): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") return show();
  try {
    const worker = await navigator.serviceWorker.register(WORKER);
    await active(worker);
    const key = place()!.dataset.key!;
    const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    await save("POST", made);
    await show();
  } catch {
    await show(place()!.dataset.failed!);
  }
}

function active(worker: ServiceWorkerRegistration): Promise<void> {
  const coming = worker.installing ?? worker.waiting;
  if (!coming) return Promise.resolve();
  return new Promise((resolve) => {
    coming.addEventListener("statechange", () => { if (coming.state === "activated") resolve(); });
  });
}

async function switchOff(): Promise<void> {
  const known = await subscription();
  if (known) {
    await save("DELETE", known);
    await known.unsubscribe();
  }
  await show();
}

async function save(method: string, known: PushSubscription): Promise<void> {
  const token = /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
  const answer = await fetch("/notices/browser/", {
    method, headers: { "X-CSRFToken": token, "Content-Type": "application/json" }, body: JSON.stringify(known),
  });
  if (!answer.ok) throw new Error(String(answer.status));
}

// The editor of a view: after every change the form comes back from the server with what the view finds now. Without this script
// the same form works by its buttons.
import { Idiomorph } from "idiomorph";

const SETTLE = 300;
const form = (): HTMLFormElement => document.querySelector<HTMLFormElement>("#view-form")!;
let timer = 0;
let asked = 0;

async function refresh(button: HTMLButtonElement | null): Promise<void> {
  clearTimeout(timer);
  const turn = ++asked;
  const body = new FormData(form());
  body.set("do", button?.value ?? "preview");
  const response = await fetch(location.href, { method: "POST", body, redirect: "manual" });
  // Whoever was logged out, or whose network is gone, finds out when they save.
  if (!response.ok || turn !== asked) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const before = new Set([...form().querySelectorAll(".line-edit")].map((line) => line.id));
  Idiomorph.morph(form(), page.querySelector("#view-form")!, { ignoreActiveValue: true });
  if (button) settleFocus(before);
}

/** On the condition that was added; where one was removed, on the button that adds one. */
function settleFocus(before: Set<string>): void {
  const added = [...form().querySelectorAll(".line-edit")].find((line) => !before.has(line.id));
  const target = added?.querySelector<HTMLElement>("select") ?? form().querySelector<HTMLElement>("[id^=add-]");
  target?.focus();
}

document.addEventListener("input", (event) => {
  if (!form().contains(event.target as Node)) return;
  clearTimeout(timer);
  timer = window.setTimeout(() => void refresh(null), SETTLE);
});
document.addEventListener("submit", (event) => {
  const button = (event as SubmitEvent).submitter as HTMLButtonElement | null;
  if (!button || button.value === "save" || button.value === "delete") return;
  event.preventDefault();
  void refresh(button);
});

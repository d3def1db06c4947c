// [role=separator][data-splitter="list"] between two areas: dragged, or moved by arrows, it changes `--list-width`. The width is
// kept in this browser; a double click or Enter gives the page's own back. data-side="end": the area lies behind it.
const STEP = 16;

const nameOf = (splitter: HTMLElement): string => splitter.dataset.splitter!;
const key = (name: string): string => `width:${name}`;

export function setUpSplitters(): void {
  for (const name of ["sidebar", "list", "details"]) setWidth(name, Number(localStorage.getItem(key(name))));
  document.addEventListener("pointerdown", (event) => {
    const splitter = splitterOf(event);
    if (splitter && event.button === 0) drag(splitter, event);
  });
  document.addEventListener("dblclick", (event) => {
    const splitter = splitterOf(event);
    if (splitter) reset(splitter);
  });
  document.addEventListener("keydown", (event) => {
    const splitter = splitterOf(event);
    if (splitter && press(splitter, event.key)) event.preventDefault();
  });
  // What it says is measured when somebody comes to it.
  document.addEventListener("focusin", (event) => {
    const splitter = splitterOf(event);
    if (splitter) tell(splitter);
  });
}

const splitterOf = (event: Event): HTMLElement | null => (event.target as Element).closest<HTMLElement>("[data-splitter]");
const limits = (splitter: HTMLElement): [number, number] => [Number(splitter.ariaValueMin), Number(splitter.ariaValueMax)];
const widthOf = (splitter: HTMLElement): number => document.getElementById(splitter.getAttribute("aria-controls")!)!.getBoundingClientRect().width;

function drag(splitter: HTMLElement, from: PointerEvent): void {
  const [before, sign] = [widthOf(splitter), splitter.dataset.side === "end" ? -1 : 1];
  splitter.setPointerCapture(from.pointerId);
  const move = (event: PointerEvent): void => resize(splitter, before + sign * (event.clientX - from.clientX));
  splitter.addEventListener("pointermove", move);
  splitter.addEventListener("lostpointercapture", () => splitter.removeEventListener("pointermove", move), { once: true });
}

function press(splitter: HTMLElement, pressed: string): boolean {
  const [least, most] = limits(splitter);
  const sign = splitter.dataset.side === "end" ? -1 : 1;
  if (pressed === "ArrowLeft") resize(splitter, widthOf(splitter) - sign * STEP);
  else if (pressed === "ArrowRight") resize(splitter, widthOf(splitter) + sign * STEP);
  else if (pressed === "Home") resize(splitter, least);
  else if (pressed === "End") resize(splitter, most);
  else if (pressed === "Enter") reset(splitter);
  else return false;
  return true;
}

function resize(splitter: HTMLElement, width: number): void {
  const [least, most] = limits(splitter);
  const kept = Math.round(Math.min(Math.max(width, least), most));
  setWidth(nameOf(splitter), kept);
  localStorage.setItem(key(nameOf(splitter)), String(kept));
  tell(splitter);
}

function reset(splitter: HTMLElement): void {
  setWidth(nameOf(splitter), 0);
  localStorage.removeItem(key(nameOf(splitter)));
  tell(splitter);
}

function setWidth(name: string, width: number): void {
  if (width) document.documentElement.style.setProperty(`--${name}-width`, `${width}px`);
  else document.documentElement.style.removeProperty(`--${name}-width`);
}

function tell(splitter: HTMLElement): void {
  splitter.ariaValueNow = String(Math.round(widthOf(splitter)));
}

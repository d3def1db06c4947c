// The frame of a letter is as tall as what is in it; it says so itself, for nobody can look into it.
const TALLEST = 6_000;

export function setUpLetters(): void {
  addEventListener("message", (event: MessageEvent<{ letter?: unknown } | null>) => {
    const height = event.data?.letter;
    if (typeof height !== "number") return;
    for (const frame of document.querySelectorAll<HTMLIFrameElement>("iframe.letter__page")) {
      if (frame.contentWindow === event.source) frame.style.height = `${Math.min(Math.max(height, 40), TALLEST)}px`;
    }
  });
}

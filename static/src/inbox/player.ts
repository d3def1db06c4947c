// Voice messages: one speed for all of them, kept in this browser; only one speaks at a time.
const SPEEDS = [1, 1.5, 2];
const KEPT = "voice-speed";
let speed = SPEEDS.find((one) => String(one) === localStorage.getItem(KEPT)) ?? 1;

const players = (): NodeListOf<HTMLAudioElement> => document.querySelectorAll(".player audio");

export function setUpPlayer(): void {
  document.addEventListener("click", (event) => {
    if (!(event.target as Element).closest("[data-speed]")) return;
    speed = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length]!;
    localStorage.setItem(KEPT, String(speed));
    settle();
  });
  // Events of media do not bubble.
  document.addEventListener("play", (event) => { for (const other of players()) if (other !== event.target) other.pause(); }, true);
  document.addEventListener("loadedmetadata", settle, true);
  document.addEventListener("inbox:changed", settle);
}

function settle(): void {
  const decimal = document.documentElement.lang === "ru" ? "," : ".";
  for (const audio of players()) audio.defaultPlaybackRate = audio.playbackRate = speed;
  for (const button of document.querySelectorAll<HTMLElement>("[data-speed]")) {
    button.hidden = false;
    button.lastElementChild!.textContent = `${String(speed).replace(".", decimal)}×`;
  }
}

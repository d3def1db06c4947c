/** Colours and theme through CSSOM: a strict policy forbids style attributes, not properties set by script. */
import { inkOn, isColour, readableOn } from "../colour";
import type { Theme } from "../protocol";

// The tokens' --bg and --ai-bg, whichever is harder to read on.
const LIGHTEST_GROUND = "#f1eeff";
const DARKEST_GROUND = "#221d3d";

export function dress(theme: Theme | undefined, accent: string | undefined): void {
  const root = document.documentElement;
  if (theme === "light" || theme === "dark") root.dataset["theme"] = theme;
  else if (theme === "auto") delete root.dataset["theme"];
  if (!isColour(accent)) return;
  root.style.setProperty("--brand", accent);
  root.style.setProperty("--brand-ink", inkOn(accent));
  root.style.setProperty("--brand-on-light", readableOn(LIGHTEST_GROUND, accent, "#000000"));
  root.style.setProperty("--brand-on-dark", readableOn(DARKEST_GROUND, accent, "#ffffff"));
}

/** Contrast by WCAG's relative luminance, so that any colour of a customer stays readable. Colours are `#rrggbb`. */

export const isColour = (text: unknown): text is string => typeof text === "string" && /^#[0-9a-f]{6}$/i.test(text);

const channels = (hex: string): number[] => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = channels(hex).map((value) => {
    const c = value / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** The ink on an accent: black or white, whichever is clearer; one of them always reaches 4.5:1. */
export const inkOn = (accent: string): string => (contrast(accent, "#ffffff") >= contrast(accent, "#000000") ? "#ffffff" : "#000000");

/** The accent as a colour of words on `ground`: as it is, or moved towards `end` (black or white) until it reaches 4.5:1. */
export function readableOn(ground: string, accent: string, end: "#000000" | "#ffffff"): string {
  const [from, to] = [channels(accent), channels(end)];
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = `#${from.map((c, i) => Math.round(c + ((to[i] ?? 0) - c) * share).toString(16).padStart(2, "0")).join("")}`;
    if (contrast(mixed, ground) >= 4.5) return mixed;
  }
  return end;
}

import { expect, test, vi } from "vitest";
import { newId } from "../src/id";
import { contrast, inkOn, isColour, readableOn } from "../src/colour";
import { pause } from "../src/app/socket";
import { KEYS, charactersLeft, dayName, fileSize, say } from "../src/app/texts";
import { launcherName } from "../src/loader/texts";

test("both languages say everything, each in its own letters", () => {
  for (const key of KEYS) {
    expect(say("ru", key)).toMatch(/[а-яё]/i);
    expect(say("en", key)).toMatch(/^[^а-яё]+$/i);
  }
});

test("Russian plurals are right", () => {
  expect([1, 2, 5, 21, 11].map((n) => launcherName("ru", false, n))).toEqual([
    "Открыть чат, 1 новое сообщение", "Открыть чат, 2 новых сообщения", "Открыть чат, 5 новых сообщений",
    "Открыть чат, 21 новое сообщение", "Открыть чат, 11 новых сообщений",
  ]);
  expect(charactersLeft("ru", 101)).toBe("101 знак остался");
});

test("English plurals are right", () => {
  expect([1, 2].map((n) => launcherName("en", false, n))).toEqual(["Open chat, 1 new message", "Open chat, 2 new messages"]);
});

test("days are named near now, and carry a year far from it", () => {
  const now = new Date(2026, 10, 24, 12);
  expect(dayName("ru", new Date(2026, 10, 24, 1), now)).toBe("Сегодня");
  expect(dayName("en", new Date(2026, 10, 23, 23), now)).toBe("Yesterday");
  expect(dayName("en", new Date(2026, 10, 2), now)).toBe("November 2");
  expect(dayName("en", new Date(2025, 10, 24), now)).toBe("November 24, 2025");
});

test("sizes carry their unit", () => {
  expect(fileSize("en", 1_540_000)).toBe("1.5 MB");
  expect(fileSize("ru", 12_300)).toMatch(/^12,3\sкБ$/);
});

test.each(["#000000", "#ffffff", "#ffff00", "#1f5fd6", "#777777", "#00ff00", "#ff6600", "#7fa8ff", "#f4f4f4"])("%s stays readable", (accent) => {
  expect(contrast(accent, inkOn(accent))).toBeGreaterThanOrEqual(4.5);
  expect(contrast(readableOn("#ffffff", accent, "#000000"), "#ffffff")).toBeGreaterThanOrEqual(4.5);
  expect(contrast(readableOn("#12151b", accent, "#ffffff"), "#12151b")).toBeGreaterThanOrEqual(4.5);
});

test("only a colour is a colour", () => {
  expect(["#1f5fd6", "#1F5FD6"].every(isColour)).toBe(true);
  expect(["red", "#fff", "#1f5fd6;background:url(x)", null, 7].some(isColour)).toBe(false);
});

test("reconnecting waits longer each time, never more than half a minute, never in step", () => {
  expect(pause(0, () => 1)).toBe(500);
  expect(pause(20, () => 1)).toBe(30_000);
  expect(pause(3, () => 0)).toBe(2000);
});

test("ids are made without https too", () => {
  const real = crypto;
  vi.stubGlobal("crypto", { getRandomValues: (bytes: Uint8Array<ArrayBuffer>) => real.getRandomValues(bytes) });
  const ids = new Set(Array.from({ length: 100 }, newId));
  vi.unstubAllGlobals();
  expect(ids.size).toBe(100);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

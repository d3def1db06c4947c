import { expect, test } from "vitest";
import { inkOn } from "../src/colour";
import { pause } from "../src/app/socket";
import { KEYS, attachments, dayName, say } from "../src/app/texts";

test("both languages say everything", () => {
  for (const key of KEYS) {
    expect(say("ru", key)).toBeTruthy();
    expect(say("en", key)).toBeTruthy();
  }
});

test("Russian plurals are right", () => {
  expect([1, 2, 5, 21, 11].map((n) => attachments("ru", n))).toEqual(["1 вложение", "2 вложения", "5 вложений", "21 вложение", "11 вложений"]);
});

test("days are named near now", () => {
  const now = new Date(2026, 10, 24, 12);
  expect(dayName("ru", new Date(2026, 10, 24, 1), now)).toBe("Сегодня");
  expect(dayName("en", new Date(2026, 10, 23, 23), now)).toBe("Yesterday");
  expect(dayName("en", new Date(2026, 10, 2), now)).toBe("November 2");
});

test("ink is readable on any accent", () => {
  expect(inkOn("#000000")).toBe("#ffffff");
  expect(inkOn("#ffff00")).toBe("#0b1220");
});

test("reconnecting waits longer each time, never more than half a minute, never in step", () => {
  expect(pause(0, () => 1)).toBe(500);
  expect(pause(20, () => 1)).toBe(30000);
  expect(pause(3, () => 0)).toBe(2000);
});

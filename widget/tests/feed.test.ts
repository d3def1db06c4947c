// The agents' sequence: every event once and in order, whatever the line does.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type EventFrame, Feed } from "../../static/src/inbox/feed";

type Frame = Parameters<Parameters<NonNullable<ConstructorParameters<typeof Feed>[2]>>[0]>[0];

const event = (seq: number): EventFrame => ({ type: "event", seq: String(seq), event: "message.received", ticket: "1", data: {} });

describe("the feed", () => {
  let receive: (frame: Frame) => void;
  let seen: number[];
  let asked: string[];
  let resync: () => Promise<number>;

  beforeEach(() => {
    vi.useFakeTimers();
    seen = [];
    asked = [];
    resync = () => Promise.resolve(50);
    new Feed(10, {
      onEvent: (frame) => seen.push(Number(frame.seq)),
      onTyping: () => undefined,
    onOther: () => undefined,
      onResync: () => resync(),
      onConnection: () => undefined,
    }, (onFrame) => {
      receive = onFrame;
      return { send: (frame: unknown) => { asked.push((frame as { seq: string }).seq); } } as never;
    });
  });

  it("hands on what follows and ignores what it has had", () => {
    for (const seq of [11, 12, 12, 11, 9, 13]) receive(event(seq));
    expect(seen).toEqual([11, 12, 13]);
    expect(asked).toEqual([]);
  });

  it("holds what comes after a gap, asks once, and goes on in order", () => {
    for (const seq of [11, 14, 15]) receive(event(seq));
    expect(seen).toEqual([11]);
    expect(asked).toEqual(["11"]);
    for (const seq of [12, 13, 14, 15]) receive(event(seq));
    expect(seen).toEqual([11, 12, 13, 14, 15]);
    expect(asked).toEqual(["11"]);
  });

  it("asks after a reconnect for what it missed, again after every reconnect", () => {
    receive({ type: "hello", seq: "12" });
    receive({ type: "hello", seq: "12" });
    expect(asked).toEqual(["10", "10"]);
    receive({ type: "hello", seq: "10" });
    expect(asked).toHaveLength(2);
  });

  it("fetches everything anew when told to, and drops nothing that arrives meanwhile", async () => {
    let finish: (seq: number) => void = () => undefined;
    resync = () => new Promise((resolve) => { finish = resolve; });
    receive({ type: "resync" });
    for (const seq of [49, 50, 51]) receive(event(seq));
    expect(seen).toEqual([]);
    finish(50);
    await vi.advanceTimersByTimeAsync(0);
    receive(event(52));
    expect(seen).toEqual([51, 52]);
  });

  it("notices a log that went back in time", async () => {
    resync = () => Promise.resolve(3);
    receive({ type: "hello", seq: "3" });
    await vi.advanceTimersByTimeAsync(0);
    receive(event(4));
    expect(seen).toEqual([4]);
  });

  it("asks by itself now and then, for a lost frame shows no gap until the next one", () => {
    vi.advanceTimersByTime(60_000);
    expect(asked).toEqual(["10"]);
  });
});

// Who looks at what: the newest word counts, in whatever order words arrive.
import { describe, expect, it } from "vitest";
import { Here } from "../../static/src/inbox/here";

const oleg = { user: "1", name: "Олег" };
const viewing = (who: (typeof oleg)[]) => ({ type: "viewing", ticket: "45", who }) as const;
const everything = (who: (typeof oleg)[]) => ({
  type: "here" as const,
  viewing: (who.length ? { 45: who } : {}) as Record<string, (typeof oleg)[]>,
  presence: (who.length ? { 1: "online" } : {}) as Record<string, string>,
});
const offline = { type: "presence", user: "1", state: "offline" } as const;

describe("who is here", () => {
  it("is what was asked for, and each change after it", () => {
    const here = new Here();
    here.ask();
    here.takeAll(everything([oleg]));
    expect([here.viewing.get("45"), here.presence.get("1")]).toEqual([[oleg], "online"]);
    here.take(viewing([]));
    here.take(offline);
    expect([here.viewing.size, here.presence.size]).toEqual([0, 0]);
  });

  it("does not come back with an answer that their leaving overtook", () => {
    const here = new Here();
    here.ask();
    here.take(viewing([oleg]));
    here.take(viewing([]));
    here.take(offline);
    here.takeAll(everything([oleg]));
    expect([here.viewing.size, here.presence.size]).toEqual([0, 0]);
  });

  it("forgets what was before the question", () => {
    const here = new Here();
    here.ask();
    here.takeAll(everything([]));
    here.take(viewing([oleg]));
    here.ask();
    here.takeAll(everything([]));
    expect([here.viewing.size, here.presence.size]).toEqual([0, 0]);
  });
});

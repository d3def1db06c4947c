import { describe, expect, test } from "vitest";
import type { Message } from "../src/protocol";
import { Store } from "../src/app/store";

const message = (id: string, more: Partial<Message> = {}): Message => ({
  id, client_id: `c${id}`, author: "agent", name: "Анна", text: `text ${id}`, at: "2026-11-24T10:00:00Z", state: "sent", edited: false,
  attachments: [], buttons: [], citations: [], ...more,
});
const out = (client_id: string) => ({ client_id, text: "hi", attachments: [], files: [] });

describe("the conversation", () => {
  test("shows a message once, whichever way it comes", () => {
    const store = new Store();
    expect(store.receive(message("1"), "5")).toBe(true);
    expect(store.receive(message("1"), "5")).toBe(false);
    store.load([message("1"), message("2")], "6", 0);
    expect(store.messages.map((m) => m.id)).toEqual(["1", "2"]);
    expect(store.seq).toBe(6n);
  });

  test("replaces the optimistic bubble by the stored message", () => {
    const store = new Store();
    store.compose(out("a"), "2026-11-24T10:00:00Z");
    expect(store.messages[0]!.state).toBe("sending");
    store.receive(message("7", { client_id: "a", author: "visitor" }));
    expect(store.messages.map((m) => [m.id, m.state])).toEqual([["7", "sent"]]);
    expect(store.outbox).toEqual([]);
  });

  test("keeps what is not sent over a reload of the history, and drops what the server has", () => {
    const store = new Store();
    store.compose(out("a"), "2026-11-24T10:00:00Z");
    store.compose(out("b"), "2026-11-24T10:00:01Z");
    store.load([message("7", { client_id: "a", author: "visitor" })], "9", 0);
    expect(store.messages.map((m) => m.client_id)).toEqual(["a", "b"]);
    expect(store.outbox.map((o) => o.client_id)).toEqual(["b"]);
  });

  test("sorts by the server's number even beyond what a double can hold", () => {
    const store = new Store();
    for (const id of ["9007199254740995", "9007199254740993", "9007199254740994"]) store.receive(message(id));
    expect(store.messages.map((m) => m.id)).toEqual(["9007199254740993", "9007199254740994", "9007199254740995"]);
  });

  test("never moves a state backwards", () => {
    const store = new Store();
    store.receive(message("1", { author: "visitor", state: "read" }));
    store.receive(message("1", { author: "visitor", state: "delivered" }));
    expect(store.messages[0]!.state).toBe("read");
  });

  test("puts a refused message back with the id it had", () => {
    const store = new Store();
    store.compose(out("a"), "2026-11-24T10:00:00Z");
    store.outbox.shift();
    store.fail("a");
    expect(store.messages[0]!.state).toBe("failed");
    store.again("a");
    expect(store.outbox.map((o) => o.client_id)).toEqual(["a"]);
    expect(store.messages[0]!.state).toBe("sending");
  });

  test("replaces a streamed draft by the final message", () => {
    const store = new Store();
    store.stream("x", "Дос", false);
    store.stream("x", "тавка", false);
    expect(store.draft!.text).toBe("Доставка");
    store.stream("x", "Возврат", true);
    expect(store.draft!.text).toBe("Возврат");
    store.receive(message("3", { author: "assistant" }));
    expect(store.draft).toBe(null);
  });

  test("counts unread only while nobody looks", () => {
    const store = new Store();
    store.receive(message("1"));
    store.receive(message("2", { author: "visitor" }));
    expect(store.unread).toBe(1);
    store.look(true);
    store.receive(message("3"));
    expect(store.unread).toBe(0);
  });
});

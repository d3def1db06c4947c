import { describe, expect, test } from "vitest";
import type { Message } from "../src/protocol";
import { Store } from "../src/app/store";
import { message, session } from "./cast";

const AT = "2026-11-24T10:00:00Z";
const out = (client_id: string) => ({ client_id, text: "hi", at: AT, files: [] });
const mine = (id: string, client_id: string, more: Partial<Message> = {}): Message => message(id, { client_id, author: "visitor", ...more });

describe("the conversation", () => {
  test("shows a message once, whichever way it comes", () => {
    const store = new Store();
    expect(store.receive(message("1"), "5")).toBe(true);
    expect(store.receive(message("1"), "5")).toBe(false);
    store.load(session([message("1"), message("2")], "6"));
    expect(store.messages.map((m) => m.id)).toEqual(["1", "2"]);
    expect(store.seq).toBe(6n);
  });

  test("replaces the optimistic bubble by the stored message", () => {
    const store = new Store();
    store.compose(out("a"));
    expect(store.messages.map((m) => m.state)).toEqual(["sending"]);
    store.receive(mine("7", "a"));
    expect(store.messages.map((m) => [m.id, m.state])).toEqual([["7", "sent"]]);
    expect(store.outbox).toEqual([]);
  });

  test("keeps what is not sent over a reload of the history, and drops what the server has", () => {
    const store = new Store();
    store.compose(out("a"));
    store.compose(out("b"));
    store.load(session([mine("7", "a")], "9"));
    expect(store.messages.map((m) => m.client_id)).toEqual(["a", "b"]);
    expect(store.outbox.map((o) => o.client_id)).toEqual(["b"]);
  });

  test("takes up an outbox twice without doubling it", () => {
    const store = new Store();
    store.compose(out("a"));
    store.compose(out("a"));
    expect(store.outbox).toHaveLength(1);
    expect(store.messages).toHaveLength(1);
  });

  test("sorts by the server's number even beyond what a double can hold; what is on its way comes last", () => {
    const store = new Store();
    store.compose(out("mine"));
    for (const id of ["9007199254740995", "9007199254740993", "9007199254740994"]) store.receive(message(id));
    expect(store.messages.map((m) => m.id)).toEqual(["9007199254740993", "9007199254740994", "9007199254740995", ""]);
    expect(store.lastId).toBe("9007199254740995");
  });

  test("never moves a state backwards", () => {
    const store = new Store();
    store.receive(mine("1", "a", { state: "read" }));
    store.receive(mine("1", "a", { state: "delivered" }));
    expect(store.messages.map((m) => m.state)).toEqual(["read"]);
  });

  test("takes words of an edited message anew, in its place", () => {
    const store = new Store();
    for (const id of ["1", "2"]) store.receive(message(id));
    store.receive(message("1", { text: "новое", edited: true }));
    expect(store.messages.map((m) => m.text)).toEqual(["новое", "text 2"]);
  });

  test("keeps a refused message in sight, also over a reload, and puts it back with the id it had", () => {
    const store = new Store();
    store.compose(out("a"));
    store.compose(out("b"));
    store.fail("a");
    expect(store.outbox.map((o) => o.client_id)).toEqual(["b"]);
    store.load(session([], "1"));
    expect(store.messages.map((m) => m.state)).toEqual(["failed", "sending"]);
    store.again("a");
    store.again("a");
    expect(store.outbox.map((o) => o.client_id)).toEqual(["b", "a"]);
    expect(store.messages.map((m) => m.state)).toEqual(["sending", "sending"]);
  });

  test("counts unread only while nobody looks", () => {
    const store = new Store();
    store.receive(message("1"));
    store.receive(mine("2", "a"));
    expect(store.unread).toBe(1);
    store.look(true);
    store.receive(message("3"));
    expect(store.unread).toBe(0);
  });
});

describe("a streamed answer", () => {
  test("grows, is replaced, and gives way to the final message", () => {
    const store = new Store();
    store.stream("x", "Дос", false);
    store.stream("x", "тавка", false);
    expect(store.draft?.text).toBe("Доставка");
    store.stream("x", "Возврат", true);
    expect(store.draft?.text).toBe("Возврат");
    store.receive(message("3", { author: "assistant" }));
    expect(store.draft).toBe(null);
  });

  test("begins anew with another answer", () => {
    const store = new Store();
    store.stream("x", "Первый", false);
    store.stream("y", "Второй", false);
    expect(store.draft).toEqual({ id: "y", text: "Второй" });
  });

  test("shows no torn words after a lost connection, unless the whole is sent again", () => {
    const store = new Store();
    store.stream("x", "Достав", false);
    store.interrupt();
    store.stream("x", " дня", false);
    expect(store.draft).toEqual({ id: "x", text: null });
    store.stream("x", "Доставка за 2 дня", true);
    expect(store.draft?.text).toBe("Доставка за 2 дня");
  });

  test("is not ended by the visitor's own message", () => {
    const store = new Store();
    store.stream("x", "Дос", false);
    store.receive(mine("4", "a"));
    expect(store.draft?.text).toBe("Дос");
  });
});

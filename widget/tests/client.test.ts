import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Kept } from "../src/protocol";
import { Client } from "../src/app/client";
import { FakeServer, FakeSocket, message, stubBrowser } from "./cast";

let server: FakeServer;
let browser: ReturnType<typeof stubBrowser>;
let heard: string[];
let named: [string, string | undefined][];
let kept: Partial<Kept>;

function newClient(): Client {
  return new Client("https://desk.test/widget/c/", () => "ru", {
    changed: () => undefined, heard: (m) => heard.push(m.text), sent: () => undefined, identity: (state, reason) => named.push([state, reason]), keep: (name, value) => { kept[name] = value; },
  });
}

/** Lets every promise and timer of the next `ms` run. */
const pass = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

async function openChat(token: string | null = null): Promise<Client> {
  const client = newClient();
  await client.start(token, kept.outbox ?? null);
  FakeSocket.last.open();
  await pass();
  return client;
}

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  browser = stubBrowser(server);
  heard = [];
  named = [];
  kept = {};
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const texts = (client: Client): string[] => client.store.messages.map((m) => m.text);

describe("the outbox", () => {
  test("sends in order, one at a time, and empties itself", async () => {
    const client = await openChat();
    for (const text of ["раз", "два", "три"]) client.say(text);
    await pass();
    expect(server.messages.map((m) => m.text)).toEqual(["раз", "два", "три"]);
    expect(client.store.outbox).toEqual([]);
    expect(client.store.messages.map((m) => m.state)).toEqual(["sent", "sent", "sent"]);
  });

  test("keeps what was written offline and sends it once when the network is back", async () => {
    const client = await openChat();
    server.reachable = false;
    FakeSocket.last.break();
    client.say("в туннеле");
    await pass(10_000);
    expect(client.offline).toBe(true);
    expect(client.store.messages.map((m) => m.state)).toEqual(["sending"]);
    server.reachable = true;
    browser.wake("online");
    FakeSocket.last.open();
    await pass();
    expect(server.messages.map((m) => m.text)).toEqual(["в туннеле"]);
    expect(client.offline).toBe(false);
  });

  test("asks again with the same id when the answer was lost on the way, so that nothing is doubled", async () => {
    const client = await openChat();
    server.losesAnswers = true;
    client.say("один раз");
    await pass(5000);
    server.losesAnswers = false;
    await pass(60_000);
    expect(new Set(server.posts("messages/").map((body) => body["client_id"])).size).toBe(1);
    expect(server.posts("messages/").length).toBeGreaterThan(1);
    expect(server.messages).toHaveLength(1);
    expect(texts(client)).toEqual(["один раз"]);
  });

  test("shows one bubble when the socket brings the message before the answer does", async () => {
    const client = await openChat();
    client.say("быстрее");
    const { client_id } = client.store.outbox[0]!;
    FakeSocket.last.say({ type: "message", seq: "3", message: message("1", { client_id, author: "visitor", text: "быстрее" }) });
    await pass();
    expect(texts(client)).toEqual(["быстрее"]);
  });

  test("marks what the server refuses, says why, and goes on with the next", async () => {
    const client = await openChat();
    server.refuse = { status: 400, message: "Слишком длинно." };
    client.say("плохое");
    await pass();
    server.refuse = null;
    client.say("хорошее");
    await pass();
    expect(client.store.messages.map((m) => [m.text, m.state])).toEqual([["хорошее", "sent"], ["плохое", "failed"]]);
    client.retry(client.store.messages[1]!.client_id);
    await pass();
    expect(client.store.messages.map((m) => m.state)).toEqual(["sent", "sent"]);
  });

  test("waits when there is too much of it, and gives nothing up", async () => {
    const client = await openChat();
    server.refuse = { status: 429, message: "Подождите." };
    client.say("терпение");
    await pass(100);
    expect(client.store.messages.map((m) => m.state)).toEqual(["sending"]);
    server.refuse = null;
    await pass(30_000);
    expect(client.store.messages.map((m) => m.state)).toEqual(["sent"]);
  });

  test("outlives the page, and belongs to its visitor", async () => {
    const client = await openChat();
    server.reachable = false;
    client.say("перед уходом");
    await pass();
    client.stop();
    server.reachable = true;
    const next = await openChat(kept.token);
    await pass();
    expect(server.messages.map((m) => m.text)).toEqual(["перед уходом"]);
    expect(texts(next)).toEqual(["перед уходом"]);
    expect(kept.outbox).toBe(null);
  });

  test("is not sent by the next person at this machine", async () => {
    const client = await openChat();
    server.reachable = false;
    client.say("личное");
    await pass();
    client.stop();
    server.reachable = true;
    server.visitor = "v2";
    const next = await openChat(null);
    await pass(60_000);
    expect(texts(next)).toEqual([]);
    expect(server.messages).toEqual([]);
  });

  test("sends the visitor's page along with the words", async () => {
    const client = await openChat();
    client.context = { page: { url: "https://shop.test/cart", title: "Корзина" }, attributes: { plan: "pro" } };
    client.say("помогите");
    await pass();
    expect(server.posts("messages/")[0]).toMatchObject({ page: { url: "https://shop.test/cart" }, attributes: { plan: "pro" } });
  });
});

describe("the connection", () => {
  test("carries the token in the subprotocol, never in the address", async () => {
    await openChat();
    expect(FakeSocket.last.url).toBe("wss://desk.test/ws/widget/");
    expect(FakeSocket.last.protocols).toEqual(["omni.v1", "token.t1"]);
  });

  test("asks for what it missed from where it stood", async () => {
    await openChat();
    FakeSocket.last.say({ type: "message", seq: "41", message: message("7", { text: "до" }) });
    FakeSocket.last.break();
    await pass(1000);
    FakeSocket.last.open();
    expect(FakeSocket.last.sent[0]).toEqual({ type: "since", seq: "41" });
    expect(FakeSocket.all).toHaveLength(2);
  });

  test("fetches everything anew when told that it is too far behind", async () => {
    const client = await openChat();
    server.add({ text: "пропущенное" });
    FakeSocket.last.say({ type: "resync" });
    await pass();
    expect(texts(client)).toEqual(["пропущенное"]);
  });

  test("goes on by ordinary requests where sockets are forbidden", async () => {
    const client = newClient();
    await client.start(null);
    FakeSocket.last.break();
    await pass();
    server.add({ text: "ответ" });
    server.add({ text: "ещё" });
    await pass(31_000);
    expect(texts(client)).toEqual(["ответ", "ещё"]);
    expect(heard).toEqual(["ответ", "ещё"]);
    expect(client.offline).toBe(false);
  });

  test("comes back at once when the page wakes", async () => {
    await openChat();
    for (let attempt = 0; attempt < 6; attempt += 1) {
      FakeSocket.last.break();
      await pass(30_000);
    }
    FakeSocket.last.break();
    const before = FakeSocket.all.length;
    browser.wake("visibilitychange");
    expect(FakeSocket.all).toHaveLength(before + 1);
  });

  test("drops a line that has gone silent", async () => {
    await openChat();
    const first = FakeSocket.last;
    await pass(70_000);
    expect(first.readyState).toBe(3);
    expect(FakeSocket.last).not.toBe(first);
  });

  test("begins a new session when the old one has ended", async () => {
    server.token = "t2";
    const client = newClient();
    await client.start("t1");
    expect(client.ready).toBe(true);
    expect(client.api.token).toBe("t2");
    expect(kept.token).toBe(null);
  });

  test("keeps trying when the workspace cannot be reached at first", async () => {
    server.reachable = false;
    const client = newClient();
    await client.start(null);
    client.say("кто-нибудь?");
    await pass(3000);
    expect(client.ready).toBe(false);
    server.reachable = true;
    await pass(30_000);
    expect(server.messages.map((m) => m.text)).toEqual(["кто-нибудь?"]);
  });

  test("hears an answer once, also when it comes twice", async () => {
    await openChat();
    for (const seq of ["5", "5"]) FakeSocket.last.say({ type: "message", seq, message: message("9", { text: "Здравствуйте" }) });
    expect(heard).toEqual(["Здравствуйте"]);
  });
});

describe("a person", () => {
  test("is called after what was written before", async () => {
    const client = await openChat();
    server.reachable = false;
    client.say("заказ 1042");
    client.callPerson();
    client.callPerson();
    await pass(100);
    server.reachable = true;
    await pass(30_000);
    expect(server.messages.map((m) => m.text)).toEqual(["заказ 1042", "Позвали человека."]);
    expect(client.person).toBe("asked");
  });
});

describe("presence", () => {
  test("tells of typing at most every three seconds, and of its end", async () => {
    const client = await openChat();
    for (let keys = 0; keys < 20; keys += 1) {
      client.typing();
      await pass(200);
    }
    await pass(5000);
    expect(FakeSocket.last.sent.filter((frame) => frame.type === "typing").map((frame) => frame.on)).toEqual([true, true, false]);
  });

  test("forgets that somebody types when nothing more comes", async () => {
    const client = await openChat();
    FakeSocket.last.say({ type: "typing", who: "Анна", on: true, author: "agent" });
    expect(client.store.typing?.who).toBe("Анна");
    await pass(6100);
    expect(client.store.typing).toBe(null);
  });

  test("tells once what was read, and only while somebody looks", async () => {
    const client = await openChat();
    FakeSocket.last.say({ type: "message", seq: "5", message: message("9") });
    await pass();
    expect(server.posts("read/")).toEqual([]);
    client.look(true);
    client.look(true);
    await pass();
    expect(server.posts("read/")).toEqual([{ last: "9" }]);
  });

  test("asks for fresh links before the old ones end", async () => {
    server.add({ attachments: [{ id: "f", name: "чек.pdf", mime: "application/pdf", size: 1, url: "/old/" }] });
    const client = await openChat();
    client.look(true);
    server.messages[0]!.attachments[0]!.url = "/new/";
    await pass(9 * 60_000);
    expect(client.store.messages[0]!.attachments[0]!.url).toBe("/new/");
    expect(heard).toEqual([]);
  });
});

describe("a visitor whom the site names", () => {
  test("before the chat has opened: with the first call", async () => {
    const client = newClient();
    client.identify("jwt-1");
    await client.start(null);
    expect(server.posts("session/")).toEqual([{ identity: "jwt-1" }]);
    expect(named).toEqual([["accepted", undefined]]);
    expect(kept.token).toBe("t1");
  });

  test("later: begins anew as that person, and what is unsent goes with them", async () => {
    const client = await openChat();
    server.visitor = "42";
    client.identify("jwt-1");
    client.say("уже я");
    await pass();
    expect(server.posts("session/").at(-1)).toEqual({ identity: "jwt-1" });
    expect(server.messages.map((m) => m.text)).toEqual(["уже я"]);
  });

  test("wrongly: the site hears why, the visitor writes as before", async () => {
    const client = newClient();
    server.refuseIdentity = "Подпись не сходится.";
    client.identify("forged");
    await client.start(null);
    expect(named).toEqual([["refused", "Подпись не сходится."]]);
    client.say("всё равно");
    await pass();
    expect(server.messages.map((m) => m.text)).toEqual(["всё равно"]);
  });

  test("too long ago: the site hears that they are unknown again", async () => {
    const client = newClient();
    client.identify("jwt-1");
    await client.start(null);
    server.token = "t2";
    FakeSocket.last.break();
    await pass(60_000);
    expect(named.at(-1)).toEqual(["expired", undefined]);
  });
});

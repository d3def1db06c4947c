// The peer of benchmarks/fanout.py: Node `ws` with one Redis subscription, frames passed on as they are.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { connect } from "node:net";

const require = createRequire(new URL("../widget/package.json", import.meta.url));
const { WebSocketServer } = require("ws");

const server = createServer((_request, response) => response.end("ok"));
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

const { hostname, port, password } = new URL(process.env.REDIS_URL);
const redis = connect(Number(port || 6379), hostname);
if (password) redis.write(`AUTH ${decodeURIComponent(password)}\r\n`);
redis.write(`SUBSCRIBE bench-fanout\r\n`);
let pending = Buffer.alloc(0);
redis.on("data", (chunk) => {
  pending = Buffer.concat([pending, chunk]);
  for (;;) {
    const text = pending.toString("latin1");
    const match = /\*3\r\n\$7\r\nmessage\r\n\$\d+\r\n[^\r]*\r\n\$(\d+)\r\n/.exec(text);
    if (!match) return;
    const start = match.index + match[0].length;
    const end = start + Number(match[1]);
    if (pending.length < end + 2) return;
    const frame = pending.subarray(start, end);
    pending = pending.subarray(end + 2);
    for (const socket of sockets.clients) socket.send(frame, { binary: false });
  }
});
server.listen(Number(process.argv[2]), "127.0.0.1");

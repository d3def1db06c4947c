// The promise to visitors: what the chat may weigh, gzipped. A build that breaks it fails.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const folder = join(dirname(fileURLToPath(import.meta.url)), "../static/widget");
const LIMITS = { "loader.js": 5, "app.js": 28, "app.css": 7 };
const TOTAL = 40;

let total = 0;
let failed = false;
for (const [name, limit] of Object.entries(LIMITS)) {
  const size = gzipSync(readFileSync(join(folder, name)), { level: 9 }).length / 1000;
  total += size;
  failed ||= size > limit;
  console.log(`${name.padEnd(10)} ${size.toFixed(1)} kB of ${limit}`);
}
console.log(`${"together".padEnd(10)} ${total.toFixed(1)} kB of ${TOTAL}`);
process.exit(failed || total > TOTAL ? 1 : 0);

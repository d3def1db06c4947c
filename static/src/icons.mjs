// Makes static/img/icons.svg from the outline set of lucide-static: `npm run icons` in widget/.
// Left: our name, which templates use ({% icon "send" %}); right: the name in the set, where it differs.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, "../../widget/package.json"));
const set = dirname(require.resolve("lucide-static/package.json"));

const ICONS = {
  inbox: "", "dashboard": "chart-column", "knowledge": "book-open", assistant: "sparkles", channels: "plug",
  settings: "", search: "", paperclip: "", send: "", lock: "", note: "sticky-note", menu: "", x: "", plus: "",
  check: "", "check-check": "", clock: "", undo: "undo-2", "circle-alert": "", "circle-check": "", "circle-x": "", question: "circle-question-mark",
  info: "", warning: "triangle-alert", "chevron-left": "", "chevron-right": "", "chevron-down": "", "arrow-left": "",
  user: "", users: "", "user-plus": "", "user-check": "", tag: "", flag: "", "log-out": "", sun: "", moon: "", monitor: "",
  globe: "", phone: "", "map-pin": "", contact: "", image: "", file: "", "file-text": "", download: "", mic: "", reply: "",
  languages: "", retry: "rotate-ccw", external: "external-link", keyboard: "", panel: "panel-right", "wifi-off": "", more: "ellipsis",
  handover: "hand", pencil: "", trash: "trash-2", ban: "", history: "", video: "", music: "", quote: "", smile: "",
  snooze: "alarm-clock", bell: "", spam: "shield-alert", merge: "", split: "", incident: "siren",
  archive: "", hourglass: "", open: "circle-dot", upload: "", link: "", eye: "", "eye-off": "",
  chat: "message-circle", mail: "", code: "", "app-window": "", bold: "", italic: "", strike: "strikethrough", list: "", zap: "", at: "at-sign", telegram: "send", whatsapp: "phone",
};

const symbols = Object.entries(ICONS).map(([name, source]) => {
  const svg = readFileSync(join(set, "icons", `${source || name}.svg`), "utf8");
  const shapes = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
  return `<symbol id="${name}" viewBox="0 0 24 24">${shapes.replace(/\s*\n\s*/g, "")}</symbol>`;
});
const licence = "Icons: Lucide (ISC licence) and Feather (MIT licence), https://lucide.dev/license";
writeFileSync(
  join(here, "../img/icons.svg"),
  `<!-- ${licence} -->\n<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`,
);

// Builds everything the browser loads, with stable names (Django adds hashes):
//   src/loader/main.ts → static/widget/loader.js      src/app/main.tsx → static/widget/app.js, app.css
//   ../static/src/<name>/lazy/<noun>.ts → static/build/<name>-<noun>.js, for import() (LATE has the nouns)
//   ../static/src/<name>/main.ts → static/build/<name>.js      ../static/src/<name>.css → static/build/<name>.css
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..");
const agent = join(root, "static/src");
const LATE = ["menus", "palette", "keymap"];
const TOKENS = "tokens.css"; // imported by the others

/** `import send from "icon:send"`: the shapes of one Lucide icon as data, so that no markup is ever parsed in the browser. */
const icons = {
  name: "icons",
  resolveId: (id) => (id.startsWith("icon:") ? `\0${id}` : null),
  load(id) {
    if (!id.startsWith("\0icon:")) return null;
    const svg = readFileSync(join(here, "node_modules/lucide-static/icons", `${id.slice(6)}.svg`), "utf8");
    const shapes = [...svg.matchAll(/<(path|circle|line|rect|polyline|polygon|ellipse)\s([^>]*?)\/>/g)];
    const attributes = (text) => Object.fromEntries([...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
    return `export default ${JSON.stringify(shapes.map(([, tag, text]) => [tag, attributes(text)]))}`;
  },
};

/** The agents' modules lie outside of this folder; their packages are here. */
const packages = {
  name: "packages",
  enforce: "pre",
  resolveId(id, importer) {
    return importer?.startsWith(agent) && /^[@a-z]/.test(id) ? this.resolve(id, join(here, "build.mjs"), { skipSelf: true }) : null;
  },
};

/** One script (or style sheet) without chunks: each is one request, and none needs a loader. */
async function bundle(entry, outDir, name, format = "iife") {
  const isStyle = entry.endsWith(".css");
  await build({
    root: here,
    configFile: false,
    envDir: root, // VITE_API_URL and VITE_WIDGET_URL, from the environment or the project's .env
    logLevel: "warn",
    plugins: [icons, packages],
    build: {
      outDir: join(root, outDir),
      emptyOutDir: false,
      target: "es2022",
      cssTarget: ["chrome123", "firefox120", "safari17.5"], // the first with light-dark()
      cssMinify: true,
      cssCodeSplit: isStyle,
      modulePreload: false,
      rollupOptions: {
        input: entry,
        preserveEntrySignatures: "strict",
        checks: { eval: false }, // htmx has one, behind a setting that is off
        output: {
          format: isStyle ? "es" : format,
          postBanner: isStyle ? "" : "/*! Icons: Lucide, ISC licence, https://lucide.dev/license */",
          entryFileNames: isStyle ? `.${name}.css.js` : `${name}.js`,
          assetFileNames: `${name}[extname]`,
        },
      },
    },
  });
}

await bundle(join(here, "src/loader/main.ts"), "static/widget", "loader");
await bundle(join(here, "src/app/main.tsx"), "static/widget", "app");
if (existsSync(agent)) {
  for (const entry of readdirSync(agent, { withFileTypes: true })) {
    const script = join(agent, entry.name, "main.ts");
    if (entry.isDirectory() && existsSync(script)) {
      await bundle(script, "static/build", entry.name);
      const late = join(agent, entry.name, "lazy");
      for (const noun of existsSync(late) ? LATE : []) await bundle(join(late, `${noun}.ts`), "static/build", `${entry.name}-${noun}`, "es");
    }
    else if (entry.name.endsWith(".css") && entry.name !== TOKENS) {
      await bundle(join(agent, entry.name), "static/build", entry.name.replace(/\.css$/, ""));
    }
  }
}

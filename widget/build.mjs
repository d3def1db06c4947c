// Builds everything the browser loads, with stable names (Django adds hashes):
//   src/loader/main.ts → static/widget/loader.js      src/app/main.tsx → static/widget/app.js, app.css
//   ../static/src/<name>/main.ts → static/build/<name>.js      ../static/src/<name>.css → static/build/<name>.css
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..");
const agent = join(root, "static/src");

const define = {
  __API_URL__: JSON.stringify(process.env.VITE_API_URL ?? ""),
  __WIDGET_URL__: JSON.stringify(process.env.VITE_WIDGET_URL ?? ""),
};

/** One script (or style sheet) without chunks: each is one request, and none needs a loader. */
async function bundle(entry, outDir, name) {
  const isStyle = entry.endsWith(".css");
  await build({
    root: here,
    configFile: false,
    logLevel: "warn",
    define,
    resolve: { modules: [join(here, "node_modules")], dedupe: ["preact"] },
    build: {
      outDir: join(root, outDir),
      emptyOutDir: false,
      target: "es2022",
      cssMinify: true,
      cssCodeSplit: isStyle,
      modulePreload: false,
      rollupOptions: {
        input: entry,
        output: {
          format: isStyle ? "es" : "iife",
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
    if (entry.isDirectory() && existsSync(script)) await bundle(script, "static/build", entry.name);
    else if (entry.name.endsWith(".css") && entry.name !== "tokens.css") {
      await bundle(join(agent, entry.name), "static/build", entry.name.replace(/\.css$/, ""));
    }
  }
}

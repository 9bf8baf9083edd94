/**
 * Build the recipes with Vite, in the current folder, which has two folders for each framework: `react` and `react-ssr`.
 *
 * The results are in `out/`. Both get `client.js`. The second gets `late.js`, too, which leaves out the element, so that
 * the page can load it later; and `server.mjs`, which prints the HTML that it renders.
 */

import { svelte } from "@sveltejs/vite-plugin-svelte";
import vue from "@vitejs/plugin-vue";
import { build } from "vite";

const isCustomElement = (tag) => tag === "breaking-ticker";
const jsx = (importSource) => ({ oxc: { jsx: { runtime: "automatic", importSource } } });
const FRAMEWORKS = {
  react: jsx("react"),
  preact: jsx("preact"),
  vue: { plugins: [vue({ template: { compilerOptions: { isCustomElement } } })] },
  svelte: { plugins: [svelte()] },
};

async function bundle(folder, entry, file, settings, options = {}) {
  await build({
    ...settings,
    configFile: false,
    logLevel: "warn",
    mode: "development", // with the frameworks' warnings
    define: { "process.env.NODE_ENV": '"development"' },
    build: {
      ...options,
      outDir: `out/${folder}`,
      emptyOutDir: false,
      minify: false,
      rollupOptions: { input: `${folder}/${entry}`, output: { entryFileNames: file, codeSplitting: false } },
    },
  });
}

const withoutElement = { resolve: { alias: { "breaking-ticker/define": `${process.cwd()}/empty.js` } } };
for (const [name, settings] of Object.entries(FRAMEWORKS)) {
  await bundle(name, "client", "client.js", settings);
  await bundle(`${name}-ssr`, "client", "client.js", settings);
  await bundle(`${name}-ssr`, "client", "late.js", { ...settings, ...withoutElement });
  await bundle(`${name}-ssr`, "server", "server.mjs", settings, { ssr: true });
}

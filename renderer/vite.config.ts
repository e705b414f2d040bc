/**
 * How the front end is built: renderer/ becomes static files in dist/renderer/.
 *
 * Owns: where the files go and that they need nothing but themselves. Addresses are relative, so that
 * the same files work under app://ares/ and under http://127.0.0.1:PORT/; nothing is inlined, so that
 * the content security policy can forbid inline scripts, inline styles and data: fonts.
 */
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { type Plugin, defineConfig } from 'vite';

/** KaTeX names each of its fonts in three formats; whatever shows this window reads the first. */
const oneFontFormat: Plugin = {
  name: 'one-font-format',
  enforce: 'pre',
  transform: (code, id) =>
    /katex.*\.css$/.test(id) ? code.replaceAll(/,url\([^)]*\.(?:woff|ttf)\) format\("[^"]*"\)/g, '') : undefined,
};

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  plugins: [svelte(), oneFontFormat],
  build: {
    outDir: fileURLToPath(new URL('../dist/renderer', import.meta.url)),
    emptyOutDir: true,
    target: 'chrome140',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});

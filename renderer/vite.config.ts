/**
 * How the front end is built: renderer/ becomes static files in dist/renderer/.
 *
 * Owns: where the files go and that they need nothing but themselves. Addresses are relative, so that
 * the same files work under app://ares/ and under http://127.0.0.1:PORT/; nothing is inlined, so that
 * the content security policy can forbid inline scripts, inline styles and data: fonts.
 */
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  plugins: [svelte()],
  build: {
    outDir: fileURLToPath(new URL('../dist/renderer', import.meta.url)),
    emptyOutDir: true,
    target: 'chrome140',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});

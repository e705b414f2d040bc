/**
 * How the front end is built: renderer/ becomes static files in dist/renderer/.
 *
 * Owns: where the files go and that they need nothing but themselves. Addresses are relative, so that
 * the same files work under app://ares/ and under http://127.0.0.1:PORT/; nothing is inlined, so that
 * the content security policy can forbid inline scripts, inline style sheets and data: fonts.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { type Plugin, defineConfig } from 'vite';

const root = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Parts of the window itself, which are bundled and so only needed to build it. */
const bundled = ['svelte', 'uplot', 'katex', '@fontsource-variable/inter', '@fontsource-variable/jetbrains-mono'];

/** `virtual:packages`: what the program is made of, with licences, for Settings. */
function packageList(): Plugin {
  const id = '\0virtual:packages';
  return {
    name: 'package-list',
    resolveId: (source) => (source === 'virtual:packages' ? id : undefined),
    load(asked) {
      if (asked !== id) return undefined;
      const manifest = readManifest('package.json');
      const names = [...Object.keys(manifest.dependencies ?? {}), ...bundled].sort();
      const packages = names.map((name) => {
        const { version, license } = readManifest(`node_modules/${name}/package.json`);
        return { name, version, licence: license ?? 'unknown' };
      });
      return `export const packages = ${JSON.stringify(packages)};`;
    },
  };
}

function readManifest(path: string): { version: string; license?: string; dependencies?: Record<string, string> } {
  // Sound enough: npm wrote them.
  return JSON.parse(readFileSync(root(path), 'utf8')) as ReturnType<typeof readManifest>;
}

export default defineConfig({
  root: root('renderer'),
  base: './',
  plugins: [svelte(), packageList()],
  build: {
    outDir: root('dist/renderer'),
    emptyOutDir: true,
    target: 'chrome140',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});

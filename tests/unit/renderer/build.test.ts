/**
 * The built front end: small enough at the start, nothing inline, nothing from elsewhere, and no Node in it.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from 'vite';
import { programFolder } from '#core/util/programFolder.ts';

const EAGER_LIMIT_BYTES = 600_000;
let folder: string;
let page: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ares-renderer-'));
  await build({
    configFile: join(programFolder, 'renderer', 'vite.config.ts'),
    build: { outDir: folder },
    logLevel: 'error',
  });
  page = readFileSync(join(folder, 'index.html'), 'utf8');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const addresses = () => [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address!);

/** The entry and what it imports statically, which is what must be there before anything is shown. */
function eagerScripts(): Set<string> {
  const found = new Set<string>();
  const visit = (name: string) => {
    if (found.has(name)) return;
    found.add(name);
    const text = readFileSync(join(folder, 'assets', name), 'utf8');
    for (const [, next] of text.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) visit(next!);
  };
  for (const address of addresses()) if (address.endsWith('.js')) visit(address.split('/').at(-1)!);
  return found;
}

it('needs less than 600 KB of script before it shows something', () => {
  const scripts = eagerScripts();
  expect(scripts.size).toBeGreaterThan(0);
  const total = [...scripts].reduce((sum, name) => sum + statSync(join(folder, 'assets', name)).size, 0);
  expect(total).toBeLessThan(EAGER_LIMIT_BYTES);
});

it('has no inline script or style, and no address that leaves it', () => {
  expect(page).not.toMatch(/<script(?![^>]*\bsrc=)/);
  expect(page).not.toMatch(/<style|\son[a-z]+=|\sstyle=/);
  for (const address of addresses()) expect(address).toMatch(/^\.\//);
});

it('brings its fonts as files, and nothing that only Node has', () => {
  const assets = readdirSync(join(folder, 'assets'));
  expect(assets.filter((name) => /inter-latin-wght.*\.woff2$/.test(name))).toHaveLength(1);
  expect(assets.filter((name) => /jetbrains-mono-latin-wght.*\.woff2$/.test(name))).toHaveLength(1);
  for (const name of assets.filter((each) => each.endsWith('.css')))
    expect(readFileSync(join(folder, 'assets', name), 'utf8')).not.toMatch(/url\(["']?(?:data:font|https?:)/);
  for (const name of assets.filter((each) => each.endsWith('.js')))
    expect(readFileSync(join(folder, 'assets', name), 'utf8')).not.toMatch(/["']node:[a-z]|__vite-browser-external/);
});

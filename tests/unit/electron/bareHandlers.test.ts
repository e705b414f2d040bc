/** What must stay true of the shell's source. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = resolve(import.meta.dirname, '..', '..', '..', 'electron');
const sources = readdirSync(folder)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
const uses = (pattern: RegExp) => sources.flatMap(({ name, text }) => [...text.matchAll(pattern)].map(() => name));

describe('the shell', () => {
  it('answers messages in one place only, behind the check of the sender', () => {
    expect(uses(/ipcMain\s*\.\s*(handle|on|once|handleOnce)\b/g)).toEqual(['ipc.ts']);
    expect(uses(/\.ipc\s*\.\s*(handle|on)\b/g)).toEqual([]);
  });

  it('opens addresses outside in one place only, behind the check of the scheme', () => {
    expect(uses(/shell\s*\.\s*openExternal\b/g)).toEqual(['policy.ts']);
    expect(uses(/shell\s*\.\s*openPath\b/g)).toEqual([]);
  });

  it('shows pages of its own scheme only', () => {
    expect(uses(/\.(loadURL|loadFile)\b/g)).toEqual(['window.ts']);
    expect(
      uses(
        /<webview|webSecurity: false|sandbox: false|contextIsolation: false|nodeIntegration: true|allowRunningInsecureContent/g,
      ),
    ).toEqual([]);
  });

  it('hands the page functions, never an object of Electron', () => {
    const preload = sources.find(({ name }) => name === 'preload.ts')!.text;
    expect(preload.match(/exposeInMainWorld/g)).toHaveLength(1);
    expect(preload).not.toMatch(/exposeInMainWorld\([^)]*ipcRenderer/);
  });

  it('can be read in ten minutes', () => {
    const lines = sources.reduce((sum, { text }) => sum + text.split('\n').length, 0);
    expect(lines).toBeLessThan(900);
  });
});

/** Settings and opened projects: defaults, strictness, and a damaged file that is kept. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultUserFolder } from '#core/host/userFolder.ts';
import { openUserSettings } from '#core/host/userSettings.ts';

let folder: string;
let reports: string[];
const open = () => openUserSettings(folder, (message) => void reports.push(message));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ares-settings-'));
  reports = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('settings', () => {
  it('have defaults, and keep what was changed', () => {
    expect(open().get()).toMatchObject({ theme: 'system', isTourDone: false, dataFolder: join(folder, 'projects') });
    expect(existsSync(join(folder, 'settings.json'))).toBe(false);
    open().change({ theme: 'dark', shortcuts: { 'app.palette': 'Mod+P' } });
    expect(open().get()).toMatchObject({
      theme: 'dark',
      shortcuts: { 'app.palette': 'Mod+P' },
      colourScale: 'viridis',
    });
  });

  it('are not changed by what does not fit', () => {
    const settings = open();
    expect(() => settings.change({ theme: 'pink' as 'dark' })).toThrow();
    expect(settings.get().theme).toBe('system');
  });

  it('that an older version wrote get the defaults of what is new', () => {
    writeFileSync(join(folder, 'settings.json'), '{"theme":"light"}');
    expect(open().get()).toMatchObject({ theme: 'light', tokenColour: 'entropy' });
    expect(reports).toEqual([]);
  });

  it('from before there was a choice of providers compute on the CPU', () => {
    writeFileSync(join(folder, 'settings.json'), '{"engine":{"threads":2,"memoryLimitBytes":null}}');
    expect(open().get().engine).toEqual({ threads: 2, memoryLimitBytes: null, provider: 'cpu' });
    expect(reports).toEqual([]);
  });

  it.each(['{', '[]', '{"theme":"pink"}'])('in a damaged file (%s) are moved aside, with a word about it', (text) => {
    const file = join(folder, 'settings.json');
    writeFileSync(file, text);
    expect(open().get().theme).toBe('system');
    expect(readFileSync(`${file}.damaged`, 'utf8')).toBe(text);
    expect(reports).toEqual([expect.stringContaining('settings.json.damaged')]);
  });
});

describe('opened projects', () => {
  it('are listed newest first, once each, twenty at most', () => {
    const settings = open();
    for (let i = 0; i < 25; i++) settings.noteOpened({ folder: `/p/${i}`, name: String(i), openedMs: i });
    settings.noteOpened({ folder: '/p/20', name: '20', openedMs: 99 });
    const names = open()
      .opened()
      .map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(['20', '24', '23']);
    expect(names).toHaveLength(20);
  });
});

describe('the user folder', () => {
  it('is where the platform keeps such things, unless told otherwise', () => {
    expect(defaultUserFolder({ ARES_HOME: '/x' }, 'linux')).toBe('/x');
    expect(defaultUserFolder({ XDG_DATA_HOME: '/data' }, 'linux')).toBe('/data/ares-workbench');
    expect(defaultUserFolder({ XDG_DATA_HOME: '' }, 'linux')).toMatch(/\.local\/share\/ares-workbench$/);
    expect(defaultUserFolder({}, 'darwin')).toMatch(/Library\/Application Support\/ares-workbench$/);
    expect(defaultUserFolder({ APPDATA: '/roaming' }, 'win32')).toBe('/roaming/ares-workbench');
  });
});

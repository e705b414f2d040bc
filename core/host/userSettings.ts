/**
 * What a person has set, and which projects they opened last, as files in the user folder.
 *
 * Owns: defaults, reading strictly and writing atomically. A file that cannot be read is moved aside,
 * never overwritten, and the program goes on with the defaults.
 */
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod/mini';
import { type RequestOf, type Settings, calls } from '#core/contract/contract.ts';
import { writeFileAtomic } from '#core/util/atomicFiles.ts';
import { userFiles } from './userFolder.ts';

const settingsSchema = calls['settings.get'].response;
const recentSchema = z.array(z.strictObject({ folder: z.string(), name: z.string(), openedMs: z.number() }));
export type OpenedProject = z.output<typeof recentSchema>[number];

const MAX_RECENT = 20;

export interface UserSettings {
  get(): Settings;
  change(patch: RequestOf<'settings.set'>): Settings;
  /** Newest first. */
  opened(): OpenedProject[];
  noteOpened(project: OpenedProject): void;
}

/** @param report told when a file was unreadable and moved aside */
export function openUserSettings(userFolder: string, report: (message: string) => void): UserSettings {
  const files = userFiles(userFolder);
  const defaults: Settings = {
    theme: 'system',
    tokenColour: 'entropy',
    colourScale: 'viridis',
    shortcuts: {},
    isTourDone: false,
    dataFolder: files.projects,
    engine: { threads: null, memoryLimitBytes: null, provider: 'cpu' },
  };
  // Settings that a newer version added are not in an older file.
  let settings = readJson(files.settings, report, (value) =>
    settingsSchema.parse({ ...defaults, ...z.record(z.string(), z.unknown()).parse(value) }),
  );
  let recent = readJson(files.recent, report, (value) => recentSchema.parse(value));

  return {
    get: () => settings ?? defaults,
    change(patch) {
      const given = Object.entries(patch).filter(([, value]) => value !== undefined);
      const changed = settingsSchema.parse({ ...(settings ?? defaults), ...Object.fromEntries(given) });
      writeJson(files.settings, changed);
      settings = changed;
      return changed;
    },
    opened: () => recent ?? [],
    noteOpened(project) {
      const others = (recent ?? []).filter(({ folder }) => folder !== project.folder);
      recent = [project, ...others].slice(0, MAX_RECENT);
      writeJson(files.recent, recent);
    },
  };
}

function readJson<T>(file: string, report: (message: string) => void, parse: (value: unknown) => T): T | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    renameSync(file, `${file}.damaged`);
    report(`${file} could not be read. It is kept as ${file}.damaged; the defaults are used.`);
    return undefined;
  }
}

function writeJson(file: string, value: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`);
}

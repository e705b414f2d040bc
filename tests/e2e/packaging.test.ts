/**
 * What the installers hold, as electron-builder itself packs it: the real file list, the real fuses and
 * the real archive, around a stand-in for Electron's binary. The packed program is then started from a
 * folder where nothing else is. Signing, and the installers around the archive, need each platform's
 * tools and are not covered.
 */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { rendererBuild, shellBuild, upToDate } from '#core/cli/builds.ts';
import { temporaryFolder } from './ares.ts';
import { callFromPage, startStandIn } from './desktop.ts';
import { describeWithChromium } from './serve.ts';

/** electron-builder's parts are CommonJS without types of their own for what is used here. */
interface Builder {
  build(options: object): Promise<string[]>;
  Platform: { LINUX: { createTarget(type: string, arch: number): unknown } };
  Arch: { x64: number; arm64: number };
}
interface Asar {
  listPackage(archive: string): string[];
  statFile(archive: string, path: string): { size?: number; files?: object; unpacked?: boolean };
  extractAll(archive: string, folder: string): void;
  extractFile(archive: string, path: string): Buffer;
}
interface Matcher {
  createFilter(): (path: string, stat: object) => boolean;
}

const root = resolve(import.meta.dirname, '..', '..');
const require = createRequire(import.meta.url);
const { build, Platform, Arch } = require('electron-builder') as Builder;
const asar = require('@electron/asar') as Asar;
const { FileMatcher } = require('app-builder-lib/out/fileMatcher') as {
  FileMatcher: new (from: string, to: string, expand: (text: string) => string, patterns: string[]) => Matcher;
};
const { getCurrentFuseWire, FuseV1Options } = require('@electron/fuses') as {
  getCurrentFuseWire(binary: string): Promise<Record<number, number>>;
  FuseV1Options: Record<string, number>;
};
const file = join(root, 'electron-builder.yml');
const config = parse(readFileSync(file, 'utf8')) as {
  files: string[];
  electronFuses: Record<string, boolean>;
  linux: { target: string[] };
  mac: { target: { target: string; arch: string }[] };
  win: { target: string[] };
};
const arch = process.arch as 'x64' | 'arm64';
const MiB = 1024 * 1024;

/** Electron's files as far as packing looks at them; the binary carries fuses that are all on. */
function writeStandInDistribution(folder: string): void {
  const SENTINEL = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
  const FUSES = 9;
  mkdirSync(join(folder, 'resources'), { recursive: true });
  mkdirSync(join(folder, 'locales'));
  for (const name of ['LICENSE', 'LICENSES.chromium.html', 'locales/en-US.pak', 'locales/de.pak']) {
    writeFileSync(join(folder, name), '');
  }
  writeFileSync(join(folder, 'version'), '45.5.0');
  writeFileSync(
    join(folder, 'electron'),
    Buffer.concat([Buffer.from(SENTINEL), Buffer.from([1, FUSES]), Buffer.from('1'.repeat(FUSES))]),
  );
}

function pack(scratch: string, change: object = {}): Promise<string[]> {
  return build({
    targets: Platform.LINUX.createTarget('dir', Arch[arch]),
    projectDir: root,
    config: {
      extends: file,
      electronDist: join(scratch, 'electron'),
      directories: { output: join(scratch, 'out') },
      ...change,
    },
  });
}

describe.skipIf(process.platform !== 'linux')('the packed program', () => {
  let scratch: string;
  let resources: string;
  /** Of every file, by its path in the program's folder. */
  let files: Map<string, { size: number; isUnpacked: boolean }>;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'ares-pack-'));
    await upToDate(rendererBuild, () => undefined);
    await upToDate(shellBuild, () => undefined);
    writeStandInDistribution(join(scratch, 'electron'));
    await pack(scratch);
    resources = join(scratch, 'out', arch === 'x64' ? 'linux-unpacked' : 'linux-arm64-unpacked', 'resources');
    const archive = join(resources, 'app.asar');
    files = new Map();
    for (const path of asar.listPackage(archive)) {
      const { size = 0, files: isFolder, unpacked = false } = asar.statFile(archive, path.slice(1));
      if (isFolder === undefined) files.set(path.slice(1), { size, isUnpacked: unpacked });
    }
  }, 120_000);
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  const matching = (pattern: RegExp) => [...files.keys()].filter((path) => pattern.test(path));

  it('holds the bundle, the front end, the sample and native packages, nothing else', () => {
    const tops = new Set(
      [...files.keys()].map((path) =>
        path
          .split('/')
          .slice(0, path.startsWith('node_modules') ? 2 : 2)
          .join('/'),
      ),
    );
    expect([...tops].sort()).toEqual([
      'LICENSE',
      'dist/electron',
      'dist/renderer',
      'node_modules/@img',
      'node_modules/@napi-rs',
      'node_modules/better-sqlite3',
      'node_modules/detect-libc',
      'node_modules/onnxruntime-common',
      'node_modules/onnxruntime-node',
      'node_modules/semver',
      'node_modules/sharp',
      'package.json',
      'resources/sample',
      'resources/triggers',
    ]);
    for (const needed of [
      'dist/electron/main.js',
      'dist/electron/preload.cjs',
      'dist/electron/process.js',
      'dist/renderer/index.html',
      'resources/sample/base/config.json',
    ]) {
      expect(files.has(needed), needed).toBe(true);
    }
    expect(matching(/\.(ts|map|md|gyp|c|cc|cpp)$|\.built-from$|\.test\.|^(core|renderer|electron|tests)\//)).toEqual(
      [],
    );
  });

  it('holds one platform’s binaries, where the system can load them', () => {
    expect(
      matching(/^node_modules\/onnxruntime-node\/bin\//).map((path) => path.split('/').slice(0, 6).join('/')),
    ).toEqual(Array.from({ length: 2 }, () => `node_modules/onnxruntime-node/bin/napi-v6/linux/${arch}`));
    expect(matching(/^node_modules\/better-sqlite3\/prebuilds\//)).toEqual([
      `node_modules/better-sqlite3/prebuilds/linux-${arch}.node`,
    ]);
    const binaries = matching(/\.(node|so|dll|dylib)(\.|$)/);
    expect(binaries.length).toBeGreaterThanOrEqual(5);
    for (const path of [...binaries, ...matching(/^resources\//)]) expect(files.get(path)!.isUnpacked, path).toBe(true);
    // The code of the shell is never outside of the archive, whose integrity Electron checks.
    expect(matching(/^(dist|package\.json)/).filter((path) => files.get(path)!.isUnpacked)).toEqual([]);
  });

  it('is small', () => {
    const total = [...files.values()].reduce((sum, { size }) => sum + size, 0);
    expect(total).toBeLessThan(100 * MiB);
    const sizeOf = (pattern: RegExp) => matching(pattern).reduce((sum, path) => sum + files.get(path)!.size, 0);
    expect(sizeOf(/^dist\/electron/)).toBeLessThan(10 * MiB);
    expect(sizeOf(/^dist\/renderer/)).toBeLessThan(5 * MiB);
  });

  it('has replaced every path of a source by one of the bundle', () => {
    for (const path of matching(/^dist\/electron\/.*js$/)) {
      const text = asar.extractFile(join(resources, 'app.asar'), path).toString('utf8');
      expect(text.match(/["'`][^"'`\n]*\.ts["'`], import\.meta\.url/g), path).toBeNull();
    }
    for (const entry of ['process', 'statisticsWorker', 'symbolicWorker']) {
      expect(files.has(`dist/electron/${entry}.js`), entry).toBe(true);
    }
  });

  it('names its entry, and nothing of how it was developed', () => {
    const folder = join(scratch, 'manifest');
    asar.extractAll(join(resources, 'app.asar'), folder);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest).toMatchObject({ main: 'dist/electron/main.js', type: 'module' });
    expect(manifest['devDependencies']).toBeUndefined();
  });

  it('has every fuse set as it should be', async () => {
    const binary = join(resources, '..', 'ares-workbench');
    const wire = await getCurrentFuseWire(binary);
    const [OFF, ON] = ['0'.charCodeAt(0), '1'.charCodeAt(0)];
    const expected = {
      RunAsNode: OFF,
      EnableCookieEncryption: ON,
      EnableNodeOptionsEnvironmentVariable: OFF,
      EnableNodeCliInspectArguments: OFF,
      EnableEmbeddedAsarIntegrityValidation: ON,
      OnlyLoadAppFromAsar: ON,
      LoadBrowserProcessSpecificV8Snapshot: OFF,
      GrantFileProtocolExtraPrivileges: OFF,
    };
    for (const [name, state] of Object.entries(expected)) expect(wire[FuseV1Options[name]!], name).toBe(state);
  });

  it('is refused by electron-builder when the configuration has a mistake in it', async () => {
    await expect(pack(scratch, { electronFuse: {} })).rejects.toThrow(/electronFuse/);
    await expect(pack(scratch, { asar: 'yes' })).rejects.toThrow(/asar/);
  });

  describeWithChromium('started from a folder of its own', () => {
    it('opens the sample project with what it holds', async () => {
      const folder = temporaryFolder();
      const program = join(folder, 'app');
      asar.extractAll(join(resources, 'app.asar'), program);
      const { page, quit } = await startStandIn(join(folder, 'home'), { main: join(program, 'dist/electron/main.js') });
      await page.waitForSelector('main');
      await page.getByText('sample', { exact: true }).first().waitFor();
      // Database, runtime, engine process: everything native is found and works.
      const checks = (await callFromPage(page, 'app.doctor', {})) as { name: string; status: string; detail: string }[];
      expect(checks.length).toBeGreaterThan(3);
      expect(checks.filter(({ status }) => status === 'failed')).toEqual([]);
      await quit();
    });
  });
});

describe('the configuration', () => {
  it('makes what each platform expects', () => {
    expect(config.linux.target).toEqual(['AppImage', 'deb']);
    expect(config.mac.target).toEqual([
      { target: 'dmg', arch: 'arm64' },
      { target: 'zip', arch: 'arm64' },
    ]);
    expect(config.win.target).toEqual(['nsis']);
  });

  it.each([
    ['linux', 'x64', 60],
    ['linux', 'arm64', 40],
    ['darwin', 'arm64', 100],
    ['win32', 'x64', 75],
    ['win32', 'arm64', 80],
  ])('takes for %s on %s the native code of that platform alone, under %i MiB', (platform, processor, mebibytes) => {
    const expand = (text: string) => text.replaceAll('${platform}', platform).replaceAll('${arch}', processor);
    const patterns = ['**/*', ...config.files.filter((pattern) => pattern.startsWith('!'))];
    const isTaken = new FileMatcher(root, root, expand, patterns).createFilter();
    let bytes = 0;
    const binaries: string[] = [];
    for (const name of ['onnxruntime-node', 'better-sqlite3', 'onnxruntime-common']) {
      const folder = join(root, 'node_modules', name);
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        if (!entry.isFile() || !isTaken(path, statSync(path))) continue;
        bytes += statSync(path).size;
        if (/\.(node|so|dll|dylib)(\.|$)/.test(entry.name)) binaries.push(path.slice(root.length + 1));
      }
    }
    expect(binaries.length).toBeGreaterThanOrEqual(3);
    for (const path of binaries)
      expect(path).toMatch(new RegExp(`/${platform}/${processor}/|/${platform}-${processor}\\.node$`));
    expect(bytes).toBeLessThan(mebibytes * MiB);
  });
});

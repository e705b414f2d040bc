/** Unused files, exports and dependencies: what is reached from the entry points below is in use. */
import type { KnipConfig } from 'knip';

const config: KnipConfig = {
  entry: [
    'core/cli/main.ts',
    'core/cli/ares.mjs',
    // Started as processes of their own, by path.
    'core/engine/process.ts',
    'core/data/{readerProcess,readerWatchdog}.ts',
    'renderer/main.ts',
    // Found by pattern: import.meta.glob in renderer/app/.
    'renderer/app/appCommands.ts',
    'renderer/rooms/*/*Room.svelte',
    'renderer/rooms/*/commands.ts',
    'renderer/*.config.{ts,js}',
    'electron/{main,preload,build,package}.ts',
    // In place of the module `electron`, and what it starts by path.
    'tests/e2e/electronStandIn/{launch,electron,parentPort}.ts',
    // Run by hand.
    'tests/bench/*.ts',
    'tests/fuzz/run.ts',
    'tests/**/fixtures/*.ts',
    'tests/run.ts',
    'tests/check.ts',
    'tests/**/*.test.ts',
  ],
  project: ['core/**/*.{ts,mjs}', 'electron/**/*.ts', 'renderer/**/*.{ts,svelte}', 'tests/**/*.ts'],
  ignoreDependencies: [
    // Run by path, in scripts and in tests/checkSteps.ts; fonts are named in a style sheet.
    'oxfmt',
    'svelte-check',
    '@fontsource-variable/*',
    // Parts of electron-builder, which the tests of packaging want in the very version it brings.
    '@electron/asar',
    '@electron/fuses',
    'app-builder-lib',
  ],
  // A type that only its own file names may still be part of what the file exports.
  ignoreExportsUsedInFile: true,
};

export default config;

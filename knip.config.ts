/** Unused files, exports and dependencies: what is reached from the entry points below is in use. */
import type { KnipConfig } from 'knip';

const config: KnipConfig = {
  entry: [
    'core/cli/main.ts',
    'core/cli/ares.mjs',
    // Started as processes of their own, by path.
    'core/engine/process.ts',
    'renderer/main.ts',
    // Found by pattern: import.meta.glob in renderer/app/.
    'renderer/app/appCommands.ts',
    'renderer/rooms/*/*Room.svelte',
    'renderer/rooms/*/commands.ts',
    'renderer/svelte.config.js',
    'tests/**/fixtures/*.ts',
    'tests/run.ts',
    'tests/check.ts',
    'tests/**/*.test.ts',
  ],
  project: ['core/**/*.{ts,mjs}', 'renderer/**/*.{ts,svelte}', 'tests/**/*.ts'],
  // Run by path, in scripts and in tests/checkSteps.ts.
  ignoreDependencies: ['oxfmt'],
  // A type that only its own file names may still be part of what the file exports.
  ignoreExportsUsedInFile: true,
};

export default config;

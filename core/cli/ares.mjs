#!/usr/bin/env node
/**
 * The `ares` executable: bootstrap.mjs with the command line's entry put before the arguments.
 * Plain JavaScript, because it runs before anything is installed.
 */
process.argv.splice(2, 0, 'core/cli/main.ts');
await import('./bootstrap.mjs');

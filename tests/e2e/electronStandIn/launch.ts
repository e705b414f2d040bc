/**
 * Runs a main file of Electron under plain Node, with the stand-in in place of the module `electron`.
 *
 * As under Electron, the app becomes ready only after the main file has been evaluated: one that waits
 * for that at its top level waits for ever, here too.
 *
 * Usage: node launch.ts MAIN.js [SWITCHES]
 */
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const standIn = new URL('./electron.ts', import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'electron' ? { url: standIn, shortCircuit: true } : next(specifier, context),
});
process.argv.splice(1, 1);
const { appCodeLoaded } = await import('./app.ts');
await import('./control.ts');
await import(pathToFileURL(process.argv[1]!).href);
appCodeLoaded();

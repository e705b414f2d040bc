/**
 * Makes dist/electron, or the folder given: the shell and the host as plain JavaScript.
 *
 * Owns: what becomes a file of its own (main, and every process and worker that is started by its path) and what stays in
 * node_modules (native code). All files lie side by side in one folder two levels below the program's
 * own, which is what core/util/programFolder.ts counts on. The front end is built by renderer/.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type InlineConfig, type Plugin, build } from 'vite';

const root = resolve(import.meta.dirname, '..');

/** Packages with native code, and what loads them by a path of its own. */
const nativePackages = ['@napi-rs/keyring', 'better-sqlite3', 'onnxruntime-node', 'sharp'];

/** `new URL('./worker.ts', import.meta.url)`: the file becomes an entry and the URL its address in the bundle. */
function workerEntries(): Plugin {
  return {
    name: 'worker-entries',
    // While it is still the source as it was written.
    enforce: 'pre',
    transform(code, id) {
      if (!code.includes('import.meta.url')) return null;
      return code.replaceAll(/new URL\('(\.\/[^']+\.ts)', import\.meta\.url\)/g, (whole, path: string) => {
        const file = resolve(dirname(id), path);
        if (!existsSync(file)) return whole;
        const fileName = `${basename(path, '.ts')}.js`;
        this.emitFile({ type: 'chunk', id: file, fileName });
        return `new URL('./${fileName}', import.meta.url)`;
      });
    },
  };
}

function configOf(
  entries: Record<string, string>,
  outDir: string,
  format: 'es' | 'cjs',
  emptyOutDir: boolean,
): InlineConfig {
  return {
    root,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    plugins: [workerEntries()],
    resolve: { conditions: ['node'] },
    ssr: { noExternal: true, external: ['electron', ...nativePackages] },
    build: {
      ssr: true,
      outDir,
      emptyOutDir,
      target: 'node24',
      minify: false,
      rolldownOptions: {
        input: entries,
        output: {
          format,
          entryFileNames: format === 'cjs' ? '[name].cjs' : '[name].js',
          chunkFileNames: '[name]-[hash].js',
        },
      },
    },
  };
}

const [output = join(root, 'dist', 'electron')] = process.argv.slice(2);
await build(configOf({ main: join(root, 'electron', 'main.ts') }, output, 'es', true));
// A sandboxed preload script cannot load modules: one file.
await build(configOf({ preload: join(root, 'electron', 'preload.ts') }, output, 'cjs', false));

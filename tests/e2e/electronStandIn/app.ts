/**
 * `app`: life cycle, command line, single instance.
 */
import { EventEmitter } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createConnection, createServer } from 'node:net';
import { join } from 'node:path';

export const state = { isSandboxed: false, isReady: false, userData: '', exiting: false };
/** Ends what the stand-in itself has started. */
export const cleanups: (() => Promise<void> | void)[] = [];

let markReady: () => void = () => undefined;
const ready = new Promise<void>((resolve) => {
  markReady = resolve;
});
let lock: Server | undefined;

class App extends EventEmitter {
  readonly isPackaged = false;
  readonly commandLine = {
    getSwitchValue: (name: string) =>
      process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3) ?? '',
  };

  enableSandbox(): void {
    if (state.isReady) throw new Error('app.enableSandbox() can only be called before app is ready');
    state.isSandboxed = true;
  }

  setPath(name: string, path: string): void {
    if (name !== 'userData') throw new Error(`The stand-in knows no path "${name}".`);
    state.userData = path;
  }

  whenReady(): Promise<void> {
    return ready;
  }

  /** The first instance listens beside its data; another one knocks there and is told that it is not alone. */
  requestSingleInstanceLock(): boolean {
    mkdirSync(state.userData, { recursive: true });
    const path = join(state.userData, 'instance.sock');
    const owner = join(state.userData, 'instance.pid');
    if (existsSync(path) && existsSync(owner) && isAlive(Number(readFileSync(owner, 'utf8')))) {
      createConnection(path)
        .on('error', () => undefined)
        .end('second');
      return false;
    }
    rmSync(path, { force: true });
    lock = createServer((socket) => {
      socket.resume();
      this.emit('second-instance', {}, [], '');
    }).listen(path);
    lock.unref();
    writeFileSync(owner, String(process.pid));
    return true;
  }

  quit(): void {
    const event = { defaultPrevented: false, preventDefault: () => void (event.defaultPrevented = true) };
    this.emit('before-quit', event);
    if (!event.defaultPrevented) this.exit();
  }

  exit(code = 0): void {
    if (state.exiting) return;
    state.exiting = true;
    lock?.close();
    void Promise.allSettled(cleanups.map((cleanup) => cleanup())).then(() => process.exit(code));
  }
}

export const app = new App();

/** Told by launch.ts when the main file has been evaluated. */
export function appCodeLoaded(): void {
  state.isReady = true;
  markReady();
  app.emit('ready');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

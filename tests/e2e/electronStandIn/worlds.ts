/**
 * Scripts that run in a page: the preload script in a world of its own, and its bridge to the page's.
 *
 * Owns: `require('electron')` of the preload script and contextBridge between two worlds that share
 * nothing but the document, as in Electron: what crosses is copied, functions become references.
 */

/** The world's name, and the name of the function in it that reaches the main process. */
export const WORLD = 'electron-preload';
export const BINDING = 'toMainProcess';
/** Called in that world with a message from the main process. */
export const RECEIVER = 'fromMainProcess';

/** Bytes as text and back, in a page. */
const codec = String.raw`
  const encode = (value) => JSON.stringify(value === undefined ? null : value, (_, each) => {
    if (!(each instanceof Uint8Array)) return each;
    let text = '';
    for (let i = 0; i < each.length; i += 8192) text += String.fromCharCode(...each.subarray(i, i + 8192));
    return { $bytes: btoa(text) };
  });
  const decode = (json) => JSON.parse(json, (_, each) => {
    if (typeof each?.$bytes !== 'string') return each;
    return Uint8Array.from(atob(each.$bytes), (character) => character.charCodeAt(0));
  });
`;

const events = String.raw`
  const tell = (type, detail) => window.dispatchEvent(new CustomEvent('electron-bridge:' + type, { detail }));
  const hear = (type, listener) =>
    window.addEventListener('electron-bridge:' + type, (event) => listener(event.detail));
`;

/** In the page's own world. */
export const pageSide = `(() => {${events}
  const calls = new Map();
  const callbacks = new Map();
  let last = 0;
  hear('expose', ({ name, methods }) => {
    if (Object.hasOwn(window, name)) return;
    const api = {};
    for (const method of methods) {
      api[method] = (...args) => {
        const id = ++last;
        const call = {};
        calls.set(id, call);
        tell('call', {
          id, name, method,
          args: args.map((each) => {
            if (typeof each !== 'function') return { value: each };
            callbacks.set(++last, each);
            return { callback: last };
          }),
        });
        if (call.isPromise) return new Promise((resolve, reject) => Object.assign(call, { resolve, reject }));
        calls.delete(id);
        if (call.error) throw new Error(call.error);
        return call.value;
      };
    }
    Object.defineProperty(window, name, { value: Object.freeze(api) });
  });
  hear('return', ({ id, ...rest }) => Object.assign(calls.get(id), rest));
  hear('settle', ({ id, value, error }) => {
    const { resolve, reject } = calls.get(id);
    calls.delete(id);
    if (error === undefined) resolve(value); else reject(new Error(error));
  });
  hear('callback', ({ id, args }) => callbacks.get(id)(...args));
  tell('ready', null);
})();`;

/** In the preload script's world. */
export function preloadSide(preload: string): string {
  return `(() => {${events}${codec}
  const waiting = new Map();
  const listeners = new Map();
  let last = 0;
  globalThis.${RECEIVER} = (json) => {
    const { id, channel, value, error } = decode(json);
    if (channel !== undefined) for (const listener of listeners.get(channel) ?? []) listener({}, value);
    else if (error === undefined) waiting.get(id).resolve(value);
    else waiting.get(id).reject(new Error("Error invoking remote method: " + error));
  };
  const ipcRenderer = {
    invoke: (channel, value) => new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      globalThis.${BINDING}(encode({ id: last, channel, value }));
    }),
    on(channel, listener) {
      listeners.set(channel, [...(listeners.get(channel) ?? []), listener]);
      return ipcRenderer;
    },
  };
  // A page does not know where a file came from; Chromium does. Here it is told by the name.
  const webUtils = { getPathForFile: (file) => (file instanceof File ? '/dropped/' + file.name : '') };
  const exposed = new Map();
  const announce = () => { for (const [name, api] of exposed) tell('expose', { name, methods: Object.keys(api) }); };
  const contextBridge = { exposeInMainWorld: (name, api) => { exposed.set(name, api); announce(); } };
  hear('ready', announce);
  hear('call', ({ id, name, method, args }) => {
    const given = args.map((each) =>
      each.callback === undefined ? each.value : (...values) => tell('callback', { id: each.callback, args: values }));
    try {
      const result = exposed.get(name)[method](...given);
      if (!(result instanceof Promise)) { tell('return', { id, value: result }); return; }
      tell('return', { id, isPromise: true });
      result.then(
        (value) => tell('settle', { id, value }),
        (error) => tell('settle', { id, error: String(error?.message ?? error) }));
    } catch (error) {
      tell('return', { id, error: String(error?.message ?? error) });
    }
  });
  const require = (name) => {
    if (name !== 'electron') throw new Error('A sandboxed preload script cannot load "' + name + '".');
    return { contextBridge, ipcRenderer, webUtils };
  };
  ${preload}
})();`;
}

/** The same encoding in Node. */
export function encodeMessage(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    each instanceof Uint8Array ? { $bytes: Buffer.from(each).toString('base64') } : each,
  );
}

export function decodeMessage(json: string): unknown {
  return JSON.parse(json, (_, each: unknown) => {
    const bytes = (each as { $bytes?: unknown } | null)?.$bytes;
    return typeof bytes === 'string' ? new Uint8Array(Buffer.from(bytes, 'base64')) : each;
  });
}

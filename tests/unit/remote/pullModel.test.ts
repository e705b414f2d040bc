/** Models from the hub: whole or not at all, and going on where a download was cut. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hubAccess } from '#core/remote/hubAccess.ts';
import { type PullControl, pullModel } from '#core/remote/pullModel.ts';
import { resourcesFolder } from '#core/util/programFolder.ts';
import { COMMIT, type FakeHub, startFakeHub } from './fakeHub.ts';

const NAME = 'someone/base-0.1';
const TOKEN = 'hf_secret';
const base = join(resourcesFolder, 'sample', 'base');
const card: readonly [string, Buffer] = ['README.md', Buffer.from('---\nlicense: apache-2.0\n---\n')];
const modelFiles = new Map([...readdirSync(base).map((name) => [name, readFileSync(join(base, name))] as const), card]);
const strangers = new Map([
  ['pytorch_model.bin', Buffer.from('pickle')],
  ['onnx/model.onnx', Buffer.from('onnx')],
]);

let folder: string;
let hub: FakeHub;
let paused: number[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ares-hub-'));
  paused = [];
  hub = await startFakeHub(NAME, new Map([...modelFiles, ...strangers]));
});
afterEach(async () => {
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

const request = (more = {}) => ({
  name: NAME,
  revision: 'main',
  target: join(folder, 'model'),
  hubUrl: hub.url,
  token: null,
  ...more,
});
const control = (more: Partial<PullControl> = {}): PullControl => ({
  signal: new AbortController().signal,
  pause: async (ms) => void paused.push(ms),
  progress: () => undefined,
  ...more,
});
const failure = (more = {}, own?: PullControl) => pullModel(request(more), own ?? control()).catch((error) => error);
const bodies = () => hub.requests.filter((line) => line.includes('model.safetensors') && !line.endsWith('bytes=0-0'));

describe('a download', () => {
  it('brings what a model is made of, byte for byte, and nothing else', async () => {
    const seen: [number, number][] = [];
    const pulled = await pullModel(request(), control({ progress: (done, total) => seen.push([done, total]) }));
    expect(readdirSync(pulled.folder).sort()).toEqual([...modelFiles.keys()].sort());
    for (const [name, bytes] of modelFiles) expect(readFileSync(join(pulled.folder, name))).toEqual(bytes);
    const totalBytes = [...modelFiles.values()].reduce((sum, { length }) => sum + length, 0);
    expect(pulled).toMatchObject({ commit: COMMIT, files: modelFiles.size, sizeBytes: totalBytes });
    expect(seen.at(-1)).toEqual([totalBytes, totalBytes]);
    expect(seen.map(([done]) => done)).toEqual(seen.map(([done]) => done).toSorted((a, b) => a - b));
    expect(readdirSync(folder)).toEqual(['model']);
  });

  it('goes on from where a connection was cut, and asks for no byte twice', async () => {
    const size = modelFiles.get('model.safetensors')!.length;
    let cuts = 2;
    hub.deliver = (path, bytes, response) => {
      if (path !== 'model.safetensors' || cuts === 0) return void response.end(bytes);
      cuts--;
      response.write(bytes.subarray(0, 300_000), () => response.destroy());
    };
    await pullModel(request(), control());
    const starts = bodies()
      .filter((line) => line.includes('/cdn/'))
      .map((line) => Number(/bytes=(\d+)-/.exec(line)?.[1] ?? 0));
    expect(starts).toHaveLength(3);
    expect(starts[0]).toBe(0);
    expect(starts[1]).toBeGreaterThan(0);
    expect(starts[2]).toBeGreaterThan(starts[1]!);
    expect(starts[2]).toBeLessThan(size);
    expect(readFileSync(join(folder, 'model', 'model.safetensors'))).toEqual(modelFiles.get('model.safetensors'));
  });

  it('is continued by the next attempt after it was stopped, and has no name before it is whole', async () => {
    const stop = new AbortController();
    const stopped = await failure(
      {},
      control({
        signal: stop.signal,
        progress: (done) => {
          if (done > 100_000) stop.abort();
        },
      }),
    );
    expect(stopped).toMatchObject({ code: 'interrupted' });
    expect(readdirSync(folder)).toEqual(['model.partial']);
    const kept = readFileSync(join(folder, 'model.partial', 'model.safetensors')).length;
    expect(kept).toBeGreaterThan(0);
    hub.requests.length = 0;
    await pullModel(request(), control());
    expect(bodies().some((line) => line.includes(`bytes=${kept}-`))).toBe(true);
    expect(readdirSync(folder)).toEqual(['model']);
  });

  it('begins anew when the revision has moved on to another commit', async () => {
    mkdirSync(join(folder, 'model.partial'));
    writeFileSync(join(folder, 'model.partial', '.pull.json'), JSON.stringify({ name: NAME, commit: 'd'.repeat(40) }));
    writeFileSync(join(folder, 'model.partial', 'config.json'), 'of another commit');
    await pullModel(request(), control());
    expect(readFileSync(join(folder, 'model', 'config.json'))).toEqual(modelFiles.get('config.json'));
  });

  it('does not touch a folder that is not its own', async () => {
    mkdirSync(join(folder, 'model.partial'));
    expect(await failure()).toMatchObject({ code: 'usage', where: join(folder, 'model.partial') });
    rmSync(join(folder, 'model.partial'), { recursive: true });
    cpSync(base, join(folder, 'model'), { recursive: true });
    expect(await failure()).toMatchObject({ code: 'usage', where: join(folder, 'model') });
  });

  it('waits as long as a busy hub asks, and no longer than a person would', async () => {
    let busy = 2;
    hub.intercept = (path, _request, response) => {
      if (!path.includes('/tree/') || busy === 0) return false;
      busy--;
      response.writeHead(429, { 'Retry-After': '7' }).end();
      return true;
    };
    await pullModel(request(), control());
    expect(paused).toEqual([7000, 7000]);
    hub.intercept = (_path, _request, response) => {
      response.writeHead(429, { 'Retry-After': '3600' }).end();
      return true;
    };
    expect(await failure({ target: join(folder, 'other') })).toMatchObject({ code: 'network' });
    expect(paused).toHaveLength(2);
  });
});

describe('what is refused', () => {
  it('bytes that are not those of the checksum, and the next attempt fetches only them', async () => {
    hub.deliver = (path, bytes, response) => {
      if (path !== 'model.safetensors') return void response.end(bytes);
      const flipped = Buffer.from(bytes);
      flipped[flipped.length - 1]! ^= 1;
      response.end(flipped);
    };
    expect(await failure()).toMatchObject({ code: 'bad-file', where: 'model.safetensors' });
    expect(existsSync(join(folder, 'model'))).toBe(false);
    hub.deliver = (_path, bytes, response) => void response.end(bytes);
    hub.requests.length = 0;
    await pullModel(request(), control());
    expect(hub.requests.some((line) => line.includes('/config.json'))).toBe(false);
  });

  it('a small file with other content, by its git name', async () => {
    hub.deliver = (path, bytes, response) =>
      void response.end(path === 'config.json' ? Buffer.alloc(bytes.length, 32) : bytes);
    expect(await failure()).toMatchObject({ code: 'bad-file', where: 'config.json' });
  });

  it('models that need a token without one; with one it goes to the hub and nowhere else', async () => {
    await hub.close();
    hub = await startFakeHub(NAME, modelFiles, { token: TOKEN });
    const error = await failure();
    expect(error).toMatchObject({ code: 'not-found', hint: expect.stringContaining('HF_TOKEN') });
    const wrong = await failure({ token: 'hf_wrong' });
    expect(JSON.stringify([wrong.message, wrong.where, wrong.hint])).not.toContain('hf_wrong');
    // Files lie on another host, which claims to be one that the library would trust.
    const elsewhere = await startFakeHub(NAME, modelFiles);
    elsewhere.intercept = (_path, _request, response) => {
      response.setHeader('X-Cache', 'Miss from cloudfront');
      return false;
    };
    hub.intercept = (path, _request, response) => {
      if (!path.endsWith('/model.safetensors')) return false;
      response.writeHead(302, { Location: `${elsewhere.url}/cdn/model.safetensors` }).end();
      return true;
    };
    await pullModel(request({ token: TOKEN }), control());
    await elsewhere.close();
    expect(elsewhere.requests.length).toBeGreaterThan(1);
    expect([...elsewhere.authorizations.values()]).toEqual(elsewhere.requests.slice(0, 1).map(() => undefined));
    expect(hub.authorizations.get(`/${NAME}/resolve/${COMMIT}/config.json`)).toBe(`Bearer ${TOKEN}`);
    for (const name of readdirSync(join(folder, 'model')))
      expect(readFileSync(join(folder, 'model', name)).includes(TOKEN)).toBe(false);
  });

  it('a file whose connection breaks again and again without a byte', async () => {
    hub.deliver = (path, bytes, response) =>
      void (path === 'model.safetensors' ? response.destroy() : response.end(bytes));
    expect(await failure()).toMatchObject({ code: 'network', where: 'model.safetensors' });
    expect(readdirSync(folder)).toEqual(['model.partial']);
  });

  it('names that are none, models that are not there, and a hub that is not', async () => {
    for (const name of ['gpt2', 'a/b/c', '../x/y', 'a/b?c'])
      expect(await failure({ name })).toMatchObject({ code: 'usage' });
    expect(hub.requests).toEqual([]);
    expect(await failure({ name: 'someone/else' })).toMatchObject({ code: 'not-found' });
    const gone = await startFakeHub(NAME, modelFiles);
    await gone.close();
    expect(await failure({ hubUrl: gone.url })).toMatchObject({ code: 'network', where: gone.url });
    // Nothing was waited for: there is no network, and a person is watching.
    expect(paused).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('a model of an architecture that is not known, before its weights are asked for', async () => {
    await hub.close();
    const config = Buffer.from(modelFiles.get('config.json')!.toString().replace('"qwen2"', '"mamba"'));
    hub = await startFakeHub(NAME, new Map([...modelFiles, ['config.json', config]]));
    expect(await failure()).toMatchObject({
      code: 'unsupported',
      where: `${NAME}/config.json`,
      message: expect.stringContaining('"mamba", which is not supported'),
    });
    expect(hub.requests.some((line) => line.includes('model.safetensors'))).toBe(false);
    expect(existsSync(join(folder, 'model'))).toBe(false);
  });

  it.each([
    ['has only pickled weights', ['config.json', 'pytorch_model.bin'], 'pickles'],
    ['has no configuration', ['model.safetensors', 'README.md'], 'config.json'],
  ])('a repository that %s', async (_what, names, word) => {
    await hub.close();
    const all = new Map([...modelFiles, ...strangers]);
    hub = await startFakeHub(NAME, new Map(names.map((name) => [name, all.get(name)!])));
    expect(await failure()).toMatchObject({ code: 'unsupported', message: expect.stringContaining(word) });
    expect(readdirSync(folder)).toEqual([]);
  });
});

it('reads address and token as the tools of the hub do', () => {
  const home = join(folder, 'home');
  mkdirSync(home);
  expect(hubAccess({ HF_HOME: home })).toEqual({ hubUrl: 'https://huggingface.co', token: null });
  writeFileSync(join(home, 'token'), 'hf_stored\n');
  expect(hubAccess({ HF_HOME: home, HF_ENDPOINT: 'http://mirror:8080/' })).toEqual({
    hubUrl: 'http://mirror:8080',
    token: 'hf_stored',
  });
  expect(hubAccess({ HF_HOME: home, HF_TOKEN: 'hf_given' }).token).toBe('hf_given');
  expect(() => hubAccess({ HF_HOME: home, HF_TOKEN: 'sk-other' })).toThrow('hf_');
  expect(() => hubAccess({ HF_HOME: home, HF_ENDPOINT: 'mirror' })).toThrow('HF_ENDPOINT');
});

/** What cannot be done is refused: exit code, one sentence, and nothing left behind. */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeWithShared, sharedPath } from '../shared.ts';
import { type Outcome, mainFile, runAres, runProcess, temporaryFolder } from './ares.ts';

function expectRefusal({ code, stdout, stderr }: Outcome, sentence: RegExp): void {
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  const [first, ...rest] = stderr.trimEnd().split('\n');
  expect(first).toMatch(/^ares: [^\n]+\.$/);
  expect(first).toMatch(sentence);
  for (const line of rest) expect(line).toMatch(/^ {2}(where|next): ./);
}

function fixture(name: string): string {
  return sharedPath('fixtures', 'hf', name);
}

function changeJson(path: string, change: (document: Record<string, unknown>) => void): void {
  const document = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  change(document);
  writeFileSync(path, JSON.stringify(document));
}

describe('a mistyped command line', () => {
  it('exits with 2 and names what was meant, also in JSON', async () => {
    const [words, json] = await Promise.all([
      runAres('model', 'forward', '--modle', 'x'),
      runAres('model', 'generate', '--json', '--model', 'x', '--top-k', 'many'),
    ]);
    expectRefusal(words, /has no option --modle/);
    expect(words.stderr).toContain('next: Did you mean --model?');
    expect(json).toMatchObject({ code: 2, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({
      error: { code: 'usage', message: expect.stringContaining('--top-k') },
    });
  });
});

describeWithShared('a broken model', () => {
  function brokenCopy(name: string, breakIt: (folder: string) => void): string {
    const folder = join(temporaryFolder(), name);
    mkdirSync(folder);
    for (const entry of readdirSync(fixture(name), { withFileTypes: true })) {
      if (!entry.isFile()) continue;
      copyFileSync(join(fixture(name), entry.name), join(folder, entry.name));
      chmodSync(join(folder, entry.name), 0o644);
    }
    breakIt(folder);
    return folder;
  }

  it.each<[string, string, (folder: string) => void, RegExp]>([
    [
      'a header that is no JSON',
      'qwen2-tiny',
      (folder) => {
        const path = join(folder, 'model.safetensors');
        const bytes = readFileSync(path);
        bytes.fill('#', 20, 40);
        writeFileSync(path, bytes);
      },
      /not valid JSON/,
    ],
    [
      'a header length beyond the file',
      'qwen2-tiny',
      (folder) => {
        const path = join(folder, 'model.safetensors');
        const bytes = readFileSync(path);
        bytes.writeBigUInt64LE(2n ** 63n, 0);
        writeFileSync(path, bytes);
      },
      /header claims 9223372036854775808 bytes/,
    ],
    [
      'a truncated shard',
      'qwen3-tiny',
      (folder) => truncateSync(join(folder, 'model-00002-of-00003.safetensors'), 5000),
      /truncated/,
    ],
    [
      'a configuration that lies about shapes',
      'llama-tiny',
      (folder) => changeJson(join(folder, 'config.json'), (config) => (config['intermediate_size'] = 128)),
      /has the shape \[96, 48\], but config\.json makes it \[128, 48\]/,
    ],
  ])('is not run: %s', async (_what, name, breakIt, sentence) => {
    const model = brokenCopy(name, breakIt);
    const outFolder = temporaryFolder();
    const out = join(outFolder, 'out.safetensors');
    const inputs = join(fixture(name), 'reference.safetensors');
    expectRefusal(await runAres('model', 'forward', '--model', model, '--inputs', inputs, '--out', out), sentence);
    expect(readdirSync(outFolder)).toEqual([]);
  });

  it('is not sampled from with a tokenizer without merges', async () => {
    const model = brokenCopy('qwen2-tiny', (folder) =>
      changeJson(
        join(folder, 'tokenizer.json'),
        (tokenizer) => delete (tokenizer['model'] as Record<string, unknown>)['merges'],
      ),
    );
    expectRefusal(await runAres('model', 'generate', '--model', model, '--prompt', 'Hello'), /merges/);
  });

  it('is found broken by the engine process too, in one sentence', async () => {
    const model = brokenCopy('qwen3-tiny', (folder) =>
      truncateSync(join(folder, 'model-00003-of-00003.safetensors'), 5000),
    );
    expectRefusal(await runAres('model', 'generate', '--model', model, '--prompt', 'Hello'), /truncated/);
  });
});

describeWithShared('a result that cannot be written', () => {
  const model = sharedPath('fixtures', 'hf', 'qwen2-tiny');
  const forwardTo = (out: string) => [
    'model',
    'forward',
    '--model',
    model,
    '--inputs',
    join(model, 'reference.safetensors'),
    '--out',
    out,
  ];

  it.skipIf(process.platform === 'win32')('leaves nothing half-written when the disk gives out', async () => {
    const folder = temporaryFolder();
    // No file may grow beyond 16 KiB, which stops the write in the middle as a full disk would.
    const limited = [
      '-c',
      'ulimit -f 16; exec "$@"',
      'bash',
      process.execPath,
      mainFile,
      ...forwardTo(join(folder, 'out.safetensors')),
    ];
    const { code, stdout, stderr } = await runProcess('bash', limited, {});
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^ares: /);
    expect(readdirSync(folder)).toEqual([]);
  });

  // The superuser may write anywhere: then the command runs as another user, unless the project is closed to it.
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const canRun = spawnSync(process.execPath, [mainFile, '--version'], user).status === 0;
  it.skipIf(process.platform === 'win32' || !canRun)('is refused before the work in a read-only folder', async () => {
    const folder = join(temporaryFolder(), 'locked');
    mkdirSync(folder);
    chmodSync(folder, 0o555);
    const command = [mainFile, ...forwardTo(join(folder, 'out.safetensors'))];
    const { code, stdout, stderr } = await runProcess(process.execPath, command, user);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^ares: Permission was denied\.\n/);
    expect(readdirSync(folder)).toEqual([]);
  });
});

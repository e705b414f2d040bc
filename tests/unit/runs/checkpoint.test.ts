// Checkpoints: whatever happens at whatever moment, the newest valid one is the old or the new, complete.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CheckpointContent,
  isDamaged,
  newestValidCheckpoint,
  pruneCheckpoints,
  verifyCheckpoint,
  writeCheckpoint,
} from '#core/runs/checkpoint.ts';
import { type FileSystem, nodeFileSystem } from '#core/runs/fileSystem.ts';
import { AresError } from '#core/util/errors.ts';
import { temporaryFolder } from '../store/helpers.ts';
import { Killed, MemoryDisk, failingAt, killedAt } from './checkpointDisks.ts';

/** A state with awkward numbers and characters. */
function content(step: number): CheckpointContent {
  return { stage: 'policy', step, state: { seed: 7, cursor: step * 16, kappa: 0.1 + 0.2, words: ['häß', '\u2028'] } };
}

/** Writes the checkpoint of a step: two files, one of them in a folder. */
function write(parent: string, step: number, disk: FileSystem = nodeFileSystem) {
  const fill = async (temporary: string) => {
    await disk.writeText(join(temporary, 'weights.bin'), `weights of step ${step} `.repeat(40));
    await disk.makeFolder(join(temporary, 'model'));
    await disk.writeText(join(temporary, 'model', 'config.json'), `{"step":${step}}`);
    return ['weights.bin', 'model/config.json'];
  };
  return writeCheckpoint(parent, content(step), fill, disk);
}

/** The step of the newest valid checkpoint, after checking that all of its content is there. */
async function newestStep(parent: string, disk: FileSystem = nodeFileSystem): Promise<number | null> {
  const { checkpoint } = await newestValidCheckpoint(parent, disk);
  if (checkpoint === null) return null;
  const { step, state } = checkpoint.manifest;
  expect(state).toEqual(content(step).state);
  expect(await disk.readText(join(checkpoint.folder, 'weights.bin'))).toBe(`weights of step ${step} `.repeat(40));
  expect(await disk.readText(join(checkpoint.folder, 'model', 'config.json'))).toBe(`{"step":${step}}`);
  return step;
}

const dead = new AresError('engine', 'It died.');

describe('on a disk that works', () => {
  test('what was written verifies and comes back, with the identity that was returned', async () => {
    const parent = join(temporaryFolder(), 'new', 'checkpoints');
    const written = await write(parent, 10);
    expect(written.folder).toBe(join(parent, 'step-10'));
    expect(readdirSync(parent)).toEqual(['step-10']);
    expect(await verifyCheckpoint(written.folder)).toEqual(written);
    expect(written.manifest.files.map(({ name }) => name)).toEqual(['weights.bin', 'model/config.json']);
    expect(await newestStep(parent)).toBe(10);
  });

  test('an intact checkpoint is never written over', async () => {
    const parent = temporaryFolder();
    const { manifestHash } = await write(parent, 10);
    const again = write(parent, 10);
    await expect(again).rejects.toMatchObject({ code: 'internal' });
    expect(await verifyCheckpoint(join(parent, 'step-10'))).toMatchObject({ manifestHash });
    expect(readdirSync(parent)).toEqual(['step-10']);
  });

  test('a damaged one of the same step is replaced', async () => {
    const parent = temporaryFolder();
    await write(parent, 10);
    truncateSync(join(parent, 'step-10', 'weights.bin'), 5);
    await write(parent, 10);
    expect(await newestStep(parent)).toBe(10);
  });

  test('what an earlier attempt left behind does not get into it', async () => {
    const parent = temporaryFolder();
    mkdirSync(join(parent, 'step-10.tmp'));
    writeFileSync(join(parent, 'step-10.tmp', 'stale.bin'), 'old');
    await write(parent, 10);
    expect(readdirSync(join(parent, 'step-10')).sort()).toEqual(['manifest.json', 'model', 'weights.bin']);
  });

  test('when filling fails, nothing is left and the error arrives', async () => {
    const parent = temporaryFolder();
    await expect(writeCheckpoint(parent, content(1), () => Promise.reject(dead))).rejects.toMatchObject({
      code: 'engine',
      message: 'It died.',
    });
    expect(readdirSync(parent)).toEqual([]);
  });

  test.each(['missing.bin', '../outside', 'manifest.json', '/etc/hostname', 'a\\b'])(
    'a file announced as %s is refused',
    async (name) => {
      const parent = temporaryFolder();
      writeFileSync(join(parent, 'outside'), '');
      await expect(writeCheckpoint(parent, content(1), () => [name])).rejects.toMatchObject({
        code: 'internal',
        where: name,
      });
      expect(await newestStep(parent)).toBeNull();
    },
  );

  test('a state that JSON cannot hold is refused instead of coming back as null', async () => {
    const parent = temporaryFolder();
    const broken = { ...content(1), state: { controllers: [1, NaN] } };
    await expect(writeCheckpoint(parent, broken, () => [])).rejects.toThrow('$.state.controllers[1] is NaN');
    expect(readdirSync(parent)).toEqual([]);
  });
});

async function twoCheckpoints(): Promise<string> {
  const parent = temporaryFolder();
  await write(parent, 9);
  await write(parent, 10);
  return parent;
}

describe('damage', () => {
  test('of any kind makes the one before it the newest valid one, and is reported', async () => {
    const damages: [string, (folder: string) => void, RegExp][] = [
      ['manifest missing', (folder) => rmSync(join(folder, 'manifest.json')), /no manifest/],
      ['manifest cut', (folder) => truncateSync(join(folder, 'manifest.json'), 100), /not valid JSON/],
      ['file missing', (folder) => rmSync(join(folder, 'weights.bin')), /weights.bin is missing/],
      [
        'file in a folder missing',
        (folder) => rmSync(join(folder, 'model'), { recursive: true }),
        /config.json is missing/,
      ],
      ['file cut', (folder) => truncateSync(join(folder, 'weights.bin'), 100), /100 bytes/],
      [
        'state edited',
        (folder) => {
          const file = join(folder, 'manifest.json');
          writeFileSync(file, readFileSync(file, 'utf8').replace('"cursor": 160', '"cursor": 161'));
        },
        /altered/,
      ],
      [
        'file listed outside',
        (folder) => {
          const file = join(folder, 'manifest.json');
          writeFileSync(file, readFileSync(file, 'utf8').replace('"weights.bin"', '"../step-9/weights.bin"'));
        },
        /format/,
      ],
      [
        'from a later version',
        (folder) => {
          const file = join(folder, 'manifest.json');
          writeFileSync(file, readFileSync(file, 'utf8').replace('"format": 1', '"format": 2'));
        },
        /format of this version/,
      ],
    ];
    for (const [name, damage, reason] of damages) {
      const parent = await twoCheckpoints();
      damage(join(parent, 'step-10'));
      const { checkpoint, damaged } = await newestValidCheckpoint(parent);
      expect(checkpoint?.manifest.step, name).toBe(9);
      expect(damaged, name).toEqual([
        { folder: join(parent, 'step-10'), reason: expect.stringMatching(reason) as string },
      ]);
    }
  });

  test('of a single bit anywhere is found', async () => {
    const parent = temporaryFolder();
    const { folder } = await write(parent, 10);
    const files = ['weights.bin', 'manifest.json', join('model', 'config.json')];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.nat(), fc.nat(7), async (name, position, bit) => {
        const file = join(folder, name);
        const intact = readFileSync(file);
        const flipped = Buffer.from(intact);
        flipped[position % flipped.length]! ^= 1 << bit;
        writeFileSync(file, flipped);
        const found = isDamaged(await verifyCheckpoint(folder));
        writeFileSync(file, intact);
        expect(found).toBe(true);
      }),
      { numRuns: 120 },
    );
    expect(isDamaged(await verifyCheckpoint(folder))).toBe(false);
  });

  test('of a digit beyond the precision of a number is found', async () => {
    const parent = temporaryFolder();
    const { folder } = await writeCheckpoint(
      parent,
      { stage: 'policy', step: 3, state: { kappa: 0.1 + 0.2 } },
      () => [],
    );
    const file = join(folder, 'manifest.json');
    const intact = readFileSync(file, 'utf8');
    expect(intact).toContain('0.30000000000000004');
    const respelt = intact.replace('0.30000000000000004', '0.30000000000000005');
    expect(JSON.parse(respelt)).toEqual(JSON.parse(intact));
    writeFileSync(file, respelt);
    expect(isDamaged(await verifyCheckpoint(folder))).toBe(true);
  });

  test('a folder that is unfinished, renamed or not ours is no checkpoint', async () => {
    const parent = await twoCheckpoints();
    for (const name of ['step-11.tmp', 'step-011', 'step-12', 'notes']) {
      mkdirSync(join(parent, name));
      for (const file of ['weights.bin', 'manifest.json']) {
        writeFileSync(join(parent, name, file), readFileSync(join(parent, 'step-10', file)));
      }
    }
    const { checkpoint, damaged } = await newestValidCheckpoint(parent);
    expect(checkpoint?.manifest.step).toBe(10);
    expect(damaged.map(({ reason }) => reason)).toEqual(['it belongs to another step']);
    expect(await newestValidCheckpoint(join(parent, 'nowhere'))).toEqual({ checkpoint: null, damaged: [] });
  });
});

describe('pruning', () => {
  test('keeps the latest, removes the rest and what was left behind', async () => {
    const parent = temporaryFolder();
    for (const step of [2, 9, 10, 100]) await write(parent, step);
    mkdirSync(join(parent, 'step-101.tmp'));
    writeFileSync(join(parent, 'notes.txt'), 'mine');
    const removed = await pruneCheckpoints(parent, 2);
    expect(removed).toEqual([join(parent, 'step-9'), join(parent, 'step-2')]);
    expect(readdirSync(parent).sort()).toEqual(['notes.txt', 'step-10', 'step-100']);
  });

  test('does not count damaged ones, and removes nothing while too few are valid', async () => {
    const parent = temporaryFolder();
    for (const step of [1, 2, 3, 4]) await write(parent, step);
    for (const step of [3, 4]) truncateSync(join(parent, `step-${step}`, 'weights.bin'), 0);
    expect(await pruneCheckpoints(parent, 3)).toEqual([]);
    expect(await pruneCheckpoints(parent, 1)).toEqual([join(parent, 'step-1')]);
    expect(await newestStep(parent)).toBe(2);
    await expect(pruneCheckpoints(parent, 0)).rejects.toMatchObject({ code: 'internal' });
  });
});

/** A step of a run: write the new checkpoint, then remove the old one. */
async function writeAndPrune(parent: string, disk: FileSystem): Promise<void> {
  await write(parent, 2, disk);
  await pruneCheckpoints(parent, 1, disk);
}

describe('a process killed at any write', () => {
  test('leaves the old or the new checkpoint, complete, and the next attempt succeeds', async () => {
    const root = temporaryFolder();
    const seen: (number | null)[] = [];
    for (let n = 0, finished = false; !finished; n++) {
      const parent = join(root, String(n));
      await write(parent, 1);
      const { disk } = killedAt(nodeFileSystem, n);
      try {
        await writeAndPrune(parent, disk);
        finished = true;
      } catch (thrown) {
        expect((thrown as Error).cause ?? thrown).toBeInstanceOf(Killed);
      }
      seen.push(await newestStep(parent));
      // Half of something that was being removed is not reported as damage.
      expect((await newestValidCheckpoint(parent)).damaged).toEqual([]);
      // The resumed run goes on from whatever it found, and clears up.
      if (seen.at(-1) === 1) await write(parent, 2);
      await pruneCheckpoints(parent, 1);
      expect(await newestStep(parent)).toBe(2);
      expect(readdirSync(parent)).toEqual(['step-2']);
    }
    expect(seen.length).toBeGreaterThan(12);
    // Old until the rename, new from then on.
    expect(seen).toEqual(seen.toSorted());
    expect(new Set(seen)).toEqual(new Set([1, 2]));
  });
});

/** The newest valid step after a power loss at the first, second, … operation of writing and pruning. */
async function stepsFound(names: 'lost' | 'kept', change: (disk: FileSystem) => FileSystem = (disk) => disk) {
  const seen: (number | null)[] = [];
  for (let n = 0, finished = false; !finished; n++) {
    const memory = new MemoryDisk();
    await write('/run', 1, memory);
    const { disk } = killedAt(change(memory), n);
    finished = await writeAndPrune('/run', disk).then(
      () => true,
      () => false,
    );
    seen.push(await newestStep('/run', memory.afterPowerLoss(names)));
  }
  return seen;
}

function withoutFlush(disk: FileSystem): FileSystem {
  return { ...disk, flush: async () => undefined };
}

describe('a power loss at any write', () => {
  test.each(['lost', 'kept'] as const)(
    'leaves the old or the new checkpoint, unflushed names being %s',
    async (names) => {
      const seen = await stepsFound(names);
      expect(seen).toEqual(seen.toSorted());
      expect(new Set(seen)).toEqual(new Set([1, 2]));
    },
  );

  test('would not, without flushing (so the test above can fail)', async () => {
    expect(await stepsFound('kept', withoutFlush)).toContain(null);
  });

  test('after the write returned never loses the new checkpoint', async () => {
    const memory = new MemoryDisk();
    await write('/run', 1, memory);
    expect(await newestStep('/run', memory.afterPowerLoss('lost'))).toBe(1);
  });
});

test('a full disk at any write is reported as such, cleared up, and does not touch the old checkpoint', async () => {
  const root = temporaryFolder();
  let failures = 0;
  for (let n = 0, finished = false; !finished; n++) {
    const parent = join(root, String(n));
    await write(parent, 1);
    const error = await write(parent, 2, failingAt(nodeFileSystem, n, 'ENOSPC')).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    finished = error === null;
    if (finished) break;
    failures++;
    expect(error).toMatchObject({ code: 'disk', message: 'The disk is full.' });
    const step = await newestStep(parent);
    // Only the last flush comes after the rename; then the new one is there already.
    expect(readdirSync(parent)).toEqual(step === 1 ? ['step-1'] : ['step-1', 'step-2']);
    if (step === 1) await write(parent, 2);
    expect(await newestStep(parent)).toBe(2);
    expect(existsSync(join(parent, 'step-2.tmp'))).toBe(false);
  }
  expect(failures).toBeGreaterThan(8);
});

// The planner's estimate beside what a process really grows to, on shapes that are large in different ways.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { testShapes } from '../../bench/memoryShapes.ts';

const bench = resolve(import.meta.dirname, '../../bench/memory.ts');

interface Step {
  peakBytes: number;
  estimatedBytes: number;
}

// The peak of a process, and a way to start counting anew, are told by Linux alone.
describe.skipIf(process.platform !== 'linux')('the memory estimate is within 20 % of the measured peak', () => {
  for (const { name } of testShapes) {
    it(name, { timeout: 300_000 }, async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [bench, '--shapes', name, '--limit', '4']);
      const measured = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<'supervised' | 'policy', Step>;
      for (const { peakBytes, estimatedBytes } of [measured.supervised, measured.policy]) {
        expect(estimatedBytes / peakBytes).toBeGreaterThan(0.8);
        expect(estimatedBytes / peakBytes).toBeLessThan(1.2);
      }
    });
  }
});

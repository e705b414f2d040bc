/**
 * `ares eval`: accuracy and length of a model on problems.
 *
 * Owns: where an evaluation goes that nobody wants to keep.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineCommand } from '#core/cli/command.ts';
import { runOptions, startRun } from '#core/cli/runSession.ts';

export const evaluate = defineCommand({
  summary: 'Measure accuracy and response length of a model, with intervals.',
  options: { ...runOptions, out: { kind: 'text', value: 'DIR', help: 'Keep the project with all responses here.' } },
  operands: {},
  async run({ options, json, terminal }) {
    if (options.out !== undefined) return startRun('evaluate', { ...options, out: options.out }, json, terminal);
    const folder = mkdtempSync(join(tmpdir(), 'ares-eval-'));
    try {
      return await startRun('evaluate', { ...options, out: folder }, json, terminal, false);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
});

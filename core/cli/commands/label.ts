/**
 * `ares label`: how hard each problem is for a model.
 */
import { defineCommand } from '#core/cli/command.ts';
import { runOptions, startRun } from '#core/cli/runSession.ts';

export const label = defineCommand({
  summary: 'Measure how hard each problem is for a model, without training.',
  options: runOptions,
  operands: {},
  run: ({ options, json, terminal }) => startRun('label', options, json, terminal),
});

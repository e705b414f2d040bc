/**
 * `ares label`: how hard each problem is for a model.
 */
import { defineCommand } from '#core/cli/command.ts';
import { outOption, runOptions, startRun } from '#core/cli/runSession.ts';

export const label = defineCommand({
  summary: 'Measure how hard each problem is for a model, without training.',
  options: { ...runOptions, ...outOption },
  operands: {},
  run: ({ options, json, terminal }) => startRun('label', options, json, terminal),
});

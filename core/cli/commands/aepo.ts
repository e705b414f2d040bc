/**
 * `ares aepo`: policy optimisation alone, from the model as it is given.
 */
import { defineCommand } from '#core/cli/command.ts';
import { heldoutOption, outOption, runOptions, startRun } from '#core/cli/runSession.ts';

export const aepo = defineCommand({
  summary: 'Optimise the policy of a model as it is, without labels or cold start, and evaluate before and after.',
  options: { ...runOptions, ...outOption, ...heldoutOption },
  operands: {},
  run: ({ options, json, terminal }) => startRun('aepo', options, json, terminal),
});

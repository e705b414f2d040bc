/**
 * `ares run`: label, cold start, policy optimisation and evaluation, as the recipe says.
 */
import { defineCommand } from '#core/cli/command.ts';
import { heldoutOption, outOption, runOptions, startRun } from '#core/cli/runSession.ts';

export const run = defineCommand({
  summary: 'Train a model: measure difficulty, cold start, optimise the policy, evaluate, report.',
  options: { ...runOptions, ...outOption, ...heldoutOption },
  operands: {},
  run: ({ options, json, terminal }) => startRun('pipeline', options, json, terminal),
});

/**
 * `ares adacs`: the adaptive cold start alone.
 */
import { defineCommand } from '#core/cli/command.ts';
import { heldoutOption, outOption, runOptions, startRun } from '#core/cli/runSession.ts';

export const adacs = defineCommand({
  summary: 'Label, curate and fine-tune (adaptive cold start), and evaluate before and after.',
  options: { ...runOptions, ...outOption, ...heldoutOption },
  operands: {},
  run: ({ options, json, terminal }) => startRun('adacs', options, json, terminal),
});

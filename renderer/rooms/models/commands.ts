/** What can be done with models. */
import type { CommandSpec } from '#renderer/app/commandSpec.ts';

export const commands: readonly CommandSpec[] = [
  { id: 'models.import', title: 'Import a model', group: 'Models', keys: 'i' },
  { id: 'models.pull', title: 'Download a model from the hub', group: 'Models', keys: 'h' },
  { id: 'models.export', title: 'Export the model', group: 'Models', keys: 'e' },
];

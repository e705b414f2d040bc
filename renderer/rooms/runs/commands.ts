/**
 * The commands of the Runs room.
 */
import type { CommandSpec } from '#renderer/app/commandSpec.ts';

const group = 'Runs';

export const commands: readonly CommandSpec[] = [
  { id: 'runs.new', title: 'Start a new run', group, keys: 'Shift+N' },
  { id: 'runs.clone', title: 'Copy the run and edit its recipe', group, keys: 'c' },
  { id: 'runs.pause', title: 'Pause or resume the run', group, keys: 'p' },
  { id: 'runs.stop', title: 'Stop the run', group, keys: 'Shift+S' },
  { id: 'runs.filter', title: 'Filter the runs', group, keys: '/' },
  { id: 'runs.previousStep', title: 'Go to the previous step of the samples', group, keys: '[' },
  { id: 'runs.nextStep', title: 'Go to the next step of the samples', group, keys: ']' },
  { id: 'runs.start', title: 'Start the run that is being written', group, keys: 'Mod+Enter' },
];

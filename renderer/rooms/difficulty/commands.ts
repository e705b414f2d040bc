/** The commands of the Difficulty room. */
import type { CommandSpec } from '#renderer/app/commandSpec.ts';

const group = 'Difficulty';

export const commands: readonly CommandSpec[] = [
  { id: 'difficulty.easy', title: 'Label easy', group, keys: '1' },
  { id: 'difficulty.medium', title: 'Label medium', group, keys: '2' },
  { id: 'difficulty.hard', title: 'Label hard', group, keys: '3' },
  { id: 'difficulty.withdraw', title: 'Withdraw the label by hand', group, keys: '0' },
  { id: 'difficulty.undo', title: 'Undo the last labels', group, keys: 'u' },
  { id: 'difficulty.next', title: 'Next problem', group, keys: 'j' },
  { id: 'difficulty.previous', title: 'Previous problem', group, keys: 'k' },
  { id: 'difficulty.extendDown', title: 'Select on to the next problem', group, keys: 'Shift+J' },
  { id: 'difficulty.extendUp', title: 'Select on to the previous problem', group, keys: 'Shift+K' },
  { id: 'difficulty.toggle', title: 'Select the problem, or not', group, keys: 'x' },
  { id: 'difficulty.selectAll', title: 'Select all problems listed', group, keys: 'Mod+Shift+A' },
  { id: 'difficulty.clear', title: 'Select nothing', group, keys: 'Escape' },
  { id: 'difficulty.blind', title: 'Hide what the model found', group, keys: 'b' },
  { id: 'difficulty.disagreements', title: 'Show where person and model disagree', group, keys: 'd' },
  { id: 'difficulty.search', title: 'Search the problems', group, keys: '/' },
  { id: 'difficulty.label', title: 'Measure difficulty with a model', group, keys: 'm' },
  { id: 'difficulty.savePool', title: 'Save the problems listed as a pool', group, keys: 's' },
];

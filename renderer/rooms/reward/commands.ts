/**
 * What can be done in the reward explorer by key.
 */
import type { CommandSpec } from '#renderer/app/commandSpec.ts';

const group = 'Rewards';

export const commands: readonly CommandSpec[] = [
  { id: 'reward.nextMode', title: 'Show the next reward mode', group, keys: 'm' },
  { id: 'reward.previousMode', title: 'Show the previous reward mode', group, keys: 'Shift+M' },
  { id: 'reward.reset', title: 'Use the method’s values', group, keys: '0' },
];

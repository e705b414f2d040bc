/** What can be done in the settings. */
import type { CommandSpec } from '#renderer/app/commandSpec.ts';

export const commands: readonly CommandSpec[] = [
  { id: 'settings.doctor', title: 'Check this installation', group: 'Settings', keys: '' },
];

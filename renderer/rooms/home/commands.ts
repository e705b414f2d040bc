/** What can be done on Home. */
import type { CommandSpec } from '#renderer/app/commandSpec.ts';

export const commands: readonly CommandSpec[] = [
  { id: 'home.run', title: 'Start the run', group: 'Home', keys: 'Mod+Enter' },
  { id: 'home.openProject', title: 'Open a project', group: 'Home', keys: '' },
  { id: 'home.newProject', title: 'Make a new project', group: 'Home', keys: '' },
  { id: 'home.openSample', title: 'Open the sample project', group: 'Home', keys: '' },
];

/** The commands of the Data room. */
import type { CommandSpec } from '#renderer/app/commandSpec.ts';

export const commands: readonly CommandSpec[] = [
  { id: 'data.search', title: 'Search the problems', group: 'Data', keys: '/' },
  { id: 'data.clearFilters', title: 'Remove all filters', group: 'Data', keys: 'Mod+Backspace' },
  { id: 'data.edit', title: 'Change the problem', group: 'Data', keys: 'e' },
  { id: 'data.imports', title: 'Show what was imported and left out', group: 'Data', keys: 'i' },
];

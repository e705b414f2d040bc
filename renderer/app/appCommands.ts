/**
 * The commands of the window itself.
 */
import type { CommandSpec } from './commandSpec.ts';
import { rooms } from './rooms.ts';

export const commands: readonly CommandSpec[] = [
  { id: 'app.palette', title: 'Open the command palette', group: 'Everywhere', keys: 'Mod+K' },
  { id: 'app.shortcuts', title: 'Show the shortcuts', group: 'Everywhere', keys: '?' },
  { id: 'app.theme', title: 'Switch between light and dark', group: 'Everywhere', keys: 'Mod+Shift+L' },
  { id: 'app.openFile', title: 'Import a data file', group: 'Everywhere', keys: 'Mod+O' },
  { id: 'app.tour', title: 'Take the tour', group: 'Everywhere', keys: '' },
  ...rooms.map(({ name, title, keys }) => ({ id: `go.${name}`, title: `Go to ${title}`, group: 'Everywhere', keys })),
  ...rooms.map(({ name, title }, index) => ({
    id: `number.${name}`,
    title: `Go to ${title}, by number`,
    group: 'Everywhere',
    keys: String(index + 1),
  })),
];

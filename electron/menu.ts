/**
 * The native menu.
 *
 * Owns: what stands where. Its items do nothing themselves: each sends the id of a command, which the
 * front end carries out as if it had been chosen there. Shortcuts of commands are the front end's, which
 * a person can change; the menu shows none of its own for them.
 */
import { Menu, type MenuItemConstructorOptions } from 'electron';

const rooms = [
  ['home', 'Home'],
  ['data', 'Data'],
  ['difficulty', 'Difficulty'],
  ['entropy', 'Entropy'],
  ['runs', 'Runs'],
  ['compare', 'Compare'],
  ['reward', 'Rewards'],
  ['models', 'Models'],
] as const;

/** @param send carries a command to the window */
export function menuTemplate(
  platform: NodeJS.Platform,
  isPackaged: boolean,
  send: (command: string) => void,
): MenuItemConstructorOptions[] {
  const isMac = platform === 'darwin';
  const item = (label: string, command: string): MenuItemConstructorOptions => ({
    label,
    click: () => send(command),
  });
  const settings = item('Settings', 'go.settings');
  const separator: MenuItemConstructorOptions = { type: 'separator' };
  return [
    ...(isMac
      ? [
          {
            role: 'appMenu' as const,
            submenu: [
              { role: 'about' as const },
              separator,
              settings,
              separator,
              { role: 'hide' as const },
              { role: 'hideOthers' as const },
              { role: 'unhide' as const },
              separator,
              { role: 'quit' as const },
            ],
          },
        ]
      : []),
    {
      label: '&File',
      submenu: [
        item('Import a data file …', 'app.openFile'),
        separator,
        ...(isMac ? [{ role: 'close' as const }] : [settings, separator, { role: 'quit' as const }]),
      ],
    },
    { role: 'editMenu' },
    { label: '&Go', submenu: rooms.map(([room, title]) => item(title, `go.${room}`)) },
    {
      label: '&View',
      submenu: [
        item('Command palette', 'app.palette'),
        item('Switch between light and dark', 'app.theme'),
        separator,
        { role: 'reload' },
        ...(isPackaged ? [] : [{ role: 'toggleDevTools' as const }]),
        separator,
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        separator,
        { role: 'togglefullscreen' },
      ],
    },
    { role: 'windowMenu' },
    { role: 'help', submenu: [item('Keyboard shortcuts', 'app.shortcuts')] },
  ];
}

export function setMenu(template: MenuItemConstructorOptions[]): void {
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}

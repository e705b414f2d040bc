/**
 * Names of the messages between the page's bridge and this shell. Imports nothing, so that the preload
 * script can have it.
 */
export const channels = {
  // Asked by the page, answered in ipc.ts.
  connect: 'connect',
  frame: 'frame',
  chooseFolder: 'choose-folder',
  chooseFile: 'choose-file',
  reveal: 'reveal',
  openExternal: 'open-external',
  // Sent to the page; frames too.
  command: 'command',
} as const;

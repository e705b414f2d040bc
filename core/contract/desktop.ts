/**
 * What the desktop shell offers its front end beside the contract: things only a window on the person's
 * own machine can do.
 *
 * Owns: the type of `window.ares`, which preload.ts makes and the front end looks for; in a browser it
 * is missing. Calls of the host are frames here too (frames.ts).
 */

export interface Desktop {
  /** Begins a connection, ending the one before; `onFrame` gets what the host sends. */
  connect(onFrame: (frame: Uint8Array) => void): Promise<void>;
  send(frame: Uint8Array): void;
  /** Absolute path of a file that was dropped or chosen; '' where it has none. */
  pathOfFile(file: File): string;
  /** The system's own dialog; null when it was cancelled. */
  chooseFolder(title: string): Promise<string | null>;
  /** @param extensions without dots; none for any file */
  chooseFile(title: string, extensions: readonly string[]): Promise<string | null>;
  /** Shows a file or folder in the system's file manager. */
  reveal(path: string): Promise<void>;
  /** Opens an address in the person's browser; anything but http and https is refused. */
  openExternal(url: string): Promise<void>;
  /** Told the id of a command that was chosen from the menu. */
  onCommand(listener: (command: string) => void): void;
}

/** The part of the DOM's File that is passed on unread, so that the contract needs no DOM types. */
interface File {
  readonly name: string;
}

/**
 * What `npm start` opens: a window or the terminal, and which window.
 *
 * Owns: these decisions and the sentence that explains one which is not the first choice. Pure; finding
 * out the facts and acting on them is start.ts.
 */

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a window could be seen by whoever started this. */
export function hasDisplay(platform: NodeJS.Platform, environment: Environment): boolean {
  const isSet = (name: string) => Boolean(environment[name]);
  // Of a Mac or a PC reached over SSH, the screen is elsewhere.
  if (platform === 'darwin' || platform === 'win32') return !isSet('SSH_CONNECTION');
  return isSet('DISPLAY') || isSet('WAYLAND_DISPLAY');
}

export interface WindowFacts {
  /** Why Electron cannot show the window, as a clause; null when it can. */
  electronLack: string | null;
  /** A Chromium, Chrome or Edge; null where there is none. */
  chromium: string | null;
}

export interface WindowPlan {
  shell: 'electron' | 'chromium' | 'browser';
  /** Said when it is not Electron. */
  sentence: string | null;
}

export function planWindow({ electronLack, chromium }: WindowFacts): WindowPlan {
  if (electronLack === null) return { shell: 'electron', sentence: null };
  const instead = chromium === null ? 'in your browser' : 'in a Chromium window';
  return {
    shell: chromium === null ? 'browser' : 'chromium',
    sentence: `The desktop shell cannot be used here (${electronLack}); the same app opens ${instead}.`,
  };
}

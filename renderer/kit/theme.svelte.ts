/**
 * Which theme holds, for what CSS cannot colour by itself: canvases.
 *
 * Owns: the attribute on the root, and a number that changes whenever colours do; a chart that reads it
 * is drawn again.
 */
import { untrack } from 'svelte';

export type Theme = 'system' | 'light' | 'dark';

let version = $state(0);
const system = globalThis.matchMedia?.('(prefers-color-scheme: dark)');
system?.addEventListener('change', () => version++);

export const theme = {
  get version(): number {
    return version;
  },
  set(choice: Theme): void {
    if (choice === 'system') document.documentElement.removeAttribute('data-theme');
    else document.documentElement.dataset['theme'] = choice;
    // Whoever sets the theme in an effect does not depend on what it was.
    untrack(() => version++);
  },
};

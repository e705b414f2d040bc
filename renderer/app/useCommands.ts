/**
 * Commands of what is on screen.
 */
import { onDestroy } from 'svelte';
import { useSession } from './session.svelte.ts';

/**
 * Binds commands for as long as the component is on screen: `useCommands({ 'entropy.nextWindow': next })`.
 * Every id must be declared in the room's commands.ts.
 */
export function useCommands(actions: Readonly<Record<string, () => void>>): void {
  onDestroy(useSession().commands.bind(actions));
}

/**
 * Everything a person can do by name or by key.
 *
 * Owns: the commands that exist (each room declares its own in `rooms/<room>/commands.ts`, so that
 * Settings can list them before the room was opened) and what they do at this moment (bound by what is
 * on screen). Reading keys is shortcuts.ts; the list to choose from is CommandPalette.svelte.
 */
import type { CommandSpec } from './commandSpec.ts';

const modules = import.meta.glob<{ commands: readonly CommandSpec[] }>(
  ['./appCommands.ts', '#renderer/rooms/*/commands.ts'],
  { eager: true },
);
/** All commands of the window, the window's own first. */
export const commandSpecs: readonly CommandSpec[] = Object.values(modules).flatMap(({ commands }) => commands);

export class Commands {
  /** What is bound now; of two bindings of one command the later counts. */
  #bound = $state.raw<ReadonlyMap<string, readonly (() => void)[]>>(new Map());
  /** The same, for changing it: while a component ends, state reads as it was before. */
  readonly #now = new Map<string, readonly (() => void)[]>();

  bind(actions: Readonly<Record<string, () => void>>): () => void {
    this.#change((bound) => {
      for (const [id, run] of Object.entries(actions)) bound.set(id, [...(bound.get(id) ?? []), run]);
    });
    return () =>
      this.#change((bound) => {
        for (const [id, run] of Object.entries(actions))
          bound.set(
            id,
            (bound.get(id) ?? []).filter((each) => each !== run),
          );
      });
  }

  isBound(id: string): boolean {
    return (this.#bound.get(id)?.length ?? 0) > 0;
  }

  /** Does nothing when nothing on screen can do it. */
  run(id: string): void {
    this.#bound.get(id)?.at(-1)?.();
  }

  #change(edit: (bound: Map<string, readonly (() => void)[]>) => void): void {
    edit(this.#now);
    this.#bound = new Map(this.#now);
  }
}

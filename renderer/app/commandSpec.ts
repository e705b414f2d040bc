/**
 * The declaration of a command, for `rooms/<room>/commands.ts`.
 */
export interface CommandSpec {
  /** `<room>.<verb>`; the settings keep shortcuts under it, so it never changes. */
  id: string;
  /** Sentence case, begins with a verb: "Go to the next high-entropy window". */
  title: string;
  /** Heading in the list of shortcuts: the name of the room, or "Everywhere". */
  group: string;
  /** Default shortcut as in kit/keys.ts; '' for none. */
  keys: string;
}

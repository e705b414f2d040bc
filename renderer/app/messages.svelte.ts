/**
 * What the window tells a person without being asked: what was done, and what failed.
 *
 * Owns: the list of messages and how long each stays. A failure stays until it is dismissed.
 */
import type { ContractError } from '#core/contract/client.ts';

export interface Message {
  id: number;
  level: 'info' | 'error';
  text: string;
  where: string | null;
  hint: string | null;
  action: { label: string; run: () => void } | null;
}

const INFO_MS = 5000;
/** Older ones make room: a host that is gone must not cover the window with messages. */
const MOST = 4;

/** What a person is shown of anything thrown, or of an error that came as data. */
function failureOf(thrown: unknown): Pick<ContractError, 'message' | 'where' | 'hint'> {
  if (typeof thrown !== 'object' || thrown === null || !('message' in thrown)) {
    return { message: String(thrown), where: null, hint: null };
  }
  const { message, where, hint } = thrown as { message: unknown; where?: unknown; hint?: unknown };
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return { message: String(message), where: text(where), hint: text(hint) };
}

export class Messages {
  list = $state.raw<readonly Message[]>([]);
  #next = 1;

  /** @param action a button beside the text, such as Undo */
  info(text: string, action: Message['action'] = null): void {
    const id = this.#add({ level: 'info', text, where: null, hint: null, action });
    setTimeout(() => this.dismiss(id), INFO_MS);
  }

  fail(thrown: unknown): void {
    const { message, where, hint } = failureOf(thrown);
    // The same failure again is the same message.
    if (this.list.some((each) => each.level === 'error' && each.text === message && each.where === where)) return;
    this.#add({ level: 'error', text: message, where, hint, action: null });
  }

  dismiss(id: number): void {
    this.list = this.list.filter((each) => each.id !== id);
  }

  #add(message: Omit<Message, 'id'>): number {
    const id = this.#next++;
    this.list = [...this.list, { ...message, id }].slice(-MOST);
    return id;
  }
}

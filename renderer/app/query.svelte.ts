/**
 * Asking the host for what is on screen, and asking again when it changed.
 *
 * Owns: the life of an answer (asked, there, out of date, failed) and dropping answers to questions
 * nobody asks any more. While a new answer is on its way the old one stays, so nothing flickers.
 */
import { onDestroy } from 'svelte';
import { type ContractError } from '#core/contract/client.ts';
import type {
  CallName,
  ChangeTopic,
  ItemOf,
  ParamsOf,
  RequestOf,
  ResponseOf,
  StreamName,
} from '#core/contract/contract.ts';
import { useSession } from './session.svelte.ts';

export interface Query<T> {
  /** Undefined until the first answer. */
  readonly data: T | undefined;
  readonly error: ContractError | null;
  /** True while an answer is on its way. */
  readonly isLoading: boolean;
  /** Asks again now. */
  reload(): void;
}

/**
 * @param request called reactively: another request asks again, null asks nothing
 * @param topics what makes the answer out of date
 */
export function query<N extends CallName>(
  name: N,
  request: () => RequestOf<N> | null,
  topics: readonly ChangeTopic[] = [],
): Query<ResponseOf<N>> {
  const session = useSession();
  let data = $state.raw<ResponseOf<N>>();
  let error = $state.raw<ContractError | null>(null);
  let isLoading = $state(false);
  let turn = $state(0);
  let latest = 0;

  $effect(() => {
    void turn;
    const asked = request();
    const mine = ++latest;
    if (asked === null) {
      data = undefined;
      error = null;
      isLoading = false;
      return;
    }
    isLoading = true;
    session.client
      .call(name, asked)
      .then(
        (answer) => {
          if (mine !== latest) return;
          data = answer;
          error = null;
        },
        (thrown: ContractError) => {
          if (mine === latest) error = thrown;
        },
      )
      .finally(() => {
        if (mine === latest) isLoading = false;
      });
  });
  if (topics.length > 0) onDestroy(session.onChange(topics, () => turn++));
  onDestroy(() => void latest++);

  return {
    get data() {
      return data;
    },
    get error() {
      return error;
    },
    get isLoading() {
      return isLoading;
    },
    reload: () => void turn++,
  };
}

export interface Following<T> {
  /** The newest item; undefined before the first. */
  readonly item: T | undefined;
  readonly error: ContractError | null;
}

/** Follows a stream while the component lives; other params end one subscription and begin another. */
export function follow<N extends StreamName>(name: N, params: () => ParamsOf<N> | null): Following<ItemOf<N>> {
  const session = useSession();
  let item = $state.raw<ItemOf<N>>();
  let error = $state.raw<ContractError | null>(null);

  $effect(() => {
    const wanted = params();
    item = undefined;
    error = null;
    if (wanted === null) return;
    return session.client.subscribe(
      name,
      wanted,
      (next) => void (item = next),
      (ended) => (error = ended),
    );
  });
  return {
    get item() {
      return item;
    },
    get error() {
      return error;
    },
  };
}

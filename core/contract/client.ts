/**
 * The contract as a front end calls it: typed, and validated in both directions.
 *
 * Owns: checking what is sent and what arrives, and turning wire errors into AresError-like values a
 * view can show. It knows no transport; it runs in a browser.
 */
import * as z from 'zod/mini';
import {
  type CallName,
  type ItemOf,
  type ParamsOf,
  type RequestOf,
  type ResponseOf,
  type StreamName,
  calls,
  streams,
} from './contract.ts';
import type { Transport, WireError } from './transport.ts';

/** A failure as the front end sees it; fields as in AresError. */
export class ContractError extends Error {
  readonly code: string;
  readonly where: string | null;
  readonly hint: string | null;

  constructor({ code, message, where, hint }: WireError) {
    super(message);
    this.name = 'ContractError';
    this.code = code;
    this.where = where;
    this.hint = hint;
  }
}

export interface Client {
  /** @throws ContractError */
  call<N extends CallName>(name: N, request: RequestOf<N>): Promise<ResponseOf<N>>;
  /**
   * Calls `onItem` for every item; the next is only asked for when its promise settles.
   * @param onEnd told when the host ends the stream, with the error if there was one
   * @returns a function that ends the subscription
   */
  subscribe<N extends StreamName>(
    name: N,
    params: ParamsOf<N>,
    onItem: (item: ItemOf<N>) => void | Promise<void>,
    onEnd?: (error: ContractError | null) => void,
  ): () => void;
}

export function createClient(transport: Transport): Client {
  return {
    async call(name, request) {
      const spec = calls[name];
      const checked = check(spec.request, request, `The request to ${name}`);
      let response: unknown;
      try {
        response = await transport.call(name, checked);
      } catch (thrown) {
        throw toContractError(thrown);
      }
      // Sound: `spec` is the entry of `name`, which the compiler cannot follow through the index.
      return check(spec.response, response, `The response of ${name}`) as ResponseOf<typeof name>;
    },
    subscribe(name, params, onItem, onEnd) {
      const spec = streams[name];
      return transport.subscribe(name, check(spec.params, params, `The parameters of ${name}`), {
        item: async (item) => onItem(check(spec.item, item, `An item of ${name}`) as ItemOf<typeof name>),
        end: (error) => onEnd?.(error === null ? null : new ContractError(error)),
      });
    },
  };
}

function check(schema: z.ZodMiniType, value: unknown, what: string): unknown {
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ContractError({
    code: 'internal',
    message: `${what} does not fit the contract: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    where: what,
    hint: 'Front end and host are of different versions, or this is a bug. Reload the window.',
  });
}

function toContractError(thrown: unknown): ContractError {
  if (thrown instanceof ContractError) return thrown;
  const { code, message, where, hint } = (thrown ?? {}) as Partial<Record<keyof WireError, unknown>>;
  return new ContractError({
    code: typeof code === 'string' ? code : 'internal',
    message: typeof message === 'string' ? message : String(thrown),
    where: typeof where === 'string' ? where : null,
    hint: typeof hint === 'string' ? hint : null,
  });
}

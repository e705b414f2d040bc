/**
 * The thread that does computer algebra: one pair of answers in, one finding out.
 *
 * Owns: what counts as proof. Only exact results do: the same canonical expression, a difference that simplifies
 * to 0, or the same exact value. The library's own `isEqual` compares within a tolerance and takes 1/2004! for
 * 1/2006!, so it is not asked. Runs in a worker thread (see symbolic.ts), because a hard expression can take any
 * time and memory.
 */
import { parentPort } from 'node:worker_threads';
import { ComputeEngine } from '@cortex-js/compute-engine';

export interface SymbolicQuestion {
  a: string;
  b: string;
}

/** 'different' only where both have exact values and these differ. */
export type SymbolicFinding = 'same' | 'different' | 'unknown';

type Expression = ReturnType<ComputeEngine['box']>;

const engine = new ComputeEngine();

function compare({ a, b }: SymbolicQuestion): SymbolicFinding {
  const [x, y] = [read(a), read(b)];
  if (!isUsable(x) || !isUsable(y)) return 'unknown';
  if (x.isSame(y)) return 'same';
  const [left, right] = [x.evaluate(), y.evaluate()];
  if (!isUsable(left) || !isUsable(right)) return 'unknown';
  if (left.isSame(right)) return 'same';
  if (isExactNumber(left) && isExactNumber(right)) return 'different';
  const difference = engine.box(['Subtract', x.json, y.json]).simplify();
  return difference.json === 0 ? 'same' : 'unknown';
}

function read(latex: string): Expression {
  return engine.box(engine.parse(latex)?.json ?? 'Nothing');
}

/** Understood in every part, and without infinities, which are all alike, and rounded numbers. */
function isUsable(expression: Expression): boolean {
  return (
    expression.isValid &&
    !/Nothing|Infinity|NaN|Undefined|Missing|Error|\d\.\d|\de[-+]?\d/.test(JSON.stringify(expression.json))
  );
}

/** An integer or a fraction of integers, in the library's JSON. */
function isExactNumber(expression: Expression): boolean {
  const json: unknown = expression.json;
  const isInteger = (part: unknown): boolean =>
    Number.isSafeInteger(part) || (typeof part === 'object' && part !== null && 'num' in part);
  return isInteger(json) || (Array.isArray(json) && json[0] === 'Rational' && json.slice(1).every(isInteger));
}

parentPort?.on('message', (question: SymbolicQuestion) => {
  let finding: SymbolicFinding;
  try {
    finding = compare(question);
  } catch {
    // The library refuses some expressions by throwing: then nothing is known about them.
    finding = 'unknown';
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(finding);
});
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage('ready');

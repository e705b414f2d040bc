/**
 * Reverse-mode differentiation of a graph, and checkpointing.
 *
 * Owns: the walk over the tape, the accumulation of gradients, recomputation of checkpointed parts,
 * and the error for an operator without a VJP. The mathematics of each operator is in vjp.ts.
 */
import { AresError } from '#core/util/errors.ts';
import type { Graph, TapeEntry, Value } from './graph.ts';
import * as ops from './ops.ts';
import { type Vjp, vjps } from './vjp.ts';

/**
 * Extends the graph with the gradients of a scalar.
 * @param loss a value of shape []
 * @param parameters what to differentiate by
 * @returns d loss / d parameter, in the order and shapes of `parameters`
 * @throws AresError naming the operator when the path from a parameter to the loss has no VJP, or
 *   naming the parameter when the loss does not depend on it
 */
export function differentiate(g: Graph, loss: Value, parameters: readonly Value[]): Value[] {
  if (loss.shape.length !== 0) throw new AresError('internal', 'Only a scalar can be differentiated.');
  // The gradients' own nodes are appended to the tape while this walks; they are not part of it.
  return pullBack(g, [...g.tape], new Map([[loss, g.scalar(1)]]), parameters);
}

/**
 * Emits `body` without keeping its intermediate values for the backward pass: they are computed again
 * when the gradient arrives. Saves memory only where the runtime leaves the order of nodes alone
 * (optimisation 'disabled'; otherwise it merges the two computations, ENGINE §5).
 * @param inputs everything in `body` that gradients are wanted for, the weights included
 */
export function checkpoint(g: Graph, inputs: readonly Value[], body: () => Value): Value {
  const recompute: Vjp = (graph, _entry, [gradient], needed) => {
    const { result, tape } = graph.taped(body);
    const wanted = inputs.filter((_, i) => needed[i]);
    const gradients = pullBack(graph, tape, new Map([[result, gradient!]]), wanted);
    return inputs.map((input) => gradients[wanted.indexOf(input)]);
  };
  return g.composite('Checkpoint', inputs, () => [body()], { vjp: recompute })[0]!;
}

/**
 * Gradients of `parameters` through a part of the tape.
 * @param seeds the gradients of its results, each of the result's shape
 */
export function pullBack(
  g: Graph,
  tape: readonly TapeEntry[],
  seeds: ReadonlyMap<Value, Value>,
  parameters: readonly Value[],
): Value[] {
  const dependent = valuesDependingOn(tape, parameters);
  const gradients = new Map<Value, Value>(seeds);
  for (const entry of tape.toReversed()) {
    const outputGradients = entry.outputs.map((output) => gradients.get(output));
    const needed = entry.inputs.map((input) => input !== undefined && dependent.has(input));
    if (!needed.includes(true) || outputGradients.every((gradient) => gradient === undefined)) continue;
    const inputGradients = vjpOf(entry)(g, entry, outputGradients, needed);
    entry.inputs.forEach((input, i) => {
      const gradient = inputGradients[i];
      if (input === undefined || !needed[i] || gradient === undefined) return;
      const sum = gradients.get(input);
      gradients.set(input, sum === undefined ? gradient : ops.add(g, sum, gradient));
    });
  }
  return parameters.map((parameter) => {
    const gradient = gradients.get(parameter);
    if (gradient === undefined) throw new AresError('internal', `The loss does not depend on "${parameter.name}".`);
    return gradient;
  });
}

function valuesDependingOn(tape: readonly TapeEntry[], parameters: readonly Value[]): Set<Value> {
  const dependent = new Set(parameters);
  for (const entry of tape) {
    if (entry.inputs.some((input) => input !== undefined && dependent.has(input))) {
      for (const output of entry.outputs) dependent.add(output);
    }
  }
  return dependent;
}

function vjpOf(entry: TapeEntry): Vjp {
  const vjp = entry.vjp ?? vjps[entry.op];
  if (vjp === undefined) {
    throw new AresError('internal', `The operator ${entry.op} has no gradient.`, {
      hint: 'Add its VJP to core/tensor/vjp.ts.',
    });
  }
  return vjp;
}

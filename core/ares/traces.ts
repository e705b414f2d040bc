/**
 * Traces that a cold start may be made of, wherever they come from.
 *
 * Owns: the one type behind which the dataset's own solutions, the model's right answers and a teacher's
 * stand alike, the names of these origins, and putting together what comes in two parts. It neither samples,
 * grades nor chooses: curation is adacs.ts, one shape for all is traceShape.ts, keeping them is store/traces.ts.
 */

/**
 * 'dataset': a column of the data. 'rollouts': rejection sampling, the responses of the labelled model itself.
 * 'teacher': another model, asked for it on a server.
 */
export const traceOrigins = ['dataset', 'rollouts', 'teacher'] as const;
export type TraceOrigin = (typeof traceOrigins)[number];

/** A whole answer to a problem. */
export interface SourcedTrace {
  /** Identity of its problem in the store, which also says of which data source s (METHOD §2.3) it is. */
  problemId: number;
  /** Who wrote it, as a person reads it: 'dataset', a model's name, a teacher's name. */
  source: string;
  /** As it was written, before any normalisation. */
  text: string;
  /** Whether the grader found its answer right. */
  correct: boolean;
}

/**
 * One text of a response whose reasoning a server sends apart (`reasoning_content`), or a dataset keeps in a
 * column of its own. Reasoning that brings its own tags keeps them; without reasoning it is the content.
 */
export function joinReasoning(reasoning: string, content: string): string {
  if (reasoning.trim() === '') return content;
  const inner = reasoning.trim();
  const opened = inner.startsWith('<think>') ? inner : `<think>\n${inner}`;
  return `${opened.endsWith('</think>') ? opened : `${opened}\n</think>`}\n\n${content.trimStart()}`;
}

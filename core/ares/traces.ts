/**
 * Traces that a cold start may be made of, wherever they come from.
 *
 * Owns: the one type behind which the dataset's own solutions, the model's right answers and a teacher's
 * stand alike. It neither samples, grades nor chooses: curation is adacs.ts.
 */

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

/** Yields traces as they come in, in no particular order; a consumer that stops early ends the work behind it. */
export type TraceSource = () => AsyncIterable<SourcedTrace>;

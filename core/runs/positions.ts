/**
 * Making room: prompts and responses share the positions of a model.
 *
 * Owns: which problems are set aside because their prompt leaves too little room, and the token limit
 * that holds for the responses to all others, so that labels and evaluations of a run stay comparable.
 */
import type { Recipe } from './recipe.ts';

export interface Room {
  /** Longest prompt that is used, tokens. */
  maxPromptTokens: number;
  /** No response may be longer, tokens; at least 1 where any prompt is used. */
  maxResponseTokens: number;
}

/** A prompt is set aside when it leaves less than this share of the positions, and less than is wanted. */
const MIN_RESPONSE_SHARE = 0.25;

/**
 * @param promptTokens lengths of all prompts
 * @param positions of the model
 * @param wantedTokens longest response the recipe asks for
 */
export function roomFor(promptTokens: readonly number[], positions: number, wantedTokens: number): Room {
  const needed = Math.min(wantedTokens, Math.max(1, Math.floor(MIN_RESPONSE_SHARE * positions)));
  const used = promptTokens.filter((length) => length + needed <= positions);
  const maxPromptTokens = used.reduce((longest, length) => Math.max(longest, length), 0);
  return { maxPromptTokens, maxResponseTokens: Math.min(wantedTokens, positions - maxPromptTokens) };
}

/** The longest response any part of the recipe asks for. */
export function longestResponse({ label, policy, evaluation }: Recipe): number {
  return Math.max(label.maxNewTokens, policy.maxNewTokens, evaluation.maxNewTokens);
}

/** The recipe with no response longer than there is room for. */
export function withinRoom(recipe: Recipe, { maxResponseTokens }: Room): Recipe {
  const limited = <T extends { maxNewTokens: number }>(part: T): T => ({
    ...part,
    maxNewTokens: Math.min(part.maxNewTokens, maxResponseTokens),
  });
  const { label, policy, evaluation } = recipe;
  return { ...recipe, label: limited(label), policy: limited(policy), evaluation: limited(evaluation) };
}

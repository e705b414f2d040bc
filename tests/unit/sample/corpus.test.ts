/** The pre-training stream: reproducible at any step, clean of held-out chains, style independent of difficulty. */
import { Tokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import type { Sequence } from '#core/engine/api.ts';
import { analyseTrace } from '#core/sample/analysis.ts';
import { PretrainingStream } from '#core/sample/corpus.ts';
import { chainKey, parseQuestion } from '#core/sample/problems.ts';
import { defaultPretrainRecipe, pretrainLearningRate, totalSteps } from '#core/sample/recipe.ts';
import { sampleModelFiles } from '#core/sample/tokenizer.ts';

const recipe = defaultPretrainRecipe;
const none: ReadonlySet<string> = new Set();
const files = sampleModelFiles();
const tokenizer = new Tokenizer(JSON.parse(files['tokenizer.json']!), JSON.parse(files['tokenizer_config.json']!));
const annealingStart = recipe.phases[0]!.steps;

const tokensOf = ({ promptIds, responseIds }: Sequence) => promptIds.length + responseIds.length;

function documentsOf(stream: PretrainingStream, from: number, steps: number) {
  const sequences = Array.from({ length: steps }, (_, step) => stream.batch(from + step)).flat();
  return sequences.map(({ promptIds, responseIds }) => {
    const prompt = tokenizer.decode([...promptIds], { skip_special_tokens: true });
    const chain = parseQuestion(prompt.slice('user\n'.length))!;
    return { chain, response: tokenizer.decode([...responseIds]), lines: chain.operations.length };
  });
}

describe('PretrainingStream', () => {
  it('gives the same batch whatever was asked for before', () => {
    const inOrder = new PretrainingStream(recipe, 3, none);
    const late = recipe.poolSteps + 1;
    for (let step = 0; step < late; step++) inOrder.batch(step);
    expect(new PretrainingStream(recipe, 3, none).batch(late)).toEqual(inOrder.batch(late));
    expect(inOrder.batch(2)).toEqual(new PretrainingStream(recipe, 3, none).batch(2));
  });

  it('differs between seeds and steps', () => {
    const stream = new PretrainingStream(recipe, 3, none);
    const first = stream.batch(0);
    expect(stream.batch(recipe.poolSteps)).not.toEqual(first);
    expect(new PretrainingStream(recipe, 4, none).batch(0)).not.toEqual(first);
  });

  it('fills batches to the budget with documents of similar length', () => {
    const stream = new PretrainingStream(recipe, 3, none);
    let padded = 0;
    let total = 0;
    for (let step = 0; step < 40; step++) {
      const lengths = stream.batch(step).map(tokensOf);
      const tokens = lengths.reduce((sum, length) => sum + length, 0);
      // A document is at most 200 tokens long, and the pool may overshoot by one, the batch by another.
      expect(Math.abs(tokens - recipe.tokensPerBatch)).toBeLessThan(400);
      padded += lengths.length * Math.max(...lengths);
      total += tokens;
    }
    expect(padded / total).toBeLessThan(1.1);
  });

  it('contains only right traces of the problem they follow', () => {
    for (const { chain, response } of documentsOf(new PretrainingStream(recipe, 5, none), 0, 4)) {
      expect(analyseTrace(response, chain).errors).toEqual([]);
    }
  });

  it('leaves reserved chains out', () => {
    const drawn = documentsOf(new PretrainingStream(recipe, 6, none), 0, 8).map(({ chain }) => chainKey(chain));
    const reserved = new Set(drawn.slice(0, 50));
    const again = documentsOf(new PretrainingStream(recipe, 6, reserved), 0, 8).map(({ chain }) => chainKey(chain));
    expect(again.filter((key) => reserved.has(key))).toEqual([]);
  });

  it('is as often slow on sums as on products, in both phases', () => {
    const stream = new PretrainingStream(recipe, 7, none);
    for (const from of [0, annealingStart]) {
      const documents = documentsOf(stream, from, 40);
      const slowShares = [true, false].map((multiplies) => {
        // One line per document: lines of one document share their style preference.
        const styles = documents.flatMap(({ chain, response }) => {
          const lines = analyseTrace(response, chain).lines;
          return lines.find(({ operation }) => (operation.operator === 'times') === multiplies)?.style ?? [];
        });
        expect(styles.length).toBeGreaterThan(500);
        return { share: styles.filter((style) => style === 'slow').length / styles.length, n: styles.length };
      });
      for (const { share, n } of slowShares) expect(Math.abs(share - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / n));
    }
  });

  it('follows the mixture of each phase', () => {
    const stream = new PretrainingStream(recipe, 8, none);
    const lengthsOf = (from: number) => new Set(documentsOf(stream, from, 8).map(({ lines }) => lines));
    expect(lengthsOf(0)).toEqual(new Set([1, 2, 3, 4, 5]));
    expect(lengthsOf(annealingStart)).toEqual(new Set([1, 3, 4]));
    const singles = documentsOf(stream, 0, 40).map(({ lines }) => (lines === 1 ? 1 : 0));
    const share = singles.reduce<number>((sum, single) => sum + single, 0) / singles.length;
    expect(Math.abs(share - 0.2)).toBeLessThan(4 * Math.sqrt(0.16 / singles.length));
  });

  it('refuses steps after the end and phases that are no whole number of pools', () => {
    const stream = new PretrainingStream(recipe, 1, none);
    expect(stream.batch(totalSteps(recipe) - 1).length).toBeGreaterThan(0);
    expect(() => stream.batch(totalSteps(recipe))).toThrow(/does not exist/);
    const phases = [{ ...recipe.phases[0]!, steps: recipe.poolSteps + 1 }];
    expect(() => new PretrainingStream({ ...recipe, phases }, 1, none)).toThrow(
      expect.objectContaining({ code: 'bad-recipe' }),
    );
  });
});

describe('pretrainLearningRate', () => {
  it('warms up linearly, peaks, and ends at the final fraction', () => {
    expect(pretrainLearningRate(recipe, 0)).toBeCloseTo(recipe.peakLearningRate / recipe.warmupSteps, 12);
    expect(pretrainLearningRate(recipe, recipe.warmupSteps - 1)).toBe(recipe.peakLearningRate);
    const end = pretrainLearningRate(recipe, totalSteps(recipe));
    expect(end).toBeCloseTo(recipe.peakLearningRate * recipe.finalFraction, 12);
    const rates = Array.from({ length: totalSteps(recipe) - recipe.warmupSteps }, (_, i) =>
      pretrainLearningRate(recipe, recipe.warmupSteps + i),
    );
    expect(rates.every((rate, i) => i === 0 || rate < rates[i - 1]!)).toBe(true);
  });

  it('hides the results of about half the multiplications done at a glance, and nothing else', () => {
    const batch = new PretrainingStream(recipe, 7, none).batch(0);
    let glances = 0;
    let hidden = 0;
    for (const { promptIds, responseIds, learned } of batch) {
      const prompt = tokenizer.decode([...promptIds], { skip_special_tokens: true });
      const chain = parseQuestion(prompt.slice('user\n'.length))!;
      const lines = analyseTrace(tokenizer.decode([...responseIds], { skip_special_tokens: true }), chain).lines;
      glances += lines.filter(({ style }, i) => style === 'fast' && chain.operations[i]!.operator === 'times').length;
      hidden += learned.filter((flag) => flag === 0).length;
      expect(learned.length).toBe(responseIds.length);
      const unlearnt = [...responseIds].filter((_, t) => learned[t] === 0);
      expect(unlearnt.every((id) => /^ ?\d$/.test(tokenizer.decode([id])))).toBe(true);
    }
    // Two digits per hidden result; the share is a coin with p = glanceShare.
    const share = hidden / (2 * glances);
    expect(Math.abs(share - (1 - recipe.glanceShare))).toBeLessThan(4 * Math.sqrt(0.25 / glances));
    expect(hidden).toBeGreaterThan(0);
  });
});

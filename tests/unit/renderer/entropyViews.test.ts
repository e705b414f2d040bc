// The views of the Entropy room beside the trace: list, inspector, words, findings, branches, colours.
import { describe, expect, it } from 'vitest';
import type { Alternatives, GeneratedResponse, Trace, WordRow } from '#core/contract/contract.ts';
import { inkOn, scaleNames } from '#renderer/kit/colour.ts';
import { branchColumns, divergence } from '#renderer/rooms/entropy/branches.ts';
import { bucketEstimates, findingsOf, fitLine, meanEstimate } from '#renderer/rooms/entropy/findings.ts';
import { judge, meansOf } from '#renderer/rooms/entropy/judgement.ts';
import { neighbouringProblem, neighbouringSample, problemEntries } from '#renderer/rooms/entropy/stepList.ts';
import { percent, spokenDetails, tokenDetails } from '#renderer/rooms/entropy/tokenDetails.ts';
import { selectedText } from '#renderer/rooms/entropy/tokenLook.ts';
import { type Rgb, parseRgb, tokenPalette } from '#renderer/rooms/entropy/tokenPalette.ts';
import { cloudOf, sortedWords, validShare } from '#renderer/rooms/entropy/words.ts';

const trace: Pick<Trace, 'pieces' | 'ids' | 'logprobs' | 'entropiesNats' | 'triggers' | 'window' | 'count'> = {
  pieces: ['So', ' wait', ' 4', '2', '.'],
  ids: Int32Array.of(1, 2, 3, 4, 5),
  logprobs: Float32Array.of(0, Math.log(0.25), 0, 0, 0),
  entropiesNats: Float32Array.of(0, 2, 1, 0, 0),
  triggers: Uint8Array.of(0, 1, 0, 0, 0),
  window: { size: 2, alignment: 'inclusive' },
  count: { definition: 'C', word: 'sampled' },
};

describe('colours', () => {
  const pages: Rgb[] = [
    [251, 251, 252],
    [19, 21, 24],
  ];

  it('can be read on every level of every scale, on light and on dark', () => {
    const luminance = (rgb: Rgb): number => {
      const [r, g, b] = rgb.map((channel) => {
        const share = channel / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      }) as [number, number, number];
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    for (const page of pages) {
      for (const scale of scaleNames) {
        for (const { background, text } of tokenPalette(scale, page).slice(1)) {
          const ink = text === '#ffffff' ? 1 : 0;
          const ground = luminance(parseRgb(background!)!);
          const contrast = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
          expect(contrast, `${scale} ${background}`).toBeGreaterThanOrEqual(4.5);
        }
      }
    }
  });

  it('leave quiet tokens on the page, and end where the scale differs most from it', () => {
    for (const page of pages) {
      const palette = tokenPalette('viridis', page);
      expect(palette[0]).toEqual({ background: null, text: null });
      expect(inkOn(parseRgb(palette.at(-1)!.background!)!)).not.toBe(inkOn(page));
    }
  });
});

describe('the list of a step', () => {
  const columns = {
    rolloutId: Int32Array.of(11, 12, 21),
    problemId: Int32Array.of(1, 1, 2),
    sample: Int32Array.of(0, 1, 0),
    verdict: Uint8Array.of(0, 1, 2),
    lengthTokens: Int32Array.of(5, 6, 7),
    truncated: new Uint8Array(3),
    highEntropyCount: Int32Array.of(2, -1, 0),
  };
  const entries = problemEntries(columns);

  it('groups samples by problem, and tells what was not counted', () => {
    expect(entries.map(({ problemId, correct, samples }) => [problemId, correct, samples.length])).toEqual([
      [1, 1, 2],
      [2, 0, 1],
    ]);
    expect(entries[0]!.samples.map(({ highEntropyCount }) => highEntropyCount)).toEqual([2, null]);
    expect(entries[1]!.samples[0]!.verdict).toBe('no_answer');
  });

  it('is walked by problem and by sample, and ends', () => {
    expect(neighbouringProblem(entries, 12, 1)).toBe(21);
    expect(neighbouringProblem(entries, 21, 1)).toBeNull();
    expect(neighbouringProblem(entries, 21, -1)).toBe(11);
    expect(neighbouringSample(entries, 11, 1)).toBe(12);
    expect(neighbouringSample(entries, 12, 1)).toBeNull();
  });
});

describe('the inspector', () => {
  const means = meansOf(trace);
  const judgement = judge(trace, means, 1.5);
  const alternatives: Alternatives = {
    k: 2,
    ids: Int32Array.of(1, 9, 9, 2, 3, 9, 4, 9, 5, 9),
    logprobs: Float32Array.from([1, 0, 0.5, 0.25, 1, 0, 1, 0, 1, 0], Math.log),
    ranks: Int32Array.of(1, 2, 1, 1, 1),
    pieces: [
      { id: 1, text: 'So' },
      { id: 2, text: ' wait' },
      { id: 3, text: ' 4' },
      { id: 4, text: '2' },
      { id: 5, text: '.' },
      { id: 9, text: '\n' },
    ],
    model: 'AEPO',
    differenceNats: 0,
  };

  it('says what a token is, and what else was likely', () => {
    const details = tokenDetails(trace, means, judgement, alternatives, 1)!;
    expect(details).toMatchObject({ position: 2, id: 2, windowNats: 1.5, isHigh: true, rank: 2 });
    expect(details.trigger).toMatch(/^valid/);
    expect(details.probability).toBeCloseTo(0.25, 6);
    expect(details.alternatives!.map(({ shown, isChosen }) => [shown, isChosen])).toEqual([
      ['↵', false],
      [' wait', true],
    ]);
    expect(details.restProbability).toBeCloseTo(0.25, 6);
  });

  it('knows neither rank nor alternatives before they are loaded, and no window at the end', () => {
    const details = tokenDetails(trace, means, judgement, null, 4)!;
    expect(details).toMatchObject({ rank: null, alternatives: null, windowNats: null, isHigh: false });
  });

  it('is read out in a sentence', () => {
    const text = spokenDetails(tokenDetails(trace, means, judgement, null, 1)!);
    expect(text).toBe('wait, token 2 of 5, entropy 2.00 nats, window 1.50, above the threshold, trigger word, valid');
  });

  it('writes probabilities in as few figures as matter', () => {
    expect([1, 0.1234, 0.0512, 0.00001].map(percent)).toEqual(['100.0 %', '12.3 %', '5.12 %', '< 0.01 %']);
  });

  it('copies the text of the model, cut to what was selected', () => {
    expect(selectedText(['ab', '\n', 'cd'], [0, 1], [2, 1])).toBe('b\nc');
    expect(selectedText(['abcd'], [0, 1], [0, 3])).toBe('bc');
  });
});

describe('branches', () => {
  const branch: GeneratedResponse = {
    pieces: [' hmm', ' 7'],
    ids: Int32Array.of(8, 7),
    logprobs: Float32Array.of(-1, 0),
    entropiesNats: Float32Array.of(2, 2),
    triggers: Uint8Array.of(1, 0),
    response: 'So hmm 7',
    verdict: 'wrong',
    extractedAnswer: '7',
    stopped: true,
  };

  it('are counted as whole responses: a window may begin before the fork', () => {
    const columns = branchColumns(trace, 2, branch);
    expect(columns.pieces.join('')).toBe('So wait hmm 7');
    expect([...columns.entropiesNats]).toEqual([0, 2, 2, 2]);
    // " wait" and " hmm" are both at the start of a window of 2 nats.
    expect(judge(columns, meansOf(columns), 1.9).count.positions).toEqual(Int32Array.of(1, 2));
  });

  it('name the first token that differs', () => {
    expect(divergence(trace.ids, 2, Int32Array.of(3, 4, 9))).toBe(2);
    expect(divergence(trace.ids, 2, Int32Array.of(3, 4, 5))).toBeNull();
    expect(divergence(trace.ids, 4, Int32Array.of(5, 6))).toBe(1);
  });
});

describe('words', () => {
  const word = (text: string, count: number, meanEntropyNats: number, valid: number, invalid: number): WordRow => ({
    word: text,
    count,
    meanEntropyNats,
    isTrigger: text === 'wait',
    valid,
    invalid,
  });
  const words = [word('so', 9, 0.1, 1, 8), word('wait', 4, 2, 4, 0), word('end', 3, 0, 0, 0)];
  const names = (rows: readonly WordRow[]): string[] => rows.map((row) => row.word);

  it('are sorted by any column, those without a share last', () => {
    expect(names(sortedWords(words, 'all', '', 'count', true))).toEqual(['so', 'wait', 'end']);
    expect(names(sortedWords(words, 'all', '', 'word', false))).toEqual(['end', 'so', 'wait']);
    expect(names(sortedWords(words, 'all', '', 'share', true))).toEqual(['wait', 'so', 'end']);
    expect(names(sortedWords(words, 'all', '', 'share', false))).toEqual(['so', 'wait', 'end']);
    expect(validShare(words[2]!)).toBeNaN();
  });

  it('are chosen by kind and by what they contain', () => {
    expect(names(sortedWords(words, 'triggers', '', 'count', true))).toEqual(['wait']);
    expect(names(sortedWords(words, 'others', 'E', 'count', true))).toEqual(['end']);
  });

  it('stand in the cloud when they are ever above the threshold, largest as large as can be', () => {
    const cloud = cloudOf(words, 10);
    expect(cloud.map(({ row, size }) => [row.word, size])).toEqual([
      ['so', 0.5],
      ['wait', 1],
    ]);
    expect(cloudOf(words, 1)).toHaveLength(1);
  });
});

describe('findings', () => {
  const columns = {
    countedBy: 'step' as const,
    rolloutId: Int32Array.of(1, 2, 3, 4),
    step: new Int32Array(4),
    lengthTokens: Int32Array.of(10, 20, 30, 99),
    highEntropyCount: Int32Array.of(0, 1, 2, 5),
    correct: Uint8Array.of(1, 1, 0, 1),
    bucket: Uint8Array.of(0, 0, 0, 255),
  };

  it('leave out what has no bucket, and keep the way back to the columns', () => {
    const { responses, index, fits, cells } = findingsOf(columns);
    expect(index).toEqual([0, 1, 2]);
    expect(fits.easy).toMatchObject({ responses: 3, interceptTokens: 10, slope: 10, r2: 1 });
    expect(fits.hard).toBeNull();
    expect(cells.easy!.thresholdCount).toBe(1);
    expect(fitLine(responses, 'easy', fits.easy)).toEqual([
      [0, 10],
      [2, 30],
    ]);
    expect(fitLine(responses, 'hard', fits.hard)).toEqual([]);
  });

  it('give a mean with its interval, and none where there is nothing', () => {
    const { responses } = findingsOf(columns);
    const [easy, medium] = bucketEstimates(
      responses,
      ({ correct }) => correct,
      ({ lengthTokens }) => lengthTokens,
    );
    expect(easy!.value).toBe(15);
    expect(easy!.high - 15).toBeCloseTo((1.959964 * Math.sqrt(50)) / Math.sqrt(2), 4);
    expect(medium).toBeNull();
    expect(meanEstimate([4])).toEqual({ value: 4, low: 4, high: 4 });
  });
});

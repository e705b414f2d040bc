/** Flat columns of the engine cut into responses, and the table of tokens. */
import { expect, it } from 'vitest';
import { splitResponses, tokenTable } from '#core/cli/generated.ts';
import type { Tokenizer } from '#core/model/tokenizer.ts';

const letters: Tokenizer = {
  vocabSize: 26,
  specialIds: new Set([0]),
  encode: () => new Int32Array(0),
  decode: (ids, { skipSpecial } = {}) =>
    Array.from(ids)
      .filter((id) => !(skipSpecial && id === 0))
      .map((id) => letters.decodeToken(id))
      .join(''),
  decodeToken: (id) => String.fromCharCode(97 + id),
};
const job = (promptKey: number, sampleKey: number) => ({
  promptIds: Int32Array.of(1),
  prefixIds: new Int32Array(0),
  promptKey,
  sampleKey,
});
const columns = {
  lengths: Int32Array.of(2, 0, 1),
  ids: Int32Array.of(1, 0, 2),
  logprobs: Float32Array.of(-1, -2, -0),
  entropiesNats: Float32Array.of(0.5, 1.5, 2.5),
  stopped: Uint8Array.of(1, 0, 0),
  alternativeIds: Int32Array.of(1, 3, 0, 4, 2, 5),
  alternativeLogprobs: Float32Array.of(-1, -3, -2, -4, 0, -5),
};
const jobs = [job(0, 0), job(0, 1), job(1, 0)];

it('gives every response its own tokens, figures and alternatives', () => {
  expect(splitResponses(columns, jobs, 2, letters)).toEqual([
    {
      prompt: 0,
      sample: 0,
      text: 'b',
      ids: [1, 0],
      logprobs: [-1, -2],
      entropiesNats: [0.5, 1.5],
      stopped: true,
      alternatives: [
        [
          { id: 1, logprob: -1 },
          { id: 3, logprob: -3 },
        ],
        [
          { id: 0, logprob: -2 },
          { id: 4, logprob: -4 },
        ],
      ],
    },
    { prompt: 0, sample: 1, text: '', ids: [], logprobs: [], entropiesNats: [], stopped: false, alternatives: [] },
    {
      prompt: 1,
      sample: 0,
      text: 'c',
      ids: [2],
      logprobs: [-0],
      entropiesNats: [2.5],
      stopped: false,
      alternatives: [
        [
          { id: 2, logprob: 0 },
          { id: 5, logprob: -5 },
        ],
      ],
    },
  ]);
});

it('lists tokens with probabilities and entropies', () => {
  const [first] = splitResponses(columns, jobs, 2, letters);
  expect(tokenTable(first!, letters)).toEqual([
    '#  token      p  entropy (nats)  most likely',
    '0  "b"    0.368           0.500  "b" 0.368  "d" 0.050',
    '1  "a"    0.135           1.500  "a" 0.135  "e" 0.018',
  ]);
});

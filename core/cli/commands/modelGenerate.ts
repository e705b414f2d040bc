/**
 * `ares model generate`: responses of a model, with what it thought of every token.
 *
 * Owns: the options and the two forms of the output. Sampling is the engine's; a response depends on
 * (seed, index of the prompt, index of the sample) alone.
 */
import { defineCommand } from '#core/cli/command.ts';
import { providerOption, withEngine } from '#core/cli/engine.ts';
import { type Prompt, encodePrompts, readPromptFile } from '#core/cli/promptFile.ts';
import { type GeneratedResponse, splitResponses, tokenTable } from '#core/cli/generated.ts';
import type { RolloutColumns, RolloutRequest } from '#core/engine/api.ts';
import type { Terminal } from '#core/cli/terminal.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import type { Provider } from '#core/tensor/provider.ts';
import { AresError } from '#core/util/errors.ts';

export const modelGenerate = defineCommand({
  summary: 'Generate responses, with log-probs and exact entropies of their tokens.',
  options: {
    model: { kind: 'text', value: 'DIR', help: 'Hugging Face model folder.', required: true },
    prompt: { kind: 'text', value: 'TEXT', help: 'The prompt.' },
    prompts: { kind: 'text', value: 'FILE', help: 'Instead: JSON lines with "prompt", "messages" or "ids".' },
    image: {
      kind: 'text',
      value: 'A,B',
      help: 'Images of the prompt, for a model that sees; <image> marks their places.',
    },
    plain: { kind: 'flag', help: 'Encode the text as it is, without the chat template.' },
    samples: { kind: 'number', value: 'N', help: 'Responses per prompt.', default: 1, integer: true, minimum: 1 },
    maxNewTokens: {
      kind: 'number',
      value: 'N',
      help: 'Length limit of a response.',
      default: 256,
      integer: true,
      minimum: 1,
    },
    temperature: {
      kind: 'number',
      value: 'T',
      help: 'Softmax temperature of sampling and of all figures.',
      default: 1,
      minimum: 0,
    },
    topK: {
      kind: 'number',
      value: 'K',
      help: 'Sample among the K most likely tokens; 0: all.',
      default: 0,
      integer: true,
      minimum: 0,
    },
    topP: {
      kind: 'number',
      value: 'P',
      help: 'Sample from the smallest set of tokens with mass P.',
      default: 1,
      minimum: 0,
      maximum: 1,
    },
    greedy: { kind: 'flag', help: 'Take the most likely token instead of sampling.' },
    seed: {
      kind: 'number',
      value: 'N',
      help: 'Seed of the random numbers.',
      default: 1,
      integer: true,
      minimum: 0,
      maximum: 2 ** 32 - 1,
    },
    entropy: { kind: 'flag', help: 'List every token with its probability and entropy (JSON always has them).' },
    alternatives: {
      kind: 'number',
      value: 'K',
      help: 'Also list the K most likely tokens of every position.',
      default: 0,
      integer: true,
      minimum: 0,
    },
    ...providerOption,
  },
  operands: {},
  async run({ options, json, terminal }) {
    const { model: folder, samples, temperature, topK, topP, greedy, maxNewTokens, alternatives, seed } = options;
    const prompts = await givenPrompts(options);
    const model = openModelFolder(folder);
    const encoded = await encodePrompts(model, prompts, options.plain);
    const jobs = encoded.flatMap((prompt, promptKey) =>
      Array.from({ length: samples }, (_, sampleKey) => ({
        ...prompt,
        prefixIds: new Int32Array(0),
        promptKey,
        sampleKey,
      })),
    );
    const sampling = {
      temperature,
      topK,
      topP,
      greedy,
      maxNewTokens,
      stopIds: model.stopIds,
      alternatives: Math.min(alternatives, model.config.vocabSize),
    };
    const columns = await generate(folder, { jobs, seed, step: 0, sampling }, terminal, options.provider);
    const responses = splitResponses(columns, jobs, sampling.alternatives, model.tokenizer);
    const listTokens = options.entropy || alternatives > 0;
    for (const response of responses) {
      if (json) {
        terminal.json(response);
        continue;
      }
      if (responses.length > 1) terminal.print(terminal.bold(headline(response, samples)));
      terminal.print(response.text);
      if (listTokens) terminal.print(`\n${tokenTable(response, model.tokenizer).join('\n')}`);
      if (responses.length > 1) terminal.print('');
    }
    return 0;
  },
});

async function givenPrompts({
  prompt,
  prompts,
  image,
}: Record<'prompt' | 'prompts' | 'image', string | undefined>): Promise<Prompt[]> {
  if (prompt !== undefined && prompts === undefined)
    return [{ text: prompt, ...(image === undefined ? {} : { images: image.split(',') }) }];
  if (prompt === undefined && prompts !== undefined && image === undefined) return readPromptFile(prompts);
  throw new AresError('usage', 'There must be either --prompt or --prompts.', {
    hint: 'Write --prompt "your question" (with --image FILE where it has one), or --prompts FILE with one JSON object per line.',
  });
}

function generate(
  folder: string,
  request: Omit<RolloutRequest, 'model'>,
  terminal: Terminal,
  provider: Provider | undefined,
): Promise<RolloutColumns> {
  return withEngine(async (engine) => {
    const { handle } = await engine.openModel(folder);
    const bar = terminal.progress('Generating', request.jobs.length);
    try {
      return await engine.generate({ ...request, model: handle }, ({ finishedSequences, newTokens }) =>
        bar.update(finishedSequences, `${newTokens} tokens`),
      );
    } finally {
      bar.end();
    }
  }, provider);
}

function headline({ prompt, sample, ids, stopped }: GeneratedResponse, samples: number): string {
  const which = samples > 1 ? `Prompt ${prompt + 1}, sample ${sample + 1}` : `Prompt ${prompt + 1}`;
  return `${which}: ${ids.length} tokens${stopped ? '' : ', cut off'}`;
}

/**
 * Problems made ready for a model: token ids of the prompt, and what is needed to grade.
 *
 * Owns: rendering through the chat template and encoding. Where problems come from is data/'s, what is
 * done with the responses is responses.ts.
 */
import { type ChatMessage, plainChatTemplate, renderChat } from '#core/model/chatTemplate.ts';
import type { ModelFolder } from '#core/model/modelFolder.ts';
import type { Problem } from '#core/store/problems.ts';

/** What a run needs to know about a problem. */
export interface RunProblem {
  /** Identity in the store. */
  problemId: number;
  /** Stable 32-bit identity: the prompt's coordinate of the random numbers. */
  key: number;
  id: string;
  prompt: string | readonly ChatMessage[];
  /** Gold answer, or a solution that marks it. */
  answer: string;
  /** The source s of AdaCS. */
  source: string;
}

export interface PreparedProblem extends RunProblem {
  promptIds: Int32Array;
}

/** What a run needs of a problem as the store keeps it. */
export function fromStored({ problemId, key, id, prompt, answer, source }: Problem): RunProblem {
  // Sound: the importer stored a text or a list of messages.
  return { problemId, key, id, prompt: prompt as RunProblem['prompt'], answer, source };
}

type Prompted = Pick<RunProblem, 'prompt'>;

/**
 * Renders and encodes. Models without a chat template (base models) get the plain text of the prompt.
 */
export function prepareProblems<P extends Prompted>(
  model: ModelFolder,
  problems: readonly P[],
): (P & { promptIds: Int32Array })[] {
  const template = model.chatTemplate ?? plainChatTemplate();
  return problems.map((problem) => {
    const messages: readonly ChatMessage[] =
      typeof problem.prompt === 'string' ? [{ role: 'user', content: problem.prompt }] : problem.prompt;
    return {
      ...problem,
      promptIds: model.tokenizer.encode(renderChat(template, messages, { addGenerationPrompt: true })),
    };
  });
}

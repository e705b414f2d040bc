/**
 * Responses from a model on a server: the source of a run that labels with it.
 *
 * Owns: which samples one request asks for, keeping as many requests in flight as the server bears, handing
 * every response over as it comes, and grading it. Repeating and slowing down are client.ts; storing, and that
 * nothing is asked for twice, is runs/collectStage.ts.
 */
import { gradeResponses } from '#core/grading/symbolic.ts';
import type { ChatMessage } from '#core/model/chatTemplate.ts';
import { machineUse } from '#core/runs/machineMetrics.ts';
import type { RunProblem } from '#core/runs/prompts.ts';
import type { Recipe } from '#core/runs/recipe.ts';
import type { ResponseSource, SourceRequest, WantedSample } from '#core/runs/responseSource.ts';
import type { NewRollout } from '#core/store/rollouts.ts';
import { AresError, toAresError } from '#core/util/errors.ts';
import { tokenUniform } from '#core/util/rng.ts';
import { type ChatChoice, chatBody, readCompletion } from './chat.ts';
import { type Client, refusal } from './client.ts';
import type { Capabilities } from './endpoint.ts';
import { type Clock, systemClock } from './gate.ts';

/** Requests in flight when a run pauses get so long to end; their answers may have been paid for. */
const GRACE_MS = 30_000;
/** As many responses in one request, at most. */
const MAX_CHOICES = 8;
/** A server that answers nothing and refuses so many problems refuses the run, not the problems. */
const MAX_REFUSED_AT_FIRST = 8;
/** Of a text whose tokens nobody counted. */
const CHARACTERS_PER_TOKEN = 4;
const MAX_SERVER_SEED = 0x7fff_ffff;

export interface Served {
  client: Client;
  key: string | null;
  model: string;
  capabilities: Capabilities;
  decoding: Recipe['label'];
  seed: number;
  /** The `step` coordinate of the seeds that are sent. */
  randomStep: number;
  clock?: Clock;
}

/** Samples of one problem that go into one request. */
interface Task<P extends RunProblem> {
  problem: P;
  samples: readonly number[];
}

export function servedResponses<P extends RunProblem>(served: Served): ResponseSource<P> {
  let answered = 0;
  let refused = 0;
  return {
    use: () => machineUse(null),
    async *respond({ wanted, onFinished, onRefused, stopRequested }: SourceRequest<P>) {
      const { client, clock = systemClock } = served;
      const tasks = tasksOf(wanted, choicesPerRequest(served.capabilities));
      const abort = new AbortController();
      const ready: NewRollout[][] = [];
      let failure: AresError | null = null;
      let finished = 0;
      let wake = (): void => undefined;

      const isOver = (): boolean => failure !== null || stopRequested() || abort.signal.aborted;
      const work = async (): Promise<void> => {
        for (
          let task = isOver() ? undefined : tasks.shift();
          task !== undefined;
          task = isOver() ? undefined : tasks.shift()
        ) {
          try {
            const answer = await answerTo(served, task, abort.signal);
            if (answer.kind === 'refused') {
              refused++;
              if (answered === 0 && refused >= MAX_REFUSED_AT_FIRST) throw refusal(client.endpoint, answer.error);
              onRefused(task.problem, answer.error.message);
            } else {
              answered++;
              finished += answer.responses.length;
              onFinished(finished);
              ready.push(answer.responses);
              // Fewer than asked for: the others are asked for again.
              const rest = task.samples.slice(answer.responses.length);
              if (rest.length > 0) tasks.unshift({ problem: task.problem, samples: rest });
            }
          } catch (thrown) {
            const error = toAresError(thrown);
            if (error.code !== 'interrupted') failure ??= error;
          }
          wake();
        }
      };

      let working = Math.min(client.endpoint.concurrency, tasks.length);
      const workers = Array.from({ length: working }, () =>
        work().finally(() => {
          working--;
          wake();
        }),
      );
      let graceBegun = false;
      const endGrace = new AbortController();
      try {
        for (;;) {
          if (working === 0 && ready.length === 0) break;
          if (ready.length > 0) {
            yield ready.splice(0).flat();
            continue;
          }
          if (isOver() && !graceBegun) {
            graceBegun = true;
            void clock.wait(GRACE_MS, endGrace.signal).then(() => abort.abort());
          }
          await new Promise<void>((resolve) => {
            wake = resolve;
            // A stop is asked for from outside: looked for now and then.
            void clock.wait(STOP_LOOK_MS, endGrace.signal).then(resolve);
          });
        }
      } finally {
        abort.abort();
        endGrace.abort();
        await Promise.all(workers);
      }
      if (failure !== null) throw failure as AresError;
    },
  };
}

const STOP_LOOK_MS = 500;

/** Several only where the length of each is known: servers count the tokens of all together. */
function choicesPerRequest({ choices, topLogprobs }: Capabilities): number {
  return choices && topLogprobs > 0 ? MAX_CHOICES : 1;
}

function tasksOf<P extends RunProblem>(wanted: readonly WantedSample<P>[], most: number): Task<P>[] {
  const tasks: { problem: P; samples: number[] }[] = [];
  for (const { problem, sample } of wanted) {
    const last = tasks.at(-1);
    if (last !== undefined && last.problem === problem && last.samples.length < most) last.samples.push(sample);
    else tasks.push({ problem, samples: [sample] });
  }
  return tasks;
}

type Answer =
  | { kind: 'responses'; responses: NewRollout[] }
  | Extract<Awaited<ReturnType<Client['post']>>, { kind: 'refused' }>;

async function answerTo<P extends RunProblem>(
  { client, key, model, capabilities, decoding, seed, randomStep }: Served,
  { problem, samples }: Task<P>,
  signal: AbortSignal,
): Promise<Answer> {
  const uniform = tokenUniform(seed, randomStep, problem.key, samples[0]!, 0);
  const body = chatBody(
    {
      model,
      messages: messagesOf(problem),
      temperature: decoding.temperature,
      topP: decoding.topP,
      maxNewTokens: decoding.maxNewTokens,
      choices: samples.length,
      seed: Math.floor(uniform * MAX_SERVER_SEED),
    },
    capabilities,
  );
  const reply = await client.post('chat/completions', body, signal);
  if (reply.kind === 'refused') return reply;
  const { choices, completionTokens } = readCompletion(reply.value, key);
  if (choices.length === 0) {
    throw new AresError('endpoint', 'The server sent an answer without a message in it.', {
      where: client.endpoint.url,
      hint: 'Probe the endpoint again: this model may not be made for chat.',
    });
  }
  const used = choices.slice(0, samples.length);
  const grades = await gradeResponses(used.map(({ text }) => ({ gold: problem.answer, response: text })));
  return {
    kind: 'responses',
    responses: used.map((choice, i) => ({
      problemId: problem.problemId,
      sample: samples[i]!,
      parentSample: null,
      forkPosition: null,
      verdict: grades[i]!.verdict,
      extractedAnswer: grades[i]!.extracted,
      response: choice.text,
      lengthTokens: lengthOf(choice, choices.length === 1 ? completionTokens : null),
      truncated: choice.truncated,
      highEntropyCount: null,
      bucket: null,
      rewardParts: {},
      advantage: null,
      tokens: choice.tokens,
    })),
  };
}

function messagesOf({ prompt }: RunProblem): readonly ChatMessage[] {
  return typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
}

/** As the server counts it, else the tokens it listed, else an estimate from the text. */
function lengthOf({ text, tokens }: ChatChoice, counted: number | null): number {
  return counted ?? tokens?.pieces.length ?? Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}

/**
 * `ares model forward`: a batch through a model, tensors in and tensors out, for comparison with other
 * implementations.
 *
 * Owns: which outputs are written under which names (those of reference files). The graphs are the
 * ones training uses, in this very process: there is no host that a crash could take down.
 */
import { defineCommand } from '#core/cli/command.ts';
import { providerOption, threads } from '#core/cli/engine.ts';
import { readBatch, readPolicyLoss, readSupervisedLoss } from '#core/cli/forwardInputs.ts';
import { requireWritable } from '#core/cli/outputFile.ts';
import { ReferenceTensors } from '#core/cli/referenceTensors.ts';
import { moduleName } from '#core/model/weights.ts';
import { globalNorm } from '#core/engine/adamw.ts';
import { type RawBatch, type RawGradients, forwardRaw, gradientsRaw } from '#core/engine/forward.ts';
import { type ModelState, loadModel, trainedSpecs } from '#core/engine/modelState.ts';
import { SessionCache } from '#core/engine/sessionCache.ts';
import { PEFT_PREFIX, loadAdapter } from '#core/model/adapterFolder.ts';
import { openModelFolder } from '#core/model/modelFolder.ts';
import { type TensorToWrite, writeSafetensors } from '#core/model/safetensors.ts';

/** What a loss adds to the outputs, and what is said about it. */
interface LossOutputs {
  tensors: TensorToWrite[];
  /** Scalars by the name of the summary. */
  summary: Record<string, number>;
  gradients: RawGradients['gradients'];
  /** Before the name of a parameter. */
  gradientPrefix: string;
}

export const modelForward = defineCommand({
  summary: 'Run a batch of token ids through a model: logits, entropies, losses, gradients.',
  options: {
    model: { kind: 'text', value: 'DIR', help: 'Hugging Face model folder.', required: true },
    adapter: {
      kind: 'text',
      value: 'DIR',
      help: 'PEFT folder of a LoRA adapter on it; gradients are then of the adapter.',
    },
    inputs: {
      kind: 'text',
      value: 'FILE',
      help: 'safetensors file with input_ids and the tensors of the loss.',
      required: true,
    },
    out: { kind: 'text', value: 'FILE', help: 'safetensors file to write.', required: true },
    loss: { kind: 'choice', choices: ['sft', 'rl'], help: 'Compute this loss too; with --grad, sft unless given.' },
    grad: { kind: 'flag', help: 'Write the gradient of the loss for every parameter.' },
    clipLow: {
      kind: 'number',
      value: 'X',
      help: 'rl: ratios below 1 − X are clipped.',
      default: 0.2,
      minimum: 0,
      maximum: 1,
    },
    clipHigh: { kind: 'number', value: 'X', help: 'rl: ratios above 1 + X are clipped.', default: 0.3, minimum: 0 },
    dualClip: {
      kind: 'number',
      value: 'X',
      help: 'rl: cap of the loss for negative advantages.',
      default: 3,
      minimum: 1,
    },
    klCoef: { kind: 'number', value: 'X', help: 'rl: weight of the KL loss.', default: 0.01, minimum: 0 },
    ...providerOption,
  },
  operands: {},
  async run({ options, json, terminal }) {
    requireWritable(options.out);
    const inputs = new ReferenceTensors(options.inputs);
    // Before the weights of its base, which are large: an adapter for another base is refused at once.
    const adapter = options.adapter === undefined ? null : loadAdapter(options.adapter, openModelFolder(options.model));
    const state = loadModel(options.model);
    state.adapter = adapter;
    const batch = readBatch(inputs, state.config);
    const sessions = new SessionCache(threads, options.provider);
    try {
      const lossKind = options.loss ?? (options.grad ? 'sft' : undefined);
      // Before the forward pass: inputs that do not fit are refused before anything is computed.
      const computeLoss = lossKind === undefined ? null : prepareLoss(lossKind);
      const { logits, entropiesNats } = await forwardRaw(sessions, state, batch);
      const loss = computeLoss === null ? null : await computeLoss();
      const tensors: TensorToWrite[] = [
        { name: 'logits', shape: [batch.batch, batch.length, state.config.vocabSize], data: logits },
        { name: 'entropy_nats', shape: [batch.batch, batch.length], data: entropiesNats },
        ...(loss === null ? [] : loss.tensors),
        ...(loss !== null && options.grad ? gradientTensors(state, loss) : []),
      ];
      writeSafetensors(options.out, tensors);
      const figures = loss === null ? {} : { ...loss.summary, gradientNorm: globalNorm(loss.gradients) };
      if (json) {
        const shapes = Object.fromEntries(tensors.map(({ name, shape }) => [name, shape]));
        terminal.json({ out: options.out, ...figures, shapes });
      } else {
        for (const [name, value] of Object.entries(figures)) terminal.print(`${name}: ${value}`);
        terminal.print(`${tensors.length} tensors written to ${options.out}`);
      }
      return 0;
    } finally {
      await sessions.close();
    }

    function prepareLoss(kind: 'sft' | 'rl'): () => Promise<LossOutputs> {
      if (kind === 'sft') {
        const loss = readSupervisedLoss(inputs, batch, state.config);
        return async () => supervisedOutputs(await gradientsRaw(sessions, state, batch, loss));
      }
      const { clipLow, clipHigh, dualClip, klCoef } = options;
      const { loss, meanKl } = readPolicyLoss(inputs, batch, { clipLow, clipHigh, dualClip, klCoefficient: klCoef });
      return async () => policyOutputs(await gradientsRaw(sessions, state, batch, loss), batch, meanKl);
    }
  },
});

function supervisedOutputs({ loss, gradients }: RawGradients): LossOutputs {
  return { tensors: [scalar('loss', loss)], summary: { loss }, gradients, gradientPrefix: 'grad.' };
}

function policyOutputs(
  { loss, klLoss, logprobs, gradients }: RawGradients,
  { batch, length }: RawBatch,
  meanKl: (logprobs: Float32Array) => number,
): LossOutputs {
  const pgLoss = loss - klLoss;
  const kl = meanKl(logprobs);
  return {
    tensors: [
      { name: 'rl.logprob', shape: [batch, length - 1], data: logprobs },
      scalar('rl.loss', loss),
      scalar('rl.pg_loss', pgLoss),
      scalar('rl.kl_loss', kl),
    ],
    summary: { loss, pgLoss, klLoss: kl },
    gradients,
    gradientPrefix: 'rl.grad.',
  };
}

function scalar(name: string, value: number): TensorToWrite {
  return { name, shape: [], data: Float32Array.of(value) };
}

function gradientTensors(state: ModelState, { gradients, gradientPrefix }: LossOutputs): TensorToWrite[] {
  const isMultimodal = state.config.multimodal !== null;
  const nameOf = (name: string) => {
    if (state.adapter !== null) return PEFT_PREFIX + name;
    return isMultimodal ? moduleName(name) : name;
  };
  return [...trainedSpecs({ ...state, trainsVision: isMultimodal })].flatMap(({ name, shape }) => {
    const data = gradients.get(name);
    return data === undefined ? [] : [{ name: gradientPrefix + nameOf(name), shape, data }];
  });
}

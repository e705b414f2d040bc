"""The workloads of `ares bench` on PyTorch eager, transformers and TRL, one JSON line on standard output.

Owns: the same shapes, counts and optimizer on the peers, timed the same way (a warm-up round, then
--rounds of all workloads interleaved). It is an instrument of tests/bench/beside.ts, not part of the
product; it needs torch, transformers and trl, and no network.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, TrainerCallback

VOCABULARY = 4096


def random_model():
    torch.manual_seed(1)
    config = LlamaConfig(
        hidden_size=256, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=4, intermediate_size=688,
        vocab_size=VOCABULARY, max_position_embeddings=1024, rms_norm_eps=1e-6, tie_word_embeddings=False,
        bos_token_id=None, eos_token_id=None, pad_token_id=0,
    )
    return LlamaForCausalLM(config)


def matmul_gflops():
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    a @ b
    rates = []
    for _ in range(3):
        start = time.perf_counter()
        a @ b
        rates.append(2 * 2048**3 / (time.perf_counter() - start) / 1e9)
    return statistics.median(rates)


def train_workload():
    """One clipped AdamW step on 16 sequences of 128 response tokens after one prompt token."""
    model = random_model().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.999), weight_decay=0.01)
    ids = torch.randint(0, VOCABULARY, (16, 129))

    def step():
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), ids[:, 1:].reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def rollout_workload(count, new_tokens):
    """Plain sampling, as generate does it by default: unlike ours it returns no log-probs and no entropies."""
    model = random_model().eval()
    prompts = torch.arange(count).reshape(count, 1)

    def rollout():
        with torch.no_grad():
            model.generate(
                input_ids=prompts, attention_mask=torch.ones_like(prompts), do_sample=True, temperature=1.0, top_k=0,
                top_p=1.0, min_new_tokens=new_tokens, max_new_tokens=new_tokens,
            )

    return rollout


def tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {f"w{i}": i for i in range(VOCABULARY)}
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token="w1"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="w0", eos_token="w2", unk_token="w1")


def grpo_step_times(rounds):
    """Milliseconds of `rounds` whole steps of TRL's GRPOTrainer after one warm-up step, KL on."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    generator = torch.Generator().manual_seed(1)
    words = torch.randint(3, VOCABULARY, (8 * (rounds + 2), 32), generator=generator)
    prompts = [" ".join(f"w{i}" for i in row.tolist()) for row in words]
    starts = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *_, **__):
            starts.append(time.perf_counter())

        def on_train_end(self, *_, **__):
            starts.append(time.perf_counter())

    def reward(completions, **_):
        return [float(len(text) and int(text.split()[0][1:]) % 2) for text in completions]

    with tempfile.TemporaryDirectory() as folder:
        # The reference model is loaded from where the policy came from.
        checkpoint = os.path.join(folder, "model")
        random_model().save_pretrained(checkpoint)
        trainer = GRPOTrainer(
            model=LlamaForCausalLM.from_pretrained(checkpoint),
            reward_funcs=reward,
            args=GRPOConfig(
                output_dir=folder, per_device_train_batch_size=64, num_generations=8, steps_per_generation=1,
                num_iterations=1, max_completion_length=64, beta=0.04, learning_rate=1e-5, max_steps=rounds + 1,
                use_cpu=True, bf16=False, fp16=False, gradient_checkpointing=False, temperature=1.0, report_to=[],
                logging_strategy="no", save_strategy="no", disable_tqdm=True,
                generation_kwargs={"min_new_tokens": 64},
            ),
            train_dataset=Dataset.from_dict({"prompt": prompts}),
            processing_class=tokenizer(),
            callbacks=[Clock()],
        )
        trainer.train()
    return [1e3 * (after - before) for before, after in zip(starts[1:], starts[2:])]


def timed(work):
    start = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    train, long, wide = train_workload(), rollout_workload(16, 256), rollout_workload(64, 64)
    samples = {"matmulGflops": [], "trainStepMs": [], "rollouts16x256Ms": [], "rollouts64x64Ms": []}
    for round_number in range(-1, arguments.rounds):
        measured = {
            "matmulGflops": matmul_gflops(),
            "trainStepMs": timed(train),
            "rollouts16x256Ms": timed(long),
            "rollouts64x64Ms": timed(wide),
        }
        if round_number >= 0:
            for name, value in measured.items():
                samples[name].append(value)
    # The trainer prints its own summary; standard output carries the result alone.
    with contextlib.redirect_stdout(sys.stderr):
        samples["grpoStepMs"] = grpo_step_times(arguments.rounds)

    import transformers
    import trl

    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "trl": trl.__version__}
    print(json.dumps({"versions": versions, "threads": arguments.threads, **samples}))


main()

/**
 * `ares model pull`: a model from the Hugging Face hub as a folder here.
 *
 * Owns: the options and where the folder goes. The download is remote/pullModel.ts.
 */
import { resolve } from 'node:path';
import { defineCommand } from '#core/cli/command.ts';
import { interruptible } from '#core/cli/interruptible.ts';
import { hubAccess } from '#core/remote/hubAccess.ts';
import { pullModel } from '#core/remote/pullModel.ts';

export const modelPull = defineCommand({
  summary: 'Download a model from the Hugging Face hub; goes on where an earlier attempt was cut.',
  options: {
    revision: { kind: 'text', value: 'NAME', help: 'Branch, tag or commit.', default: 'main' },
    to: { kind: 'text', value: 'DIR', help: 'Folder to make; the name of the model, here, unless given.' },
  },
  operands: { name: { help: 'organisation/name. HF_TOKEN opens gated models, HF_ENDPOINT names another hub.' } },
  async run({ options: { revision, to }, operands: { name }, json, terminal }) {
    const target = resolve(to ?? name.split('/').at(-1)!);
    const bar = terminal.progress('Downloading', 100);
    const pulled = await interruptible((signal) =>
      pullModel(
        { name, revision, target, ...hubAccess() },
        { signal, progress: (done, total) => bar.update(Math.floor((100 * done) / total), ofBytes(done, total)) },
      ),
    ).finally(() => bar.end());
    if (json) terminal.json(pulled);
    else {
      terminal.print(`${pulled.folder}`);
      terminal.note(`${pulled.files} files, ${(pulled.sizeBytes / 1e6).toFixed(1)} MB, of commit ${pulled.commit}`);
    }
    return 0;
  },
});

function ofBytes(doneBytes: number, totalBytes: number): string {
  return `${(doneBytes / 1e6).toFixed(1)} of ${(totalBytes / 1e6).toFixed(1)} MB`;
}

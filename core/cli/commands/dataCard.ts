/**
 * `ares data card`: what a dataset is, where it comes from and what was done to it, as a document with hashes.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { usageError } from '#core/cli/arguments.ts';
import { careOperands, projectOption, watched } from '#core/cli/careOptions.ts';
import { defineCommand } from '#core/cli/command.ts';
import { cardMarkdown } from '#core/data/care/card.ts';
import { withCareSession, writePools } from '#core/host/careSession.ts';
import { dataCard as cardOf } from '#core/host/dataCard.ts';

export const dataCard = defineCommand({
  summary: 'Write the card of a dataset: contents, files with hashes, difficulty, duplicates, care taken.',
  options: {
    ...projectOption,
    to: {
      kind: 'text',
      value: 'DIR',
      help: 'Folder for data-card.md and data-card.json; must not exist. Printed unless given.',
    },
  },
  operands: careOperands,
  async run({ options: { project, to }, operands: { data }, json, terminal }) {
    if (to !== undefined && existsSync(to))
      throw usageError('data card', `${to} already exists.`, 'Name another folder.');
    await watched('read', terminal, (control) =>
      withCareSession({ data, project, against: [] }, control, async (session) => {
        const card = await cardOf(session.store, session.datasetId, Date.now());
        const markdown = cardMarkdown(card);
        if (to !== undefined) {
          const texts = { 'data-card.md': markdown, 'data-card.json': `${JSON.stringify(card, null, 2)}\n` };
          writePools(session, [], texts, resolve(to));
        }
        if (json) terminal.json(card);
        else if (to === undefined) terminal.print(markdown.trimEnd());
        else terminal.print(`card: ${to}`);
      }),
    );
    return 0;
  },
});

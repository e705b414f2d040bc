// What must be loaded before anything is shown stays small, whatever rooms are added.
import { expect, it } from 'vitest';
import { rendererBuild, upToDate } from '#core/cli/builds.ts';
import { eagerScript } from './eagerScript.ts';

const MOST_BYTES = 600_000;

it('loads less than 600 kB of script before it shows anything', async () => {
  const { files, bytes } = eagerScript(await upToDate(rendererBuild, () => undefined));
  expect(files.length).toBeGreaterThan(1);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(MOST_BYTES);
}, 240_000);

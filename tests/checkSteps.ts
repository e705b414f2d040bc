/**
 * The steps of `npm run check`, as data, so that a test can prove that a step notices what it is there for.
 */
export interface CheckStep {
  name: string;
  /** A file that Node runs, relative to the root of the project. */
  file: string;
  args: readonly string[];
}

export const typeStep: CheckStep = { name: 'types', file: 'node_modules/typescript/bin/tsc', args: ['-p', '.'] };

export const rendererTypeStep: CheckStep = {
  name: 'types of the front end',
  file: 'node_modules/svelte-check/bin/svelte-check',
  args: ['--workspace', 'renderer', '--tsconfig', 'tsconfig.json', '--fail-on-warnings'],
};

export const checkSteps: readonly CheckStep[] = [
  { name: 'format', file: 'node_modules/oxfmt/bin/oxfmt', args: ['--check', '.'] },
  { name: 'lint', file: 'node_modules/oxlint/bin/oxlint', args: [] },
  typeStep,
  rendererTypeStep,
  // They run functions in the page, so they know the names of both.
  { ...typeStep, name: 'types of the tests in the window', args: ['-p', 'tests/e2e/window'] },
  { name: 'unit tests', file: 'tests/run.ts', args: ['tests/unit/'] },
];

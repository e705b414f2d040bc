/**
 * Lint rules. The one that matters most here: the rooms of core/ import in one direction only
 * (a room may import those above it in `rooms`), always by the #core/ alias, never by `../`.
 */
import { type OxlintOverride, defineConfig } from 'oxlint';

/** From the ground up; a room may import from itself and from the rooms before it. */
export const rooms = [
  'util',
  'tensor',
  'model',
  'engine',
  'grading',
  'data',
  'ares',
  'store',
  'runs',
  'compare',
  'sample',
  'remote',
  'contract',
  'host',
  'cli',
];

const relativeParent = {
  group: ['../*', '..'],
  message: 'Import another folder by its #core/ alias, so that the direction rule can see it.',
};
const runtime = {
  group: ['onnxruntime-node', 'onnxruntime-common'],
  message: 'Only core/tensor/runtime.ts may import onnxruntime.',
};
const database = { group: ['better-sqlite3'], message: 'Only core/store/ may import better-sqlite3.' };

export default defineConfig({
  plugins: ['typescript', 'import', 'unicorn', 'oxc'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'warn' },
  env: { node: true, es2024: true },
  rules: {
    'import/no-cycle': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/no-non-null-assertion': 'off',
    'no-await-in-loop': 'off',
    'no-shadow': 'off',
    'no-underscore-dangle': 'off',
    'import/no-unassigned-import': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/no-array-reverse': 'off',
    'unicorn/prefer-add-event-listener': 'off',
    'unicorn/require-module-specifiers': 'off',
    'unicorn/prefer-set-has': 'off',
    // It knows only windows; ports of threads and processes have no origin.
    'unicorn/require-post-message-target-origin': 'off',
    'oxc/no-map-spread': 'off',
    'no-restricted-imports': ['error', { patterns: [relativeParent, runtime, database] }],
  },
  overrides: [
    ...rooms.map((room, index): OxlintOverride => ({
      files: [`core/${room}/**`],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              relativeParent,
              ...(room === 'tensor' ? [] : [runtime]),
              ...(room === 'store' ? [] : [database]),
              ...rooms.slice(index + 1).map((later) => ({
                group: [`#core/${later}/*`, `#core/${later}/**`],
                message: `core/${room} may not import core/${later}: imports go upwards in the list of rooms only.`,
              })),
            ],
          },
        ],
      },
    })),
    { files: ['tests/**'], rules: { 'no-restricted-imports': 'off', 'import/no-cycle': 'off' } },
  ],
  ignorePatterns: ['node_modules', 'resources', '**/*.mjs'],
});

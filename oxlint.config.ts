/**
 * Lint rules. The one that matters most here: the rooms of core/ import in one direction only
 * (a room may import those above it in `rooms`), always by the #core/ alias, never by `../`; and the
 * front end has tiers: the kit knows nothing of the program, rooms do not know each other, and of core
 * it uses what runs in a browser.
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

const forbid = (group: string[], message: string) => ({ group, message });
const browserOnly = [
  relativeParent,
  forbid(['node:*', 'electron', 'ws', 'vite'], 'The front end knows neither Node nor the shell it runs in.'),
  forbid(
    rooms.filter((room) => !['contract', 'ares', 'compare', 'util'].includes(room)).map((room) => `#core/${room}/**`),
    'The front end uses the contract and pure functions of ares, compare and util, nothing else of core.',
  ),
];
/** What the tiers of renderer/ may not import, beside what the whole of it may not. */
const tiers: Record<string, ReturnType<typeof forbid>[]> = {
  kit: [
    forbid(
      ['#core/**', '#renderer/app/**', '#renderer/rooms/**', '#renderer/transport/**'],
      'The kit knows nothing of the program: give it what it shows as props.',
    ),
  ],
  transport: [
    forbid(
      ['#renderer/**', '#core/ares/**', '#core/compare/**'],
      'A transport knows the contract and nothing it carries.',
    ),
  ],
  app: [forbid(['#renderer/rooms/**'], 'Rooms are loaded by app/rooms.ts, never imported.')],
  problems: [forbid(['#renderer/rooms/**'], 'What rooms share does not know them.')],
  rooms: [forbid(['#renderer/rooms/**', '#renderer/transport/**'], 'A room imports its own files, app/ and kit/.')],
};

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
    {
      files: ['renderer/**'],
      env: { browser: true, es2024: true, node: false },
      rules: { 'no-restricted-imports': ['error', { patterns: browserOnly }] },
    },
    ...Object.entries(tiers).map(([tier, patterns]): OxlintOverride => ({
      files: [`renderer/${tier}/**`],
      rules: { 'no-restricted-imports': ['error', { patterns: [...browserOnly, ...patterns] }] },
    })),
    { files: ['renderer/*.config.{ts,js}'], rules: { 'no-restricted-imports': 'off' } },
    { files: ['tests/**'], rules: { 'no-restricted-imports': 'off', 'import/no-cycle': 'off' } },
  ],
  ignorePatterns: ['node_modules', 'dist', 'resources', '**/*.mjs'],
});

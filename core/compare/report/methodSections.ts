/**
 * The sections that say where the numbers come from: difficulty, curation, reward, deviations from the
 * published method, measurement, recipe.
 *
 * Owns: their wording. Nothing is computed here.
 */
import { curationChart, difficultyHistogram } from '#core/compare/charts/difficultyCharts.ts';
import { type RewardShape, rewardChart } from '#core/compare/charts/rewardChart.ts';
import { formatDuration, formatNumber } from '#core/compare/format.ts';
import { element, escapeMarkup } from '#core/compare/markup.ts';
import { decodingText, populationOf } from '#core/compare/resultTable.ts';
import type {
  CurationSection,
  DeviationSection,
  DifficultySection,
  RecipeDifferenceSection,
  ReportData,
  RunFacts,
} from './data.ts';
import { disclosure, facts, figure, paragraph, proseTable, section } from './page.ts';

export function runFacts(run: RunFacts): string {
  const { recipeName, recipeHash, seed, startedAt, finishedAt } = run;
  return facts([
    ['Recipe', [recipeName, recipeHash].filter((part) => part !== undefined).join(', ') || undefined],
    ['Seed', seed === undefined ? undefined : String(seed)],
    ['Started', startedAt === undefined ? undefined : timeText(startedAt)],
    ['Finished', finishedAt === undefined ? undefined : timeText(finishedAt) + elapsedText(startedAt, finishedAt)],
    ['Machine', run.machine],
    [
      'Versions',
      Object.entries(run.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
    [
      'Time spent',
      run.times.length === 0
        ? undefined
        : run.times.map(({ stage, durationMs }) => `${stage} ${formatDuration(durationMs)}`).join(', '),
    ],
  ]);
}

function elapsedText(startedAt: string | undefined, finishedAt: string): string {
  const elapsedMs = Date.parse(finishedAt) - Date.parse(startedAt ?? '');
  return Number.isFinite(elapsedMs) ? `, after ${formatDuration(elapsedMs)}` : '';
}

/** `2026-01-31 14:05 UTC`; the text itself where it is not a date. */
function timeText(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

export function difficultySection({ brackets, fewestSamples, model, grader, temperature }: DifficultySection): string {
  const total = brackets.reduce((sum, { problems }) => sum + problems, 0);
  const samples = brackets.length - 1;
  const times = fewestSamples === samples ? String(samples) : `${fewestSamples} to ${samples}`;
  return section(
    'How hard the problems are',
    figure(
      difficultyHistogram(brackets, {
        title: 'Problems by pass rate',
        description: 'Number of problems by how many of their sampled answers were right, coloured by bucket.',
        widthPx: 620,
      }),
      `${formatNumber(total, 'count')} problems, each answered ${times} times by ${model} at temperature ` +
        `${temperature}, graded by ${grader}. Difficulty is this model’s, and from right or wrong alone.`,
    ),
  );
}

export function curationSection({ points, warnings }: CurationSection): string {
  const chosen = points.reduce((sum, point) => sum + (point.chosen?.traces ?? 0), 0);
  const pool = points.reduce((sum, point) => sum + (point.pool?.traces ?? 0), 0);
  return section(
    'Cold-start data',
    figure(
      curationChart(points, {
        title: 'Trace length by difficulty: pool, chosen, target',
        description: 'Median and quartiles of trace length per pass rate, for the pool and for the chosen traces.',
        widthPx: 680,
      }),
      `${formatNumber(chosen, 'count')} of ${formatNumber(pool, 'count')} traces chosen. ` +
        'The target runs from the length of solved problems to that of unsolved ones; traces nearest to it are taken, ' +
        'the same number at every pass rate as far as there are enough.',
    ),
    ...(warnings.length === 0 ? [] : [paragraph(warnings.join(' '), 'warning')]),
  );
}

export function rewardSection(shapes: readonly RewardShape[]): string {
  return section(
    'The reward',
    figure(
      rewardChart(shapes),
      'Reward of one response by its number of high-entropy tokens, for right (solid) and wrong (dashed) answers, ' +
        'at the targets the run ended with.',
    ),
  );
}

export function deviationSection({ methods, settings }: DeviationSection): string {
  return section(
    'Where this differs from the published method',
    ...methods.flatMap(({ title, source, sentences }) => [
      element('h3', {}, escapeMarkup(title), ' ', element('span', { class: 'quiet' }, escapeMarkup(source))),
      sentences.length === 0
        ? paragraph('As published.')
        : element('ul', {}, ...sentences.map((sentence) => element('li', {}, escapeMarkup(sentence)))),
    ]),
    ...(settings.length === 0
      ? []
      : [
          element('h3', {}, 'Settings of the recipe'),
          proseTable(
            ['setting', 'named method', 'here'],
            settings.map(({ setting, named, here }) => [setting, named, here]),
          ),
        ]),
  );
}

export function recipeDifferenceSection({ runs, rows }: RecipeDifferenceSection): string {
  return section(
    'In what the recipes differ',
    proseTable(
      ['setting', ...runs],
      rows.map(({ path, values }) => [path, ...values]),
    ),
  );
}

export function measurementSection({ comparison, grader, curves, measurement = [] }: ReportData): string {
  if (comparison === undefined) return '';
  const { evaluations, resamples, seed, tests } = comparison;
  const sources = [...new Set(evaluations[0]!.problems.map((problem) => problem.source))];
  const seeds = [...new Set((curves ?? []).map((curve) => curve.seed))];
  return section(
    'How this was measured',
    facts([
      ['Problems', `${populationOf(comparison)}, from ${sources.join(', ')}`],
      ...evaluations.map(({ label, decoding }) => [label, decodingText(decoding)] as const),
      ['Grader', grader],
      ['Accuracy', 'share of right answers per problem, then mean over problems; no answer counts as wrong'],
      ['Length', 'tokens of the response, all responses, then mean per problem and over problems'],
      [
        'Intervals',
        `95 %, bootstrap over problems, ${formatNumber(resamples, 'count')} resamples, seed ${seed}; Wilson where ` +
          'each problem has one graded sample or all problems agree',
      ],
      [
        'Tests',
        tests === 0
          ? undefined
          : `on the same problems, two-sided, Holm-corrected over ${tests}; shown means p < .05 and an interval without zero`,
      ],
      [
        'Training seeds',
        seeds.length === 0
          ? undefined
          : `${seeds.join(', ')}. The intervals above do not cover what another seed would have given.`,
      ],
      ...measurement,
    ]),
  );
}

export function recipeSection(recipe: string, hash: string | undefined): string {
  const summary = `The recipe as it was run${hash === undefined ? '' : `, ${hash}`}`;
  return section('Recipe', disclosure(summary, element('pre', {}, escapeMarkup(recipe))));
}

/**
 * The sections that say what came out: table, verdict, intervals, flips, token budget, and the relation
 * of high-entropy tokens to length.
 *
 * Owns: their order and captions. Every number comes from the comparison.
 */
import { buckets } from '#core/ares/options.ts';
import { bucketColours } from '#core/compare/charts/difficultyCharts.ts';
import { type Drawing, arrange } from '#core/compare/charts/drawing.ts';
import { extremes } from '#core/compare/charts/lineChart.ts';
import { scatterChart } from '#core/compare/charts/scatterChart.ts';
import type { ColourOf } from '#core/compare/charts/theme.ts';
import { type Comparison, labelOf, overallOf, summaryOf } from '#core/compare/comparison.ts';
import {
  type ChartedComparison,
  budgetDrawing,
  intervalDrawing,
  radarDrawing,
  stageDrawing,
} from '#core/compare/comparisonCharts.ts';
import { CONCLUSION_RULE, conclusionsOf } from '#core/compare/conclusions.ts';
import { countOf, formatNumber, listOf } from '#core/compare/format.ts';
import { element, escapeMarkup } from '#core/compare/markup.ts';
import { readGroup } from '#core/compare/problems.ts';
import { resultTable } from '#core/compare/resultTable.ts';
import { budgetCurves } from '#core/compare/tokenBudget.ts';
import type { Evaluation, Group } from '#core/compare/types.ts';

import { dataTable, disclosure, figure, paragraph, resultTableHtml, section } from './page.ts';

export function resultSections(comparison: Comparison, colourOf: ColourOf): string[] {
  const charted = chartedOf(comparison);
  const radar = radarDrawing(charted, colourOf);
  return [
    section('Result', resultTableHtml(resultTable(comparison))),
    conclusionSection(comparison),
    section(
      'Accuracy and length by difficulty',
      figure(
        stageDrawing(charted, colourOf),
        'Filled bars are shares of right answers (left axis), hatched bars mean response lengths (right axis), each a ' +
          'mean over problems with its 95 % interval.',
      ),
      figure(
        intervalDrawing(charted, 'accuracy', colourOf),
        'Share of right answers, mean over problems, with 95 % intervals.',
      ),
      figure(
        intervalDrawing(charted, 'lengthTokens', colourOf),
        'Mean response length with 95 % intervals. A model that thinks as long as a problem deserves moves to the ' +
          'right from easy to hard.',
      ),
      ...(radar === null
        ? []
        : [figure(radar, 'The same means as shapes. A radar shows no intervals; read differences off the table.')]),
    ),
    budgetSection(comparison, colourOf),
    entropySection(comparison),
  ];
}

/** The comparison as its charts take it. */
function chartedOf(comparison: Comparison): ChartedComparison {
  return {
    arms: comparison.evaluations.map(({ arm, label }) => ({ key: arm, label })),
    groups: comparison.groups.map((group) => {
      const { kind, name } = readGroup(group);
      return { key: group, kind, label: name };
    }),
    // Sound: the charts ask for the groups they were given.
    summaryOf: (arm, group) => summaryOf(comparison, arm, group as Group),
  };
}

function conclusionSection(comparison: Comparison): string {
  const conclusions = conclusionsOf(comparison);
  if (conclusions.length === 0) return '';
  return section(
    'What the numbers show',
    paragraph(CONCLUSION_RULE, 'quiet'),
    ...conclusions.flatMap(({ heading, sentences }) => [
      element('h3', {}, escapeMarkup(heading)),
      ...sentences.map((sentence) => paragraph(sentence)),
    ]),
    ...comparison.flips.map((pair) => flipTable(comparison, pair)),
  );
}

const FLIPS_SHOWN = 20;

function flipTable(comparison: Comparison, { arm, against, flips }: Comparison['flips'][number]): string {
  if (flips.length === 0) return '';
  const shown = flips.length > FLIPS_SHOWN ? `, the ${FLIPS_SHOWN} clearest` : '';
  const labels = [labelOf(comparison, arm), labelOf(comparison, against)];
  return disclosure(
    `${countOf(flips.length, 'problem')} solved by only one of ${listOf(labels)}${shown}`,
    dataTable({
      caption: 'Right answers of those graded',
      header: ['problem', 'bucket', ...labels],
      rows: flips.slice(0, FLIPS_SHOWN).map(({ problem, first, second }) => {
        return [problem.id, problem.bucket, `${first[0]} of ${first[1]}`, `${second[0]} of ${second[1]}`];
      }),
    }),
  );
}

function budgetSection(comparison: Comparison, colourOf: ColourOf): string {
  const curves = budgetCurves(comparison.evaluations, { seed: comparison.seed });
  const drawing = budgetDrawing(curves[0]?.budgetTokens ?? [], curves, colourOf);
  const perThousand = comparison.evaluations.map(({ arm, label }) => {
    return `${label} ${formatNumber(overallOf(comparison, arm).accuracyPer1000Tokens, 'number')}`;
  });
  return section(
    'At an equal token budget',
    figure(
      drawing,
      'A response longer than the budget counts as wrong, as if it had been cut off there. Bands are 95 % intervals, ' +
        'point by point. All problems.',
    ),
    paragraph(`Right answers per 1000 tokens, over all problems: ${listOf(perThousand)}.`),
  );
}

/** N_HE against length, one panel per arm that measured it. */
function entropySection({ evaluations }: Comparison): string {
  const measured = evaluations.filter(({ outcomes }) => outcomes.highEntropyCount?.some((count) => count >= 0));
  if (measured.length === 0) return '';
  const xAlso = measured.flatMap(({ outcomes }) => extremes(outcomes.highEntropyCount!.filter((count) => count >= 0)));
  const yAlso = measured.flatMap(({ outcomes }) => extremes(outcomes.lengthTokens));
  const panels = measured.map((evaluation) => entropyScatter(evaluation, { xAlso, yAlso }));
  const drawing = arrange(panels, 2, {
    title: 'Response length by number of high-entropy tokens',
    description: 'One panel per arm; dots are responses, their area is how many coincide; lines are least squares.',
  });
  return section(
    'Length follows high-entropy tokens',
    figure(
      drawing,
      'Each dot is a response; where several coincide its area is their number, and buckets stand side by side. Lines ' +
        'are least squares per bucket: slope in tokens for each further high-entropy token, and correlation r.',
    ),
  );
}

function entropyScatter(
  { label, problems, outcomes }: Evaluation,
  shared: { xAlso: readonly number[]; yAlso: readonly number[] },
): Drawing {
  const groups = buckets.flatMap((bucket) => {
    const samples = Array.from(outcomes.problemIndex.keys()).filter(
      (sample) =>
        problems[outcomes.problemIndex[sample]!]!.bucket === bucket && outcomes.highEntropyCount![sample]! >= 0,
    );
    if (samples.length === 0) return [];
    return [
      {
        label: bucket,
        colour: bucketColours[bucket],
        x: samples.map((sample) => outcomes.highEntropyCount![sample]!),
        y: samples.map((sample) => outcomes.lengthTokens[sample]!),
      },
    ];
  });
  return scatterChart(groups, {
    title: `${label}: response length by number of high-entropy tokens`,
    description: 'Dots are responses, coloured by difficulty bucket, with a line per bucket.',
    heading: label,
    xLabel: 'high-entropy tokens (N_HE)',
    yLabel: 'length (tokens)',
    widthPx: 460,
    heightPx: 250,
    rightPx: 190,
    ...shared,
  });
}

/**
 * The report of a run: one HTML file that needs nothing else, neither network nor script.
 *
 * Owns: the order of the sections, the colour of each arm throughout, and the page around them. It may
 * be opened years later on another machine, so everything it shows is in it.
 */
import { type Colour, type ColourOf, hueOf } from '#core/compare/charts/theme.ts';
import { element, escapeMarkup } from '#core/compare/markup.ts';
import type { ReportData } from './data.ts';
import {
  curationSection,
  deviationSection,
  difficultySection,
  measurementSection,
  recipeDifferenceSection,
  recipeSection,
  rewardSection,
  runFacts,
} from './methodSections.ts';
import { paragraph } from './page.ts';
import { resultSections } from './resultSections.ts';
import { reportStyle } from './style.ts';
import { traceSection } from './traceSection.ts';
import { trainingSection } from './trainingSection.ts';

/** Nothing is loaded and nothing runs, whatever a trace or a label contains. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The whole page, ready to be written to `report.html`. */
export function renderReport(data: ReportData): string {
  const colourOf = armColours(data);
  const { comparison, curves, coldStartCurves, difficulty, curation, rewardShapes, traces, deviations, run } = data;
  const { recipe, recipeDifferences } = data;
  const sections = [
    ...(comparison === undefined ? [] : resultSections(comparison, colourOf)),
    ...(difficulty === undefined ? [] : [difficultySection(difficulty)]),
    ...(curation === undefined ? [] : [curationSection(curation)]),
    ...(coldStartCurves === undefined ? [] : [trainingSection('Cold-start training', coldStartCurves, colourOf)]),
    ...(curves === undefined ? [] : [trainingSection('Training', curves, colourOf)]),
    ...(rewardShapes === undefined ? [] : [rewardSection(rewardShapes)]),
    ...(traces === undefined ? [] : [traceSection(traces)]),
    ...(recipeDifferences === undefined ? [] : [recipeDifferenceSection(recipeDifferences)]),
    ...(deviations === undefined ? [] : [deviationSection(deviations)]),
    measurementSection(data),
    ...(recipe === undefined ? [] : [recipeSection(recipe, run.recipeHash)]),
  ];
  const head = [
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${escapeMarkup(POLICY)}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    element('title', {}, escapeMarkup(data.title)),
    element('style', {}, reportStyle),
  ];
  const header = element(
    'header',
    {},
    element('h1', {}, escapeMarkup(data.title)),
    paragraph(run.what, 'lead'),
    ...(data.warnings ?? []).map((warning) => paragraph(warning, 'warning')),
    runFacts(run),
  );
  return `<!doctype html>\n<html lang="en">\n<head>\n${head.join('\n')}\n</head>\n<body>\n${header}\n<main>\n${sections
    .filter((section) => section !== '')
    .join('\n')}\n</main>\n<footer>Written by the ARES Workbench.</footer>\n</body>\n</html>\n`;
}

/** The same colour for an arm in every chart: grey for the reference, a hue for each other. */
function armColours({ comparison, curves = [], coldStartCurves = [] }: ReportData): ColourOf {
  const evaluated = comparison?.evaluations.map(({ arm }) => arm) ?? [];
  const arms = [...new Set([...evaluated, ...[...coldStartCurves, ...curves].map(({ arm }) => arm)])];
  const coloured = arms.filter((arm) => arm !== comparison?.reference);
  return (arm): Colour => {
    const index = coloured.indexOf(arm);
    return index === -1 ? 'neutral' : hueOf(index);
  };
}

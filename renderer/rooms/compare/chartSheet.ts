/**
 * The style of drawings inside the window, added to the document once.
 *
 * Owns: the rules of core/compare/charts in the window's own colours. They are a constructed sheet, because
 * the content security policy allows no inline ones.
 */
import { chartRules } from '#core/compare/charts/theme.ts';
import { chartColours } from './armColour.ts';

const surfaces = '--ink:var(--text);--quiet:var(--text-quiet);--rule:var(--chart-grid);--paper:var(--surface)';
let added = false;

export function addChartSheet(): void {
  if (added) return;
  added = true;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`.chart{${surfaces};${chartColours}}\n${chartRules}\n.chart{font-family:var(--font)}`);
  document.adoptedStyleSheets.push(sheet);
}

/**
 * What every chart returns: a drawing that can be shown inline, saved as a file, or set beside others,
 * together with the figures it shows, for those who cannot see it.
 *
 * Owns: the SVG envelope and the arrangement of several drawings. The charts fill in the body.
 */
import { type Attributes, coordinate, element, escapeMarkup } from '#core/compare/markup.ts';
import { chartStyle, lightChartStyle } from './theme.ts';

/** The data of a chart as text, in place of the picture. */
export interface DataTable {
  caption: string;
  header: readonly string[];
  rows: readonly (readonly string[])[];
}

/** What every chart may be asked; sizes default to the chart's own. */
export interface ChartOptions {
  /** One line: what is plotted against what. */
  title: string;
  description: string;
  /** Drawn above the plot, where the title is not. */
  heading?: string;
  widthPx?: number;
  heightPx?: number;
}

export interface Drawing {
  widthPx: number;
  heightPx: number;
  /** One line: what is plotted against what. */
  title: string;
  /** What the drawing shows, for a reader who cannot see it. */
  description: string;
  /** SVG elements. */
  body: string;
  tables: readonly DataTable[];
}

/** The drawing as an element of an HTML page that carries `chartStyle` once. */
export function inlineSvg(drawing: Drawing): string {
  return envelope(drawing, 0, {}, '');
}

/** The drawing as an SVG file of its own, in the reader's colour scheme or always the light one. */
export function svgFile(drawing: Drawing, scheme: 'reader' | 'light' = 'reader'): string {
  const margin = 14;
  const paper = element('rect', { x: -margin, y: -margin, width: '100%', height: '100%', class: 'paper' });
  const xmlns = 'http://www.w3.org/2000/svg';
  return `${envelope(drawing, margin, { xmlns }, element('style', {}, scheme === 'light' ? lightChartStyle : chartStyle) + paper)}\n`;
}

function envelope(drawing: Drawing, margin: number, attributes: Attributes, before: string): string {
  const width = drawing.widthPx + 2 * margin;
  const height = drawing.heightPx + 2 * margin;
  const viewBox = [-margin, -margin, width, height].map(coordinate).join(' ');
  return element(
    'svg',
    { ...attributes, class: 'chart', role: 'img', width, height, viewBox },
    element('title', {}, escapeMarkup(drawing.title)),
    element('desc', {}, escapeMarkup(drawing.description)),
    before,
    drawing.body,
  );
}

const GAP = 18;

/** Several drawings of one size as one, in rows of at most `columns`. */
export function arrange(
  drawings: readonly Drawing[],
  columns: number,
  text: { title: string; description: string },
): Drawing {
  const cellWidth = Math.max(0, ...drawings.map((drawing) => drawing.widthPx));
  const cellHeight = Math.max(0, ...drawings.map((drawing) => drawing.heightPx));
  const across = Math.max(1, Math.min(columns, drawings.length));
  const down = Math.ceil(drawings.length / across);
  const body = drawings.map((drawing, index) => {
    const x = (index % across) * (cellWidth + GAP);
    const y = Math.floor(index / across) * (cellHeight + GAP);
    return element('g', { transform: `translate(${coordinate(x)} ${coordinate(y)})` }, drawing.body);
  });
  return {
    ...text,
    widthPx: across * cellWidth + (across - 1) * GAP,
    heightPx: down * cellHeight + Math.max(0, down - 1) * GAP,
    body: body.join(''),
    tables: drawings.flatMap((drawing) => drawing.tables),
  };
}

/**
 * Sample traces side by side, every token coloured by the entropy of the distribution it was drawn from.
 *
 * Owns: the colour scale (one for all traces, so that they can be compared), its legend, and the cut of
 * traces too long for a page.
 */
import { countOf, formatNumber } from '#core/compare/format.ts';
import { element, escapeMarkup } from '#core/compare/markup.ts';
import type { TraceResponse, TraceSample, TraceToken } from './data.ts';
import { paragraph, section } from './page.ts';
import { ENTROPY_LEVELS } from './style.ts';

/** Longer traces lose their middle: a report is for looking at, the whole trace is in the run. */
const TOKENS_SHOWN = 1200;

export function traceSection(samples: readonly TraceSample[]): string {
  const topNats = samples
    .flatMap(({ responses }) => responses)
    .flatMap(({ tokens }) => tokens)
    .reduce((top, { entropyNats }) => (Number.isFinite(entropyNats) ? Math.max(top, entropyNats) : top), 0);
  const counts = samples.some(({ responses }) => responses.some(({ tokens }) => tokens.some(({ counted }) => counted)));
  return section('Sample traces', legend(topNats, counts), ...samples.map((sample) => sampleHtml(sample, topNats)));
}

function legend(topNats: number, counts: boolean): string {
  const steps = Array.from({ length: ENTROPY_LEVELS }, (_, level) => element('i', { class: `h${level}` })).join('');
  return element(
    'div',
    { class: 'scale' },
    'entropy of the token’s distribution',
    '<span>0</span>',
    element('span', { class: 'steps' }, steps),
    element('span', {}, escapeMarkup(`${formatNumber(topNats, 'number')} nats`)),
    counts ? `${element('span', { class: 'counted' }, 'underlined')} counted in N_HE` : '',
  );
}

function sampleHtml({ problemId, bucket, question, answer, responses }: TraceSample, topNats: number): string {
  return [
    element('h3', {}, escapeMarkup(`${problemId} · ${bucket}`)),
    paragraph(question, 'question'),
    paragraph(`Answer: ${answer}`, 'quiet'),
    element('div', { class: 'responses' }, ...responses.map((response) => responseHtml(response, topNats))),
  ].join('');
}

function responseHtml({ label, verdict, tokens }: TraceResponse, topNats: number): string {
  const detail = element('span', {}, escapeMarkup(`${verdict.replace('_', ' ')}, ${countOf(tokens.length, 'token')}`));
  const hidden = tokens.length - TOKENS_SHOWN;
  const html = (part: readonly TraceToken[]): string => part.map((token) => tokenHtml(token, topNats)).join('');
  const body =
    hidden <= 0
      ? html(tokens)
      : html(tokens.slice(0, TOKENS_SHOWN / 2)) +
        element('span', { class: 'cut' }, escapeMarkup(`\n… ${countOf(hidden, 'token')} not shown …\n`)) +
        html(tokens.slice(-TOKENS_SHOWN / 2));
  return element(
    'div',
    { class: 'response' },
    element('h4', {}, escapeMarkup(label), ' ', detail),
    element('div', { class: 'tokens' }, body),
  );
}

function tokenHtml({ text, entropyNats, counted }: TraceToken, topNats: number): string {
  const share = topNats > 0 && Number.isFinite(entropyNats) ? entropyNats / topNats : 0;
  const level = Math.min(ENTROPY_LEVELS - 1, Math.max(0, Math.round(share * (ENTROPY_LEVELS - 1))));
  const name = `h${level}${counted === true ? ' counted' : ''}`;
  const title = Number.isFinite(entropyNats) ? `${entropyNats.toFixed(3)} nats` : undefined;
  return element('span', { class: name, title }, escapeMarkup(text));
}

/**
 * KaTeX, loaded when the first formula is shown.
 *
 * Owns: the settings under which data may be typeset: no links, no HTML, no macros that grow without end,
 * and a formula that is wrong is shown in red instead of failing. It writes through the DOM, never as HTML.
 */
import type katexModule from 'katex';

export type Katex = typeof katexModule;

let loaded: Katex | null = null;
let loading: Promise<Katex> | null = null;

/** Null before loadKatex has resolved. */
export function katexIfLoaded(): Katex | null {
  return loaded;
}

export function loadKatex(): Promise<Katex> {
  loading ??= Promise.all([import('katex'), import('katex/dist/katex.min.css')]).then(([module]) => {
    loaded = module.default;
    return loaded;
  });
  return loading;
}

export function typeset(katex: Katex, element: HTMLElement, formula: string, isDisplay: boolean): void {
  katex.render(formula, element, {
    displayMode: isDisplay,
    throwOnError: false,
    trust: false,
    strict: 'ignore',
    maxExpand: 500,
    maxSize: 20,
    errorColor: 'var(--danger)',
  });
}

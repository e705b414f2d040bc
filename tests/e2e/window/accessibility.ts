/**
 * What axe and the Tab key say about the page.
 *
 * Owns: putting axe into the page, which of its findings count, and a walk through everything that takes
 * the focus. What must be reachable in which room is for the tests to say.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** As far as this file needs it. */
interface Axe {
  run(options: object): Promise<{
    violations: {
      id: string;
      impact: string | null;
      help: string;
      nodes: { target: unknown[]; failureSummary: string }[];
    }[];
  }>;
}

/** Serious and critical findings, one line per element. */
export async function seriousFindings(page: Page): Promise<string[]> {
  // Evaluated by the debugger, which the page's policy for scripts does not concern.
  await page.evaluate(`if (!('axe' in globalThis)) { ${axeSource} }`);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: Axe };
    // A report in a frame is a document of its own, without scripts; it has tests of its own.
    const { violations } = await axe.run({ iframes: false, resultTypes: ['violations'] });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${help} at ${target.join(' ')}: ${failureSummary}`),
      );
  });
}

export interface Stop {
  /** Role or element, and its name. */
  what: string;
  /** Whether it lies in the window, so that one sees where one is. */
  isInView: boolean;
  /** Whether an outline or a ring says so, on itself or on what is drawn for it. */
  isMarked: boolean;
}

/** Presses Tab until the focus is where it began, or `most` times. */
export async function walk(page: Page, most = 150): Promise<Stop[]> {
  await page.evaluate(() => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    getSelection()?.removeAllRanges();
    (globalThis as unknown as Walked).walked = new Map();
  });
  const stops = new Map<number, Stop>();
  for (let i = 0; i < most; i++) {
    // In an editor Tab indents, unless Escape was pressed before.
    if (await page.evaluate(() => document.activeElement instanceof HTMLTextAreaElement)) {
      await page.keyboard.press('Escape');
    }
    await page.keyboard.press('Tab');
    const at = await page.evaluate(focused);
    if (at === null) continue;
    const { key, clip, ...stop } = at;
    if (key === 0 && stops.size > 1) break;
    if (stops.has(key)) continue;
    // What is drawn for a part of an element (the thumb of a slider) only the picture shows.
    if (!stop.isMarked && clip !== null) {
      const picture = await page.screenshot({ clip });
      const focusedElement = await page.evaluateHandle(() => document.activeElement as HTMLElement);
      await focusedElement.evaluate((element) => element.blur());
      stop.isMarked = !picture.equals(await page.screenshot({ clip }));
      await focusedElement.evaluate((element) => element.focus());
    }
    stops.set(key, stop);
  }
  return [...stops.values()];
}

interface Walked {
  /** Elements in the order in which they first had the focus. */
  walked: Map<Element, number>;
}

/** Runs in the page. */
function focused():
  | (Stop & { key: number; clip: { x: number; y: number; width: number; height: number } | null })
  | null {
  const element = document.activeElement;
  if (element === null || element === document.body) return null;
  const { walked } = globalThis as unknown as Walked;
  if (!walked.has(element)) walked.set(element, walked.size);
  const labels = element instanceof HTMLInputElement || element instanceof HTMLSelectElement ? element.labels : null;
  const name =
    element.getAttribute('aria-label') ?? labels?.[0]?.textContent ?? element.textContent?.slice(0, 40) ?? '';
  const box = element.getBoundingClientRect();
  const isInView = box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight;
  const hasRing = (each: Element) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(each);
    return (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none';
  };
  const around = [element, element.parentElement, element.parentElement?.parentElement];
  return {
    key: walked.get(element)!,
    what: `${element.getAttribute('role') ?? element.localName} ${name.replace(/\s+/g, ' ').trim()}`.trim(),
    isInView,
    isMarked: around.some((each) => each != null && hasRing(each)),
    // With a margin, for what is drawn around it.
    clip: isInView
      ? { x: Math.max(0, box.x - 4), y: Math.max(0, box.y - 4), width: box.width + 8, height: box.height + 8 }
      : null,
  };
}

/**
 * What the Compare room shows: the arms there are, those chosen, and the comparison of them.
 *
 * Owns: the choice, kept in the address (`compare?arms=1:1,1:5&ref=1:1`), and the questions to the host that
 * follow from it. What can be compared is decided in selection.ts.
 */
import type { ArmInfo, ComparisonResult, RequestOf, ResponseOf } from '#core/contract/contract.ts';
import type { Colour } from '#core/compare/charts/theme.ts';
import type { ChartedComparison } from '#core/compare/comparisonCharts.ts';
import { type Query, query } from '#renderer/app/query.svelte.ts';
import { useSession } from '#renderer/app/session.svelte.ts';
import { colourOfArms } from './armColour.ts';
import { type Selection, selectArms } from './selection.ts';

export const RESAMPLES = 10_000;
const MOST_ARMS = 12;

export type GroupBy = 'source' | 'dataset';
export type Pairs = 'reference' | 'every';

export interface Comparison {
  readonly arms: Query<ResponseOf<'compare.arms'>>;
  readonly chosen: readonly ArmInfo[];
  readonly selection: Selection;
  readonly groupBy: readonly GroupBy[];
  readonly pairs: Pairs;
  /** Null where there is nothing to compute. */
  readonly request: RequestOf<'compare.compute'> | null;
  readonly result: Query<ComparisonResult>;
  /** The result as charts take it; null before there is one. */
  readonly charted: ChartedComparison | null;
  /** Runs behind the compared arms, each once, in the order of the arms. */
  readonly runIds: readonly number[];
  colourOf(armId: string): Colour;
  labelOf(armId: string): string;
  toggle(armId: string): void;
  choose(armIds: readonly string[]): void;
  measureAgainst(armId: string): void;
  setGroupBy(by: readonly GroupBy[]): void;
  setPairs(pairs: Pairs): void;
}

/** To be called while a component is set up. */
export function createComparison(): Comparison {
  const session = useSession();
  const param = (name: string): string | null => session.route.params[name] ?? null;
  const listParam = (name: string): string[] => (param(name) ?? '').split(',').filter(Boolean);

  const wanted = $derived(listParam('arms'));
  const wantedReference = $derived(param('ref'));
  const groupBy = $derived(
    listParam('rows').filter((name): name is GroupBy => name === 'source' || name === 'dataset'),
  );
  const pairs: Pairs = $derived(param('pairs') === 'reference' ? 'reference' : 'every');

  const arms = query(
    'compare.arms',
    () => (session.project === null ? null : { against: wantedReference ?? wanted[0] ?? null }),
    ['runs', 'project'],
  );
  const listed = $derived(arms.data?.arms ?? []);
  const chosen = $derived(
    wanted.flatMap((armId) => {
      const arm = listed.find((each) => each.armId === armId);
      return arm === undefined ? [] : [arm];
    }),
  );
  const selection = $derived(selectArms(chosen, wantedReference));
  const armIds = $derived(selection.compared.map(({ armId }) => armId));
  // As text, so that the same question in a new object is not asked again.
  const question = $derived(
    JSON.stringify(
      selection.reference === null
        ? null
        : { armIds, reference: selection.reference, groupBy, pairs, resamples: RESAMPLES },
    ),
  );
  const request = $derived(JSON.parse(question) as RequestOf<'compare.compute'> | null);
  const result = query('compare.compute', () => request, ['runs']);
  const charted = $derived(result.data === undefined ? null : chartedOf(result.data));
  const colourOf = $derived(colourOfArms(armIds, selection.reference));
  const runIds = $derived([...new Set(selection.compared.flatMap(({ parts }) => parts.map(({ runId }) => runId)))]);

  // A room that opens empty teaches nothing: the newest run that compared something is shown.
  $effect(() => {
    if (param('arms') !== null || listed.length === 0) return;
    const newest = listed.find(({ arm }) => arm !== 'base') ?? listed[0]!;
    choose(listed.filter(({ runId }) => runId === newest.runId).map(({ armId }) => armId));
  });

  function choose(next: readonly string[]): void {
    session.setParams({ arms: next.slice(0, MOST_ARMS).join(',') });
  }

  return {
    arms,
    get chosen() {
      return chosen;
    },
    get selection() {
      return selection;
    },
    get groupBy() {
      return groupBy;
    },
    get pairs() {
      return pairs;
    },
    get request() {
      return request;
    },
    result,
    get charted() {
      return charted;
    },
    get runIds() {
      return runIds;
    },
    colourOf: (armId) => colourOf(armId),
    labelOf: (armId) => result.data?.arms.find((arm) => arm.armId === armId)?.label ?? labelOfUnit(selection, armId),
    toggle: (armId) => choose(wanted.includes(armId) ? wanted.filter((each) => each !== armId) : [...wanted, armId]),
    choose,
    measureAgainst: (armId) => session.setParams({ ref: armId.split('+')[0]! }),
    setGroupBy: (by) => session.setParams({ rows: by.length === 0 ? null : by.join(',') }),
    setPairs: (next) => session.setParams({ pairs: next === 'every' ? null : next }),
  };
}

/** Before the host has said what an arm is called. */
function labelOfUnit({ compared, apart }: Selection, armId: string): string {
  return [...compared, ...apart].find((unit) => unit.armId === armId)?.parts[0]?.label ?? armId;
}

function chartedOf({ arms, groups, summaries }: ComparisonResult): ChartedComparison {
  const byPlace = new Map(summaries.map((summary) => [`${summary.armId} ${summary.group}`, summary]));
  return {
    arms: arms.map(({ armId, label }) => ({ key: armId, label })),
    groups,
    summaryOf: (arm, group) => byPlace.get(`${arm} ${group}`),
  };
}

/**
 * In which settings recipes differ.
 *
 * Owns: flattening nested documents to leaves and keeping those that are not the same in all. A list is
 * one leaf: half of a list means nothing.
 */

export interface RecipeDifference {
  /** Dotted: `policy.method.kl.beta`. */
  path: string;
  /** One per recipe; null where it has no such leaf, which is not the same as a leaf that is null. */
  values: ({ value: unknown } | null)[];
}

/** In the order in which the settings appear, first recipe first. */
export function recipeDifferences(recipes: readonly unknown[]): RecipeDifference[] {
  const leaves = recipes.map((recipe) => leavesOf(recipe));
  const paths = [...new Set(leaves.flatMap((each) => [...each.keys()]))];
  return paths.flatMap((path) => {
    const values = leaves.map((each) => (each.has(path) ? { value: each.get(path) } : null));
    const texts = new Set(values.map((value) => JSON.stringify(value)));
    return texts.size > 1 ? [{ path, values }] : [];
  });
}

function leavesOf(value: unknown, path = ''): Map<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map([[path, value]]);
  const entries = Object.entries(value);
  // An empty group is a leaf, or a recipe that has it would look like one that does not.
  if (entries.length === 0 && path !== '') return new Map([[path, value]]);
  return new Map(entries.flatMap(([key, each]) => [...leavesOf(each, path === '' ? key : `${path}.${key}`)]));
}

/** A setting as a table shows it. */
export function settingText(value: RecipeDifference['values'][number]): string {
  if (value === null) return '–';
  if (value.value === null) return 'none';
  if (Array.isArray(value.value)) return value.value.length === 0 ? 'none' : value.value.map(String).join(', ');
  return typeof value.value === 'object' ? JSON.stringify(value.value) : String(value.value);
}

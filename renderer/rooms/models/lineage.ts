/**
 * Models in the order of their descent.
 *
 * Owns: putting children under their parents, with how deep each stands. A model whose parent is not in
 * the list begins a line of its own.
 */

export interface Descends {
  modelId: number;
  parentId: number | null;
}

export interface Placed<T> {
  model: T;
  /** 0 for a model without a parent. */
  depth: number;
}

export function inLineage<T extends Descends>(models: readonly T[]): Placed<T>[] {
  const known = new Set(models.map(({ modelId }) => modelId));
  const children = new Map<number | null, T[]>();
  for (const model of models) {
    const parent = model.parentId !== null && known.has(model.parentId) ? model.parentId : null;
    children.set(parent, [...(children.get(parent) ?? []), model]);
  }
  const placed: Placed<T>[] = [];
  const visit = (parent: number | null, depth: number) => {
    for (const model of children.get(parent) ?? []) {
      placed.push({ model, depth });
      visit(model.modelId, depth + 1);
    }
  };
  visit(null, 0);
  return placed;
}

/** From the first ancestor down to the model itself. */
export function lineOf<T extends Descends>(models: readonly T[], modelId: number): T[] {
  const line: T[] = [];
  let next = models.find((model) => model.modelId === modelId);
  while (next !== undefined && !line.includes(next)) {
    line.unshift(next);
    const { parentId } = next;
    next = models.find((model) => model.modelId === parentId);
  }
  return line;
}

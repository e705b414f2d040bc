/**
 * Where the window was, so that it comes back there.
 *
 * Owns: the file, and whether a remembered place can still be seen: displays are unplugged and change
 * their size between two starts.
 */
import { readFileSync } from 'node:fs';
import type { Rectangle } from 'electron';
import * as z from 'zod/mini';
import { writeFileAtomic } from '#core/util/atomicFiles.ts';

const size = z.int().check(z.minimum(200), z.maximum(20_000));
const position = z.int().check(z.minimum(-100_000), z.maximum(100_000));
const schema = z.strictObject({ x: position, y: position, width: size, height: size, isMaximised: z.boolean() });

export type WindowState = z.output<typeof schema>;

/** Without a position the system chooses one. */
export type Placement = Pick<Rectangle, 'width' | 'height'> & Partial<Rectangle> & { isMaximised: boolean };

const DEFAULT_WIDTH = 1440;
const DEFAULT_HEIGHT = 900;
/** A window can be taken hold of when this much of its upper edge is on a display. */
const GRIP_WIDTH = 120;
const GRIP_HEIGHT = 40;

/** What the file says; null when it is missing or not such a file. */
export function readWindowState(file: string): WindowState | null {
  try {
    const result = z.safeParse(schema, JSON.parse(readFileSync(file, 'utf8')));
    return result.success ? result.data : null;
  } catch {
    return null;
  }
}

export function writeWindowState(file: string, state: WindowState): void {
  writeFileAtomic(file, `${JSON.stringify(state)}\n`);
}

/** @param workAreas of the displays there are now, the primary first */
export function placementOf(state: WindowState | null, workAreas: readonly Rectangle[]): Placement {
  const [primary] = workAreas;
  const home = workAreas.find((area) => state !== null && canBeGripped(state, area));
  if (state === null || home === undefined) {
    return {
      width: Math.min(DEFAULT_WIDTH, primary?.width ?? DEFAULT_WIDTH),
      height: Math.min(DEFAULT_HEIGHT, primary?.height ?? DEFAULT_HEIGHT),
      isMaximised: state?.isMaximised ?? false,
    };
  }
  return { ...state, width: Math.min(state.width, home.width), height: Math.min(state.height, home.height) };
}

function canBeGripped({ x, y, width }: Rectangle, area: Rectangle): boolean {
  const visibleWidth = Math.min(x + width, area.x + area.width) - Math.max(x, area.x);
  return visibleWidth >= GRIP_WIDTH && y >= area.y && y + GRIP_HEIGHT <= area.y + area.height;
}

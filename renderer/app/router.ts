/**
 * The address of what is on screen: `#/entropy?rollout=12`.
 *
 * Owns: reading and writing that address. It is in the hash, so that the same address works under
 * app:// and http://, and so that Back works and a view can be copied, reloaded and returned to.
 */

export const roomNames = [
  'home',
  'data',
  'difficulty',
  'entropy',
  'runs',
  'compare',
  'reward',
  'models',
  'settings',
] as const;
export type RoomName = (typeof roomNames)[number];

/** What a room is asked to show; all text, as in an address. */
export type RouteParams = Readonly<Record<string, string>>;

export interface Route {
  room: RoomName;
  params: RouteParams;
}

/** Values as rooms write them; null and undefined leave a parameter out. */
export type ParamValues = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Whatever does not name a room is Home. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const room = roomNames.find((name) => name === path) ?? 'home';
  return { room, params: Object.fromEntries(new URLSearchParams(query)) };
}

export function formatRoute(room: RoomName, params: ParamValues = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value != null) query.set(name, String(value));
  const text = query.toString();
  return text === '' ? `#/${room}` : `#/${room}?${text}`;
}

/** A parameter as a whole number; null where it is missing or none. */
export function numberParam(params: RouteParams, name: string): number | null {
  const value = Number(params[name] ?? NaN);
  return Number.isInteger(value) ? value : null;
}

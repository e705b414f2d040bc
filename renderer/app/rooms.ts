/**
 * The rooms of the window: names, drawings, keys, and where each comes from.
 *
 * Owns: the order of the rail, and loading a room only when it is opened. A room is
 * `rooms/<name>/<Title>.svelte`, by default export, without props.
 */
import type { Component } from 'svelte';
import type { IconName } from '#renderer/kit/icons.ts';
import type { RoomName } from './router.ts';

export interface Room {
  name: RoomName;
  title: string;
  icon: IconName;
  /** Default shortcut. */
  keys: string;
  load: () => Promise<{ default: Component }>;
}

const loaders = import.meta.glob<{ default: Component }>('#renderer/rooms/*/*Room.svelte');

function room(name: RoomName, title: string, keys: string): Room {
  const file = `${title.split(' ')[0]}Room.svelte`;
  const path = Object.keys(loaders).find((each) => each.endsWith(`/rooms/${name}/${file}`));
  const load = path === undefined ? undefined : loaders[path];
  return { name, title, icon: name, keys, load: load ?? (() => import('./MissingRoom.svelte')) };
}

export const rooms: readonly Room[] = [
  room('home', 'Home', 'g h'),
  room('data', 'Data', 'g d'),
  room('difficulty', 'Difficulty', 'g i'),
  room('entropy', 'Entropy', 'g e'),
  room('runs', 'Runs', 'g r'),
  room('compare', 'Compare', 'g c'),
  room('reward', 'Rewards', 'g w'),
  room('models', 'Models', 'g m'),
  room('settings', 'Settings', 'g s'),
];

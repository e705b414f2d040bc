/**
 * A number that follows another, but not faster than a person can look.
 *
 * Owns: the pace at which a run at work makes its views ask again. The last value always arrives.
 */
import { onDestroy } from 'svelte';

/** @param value called reactively */
export function pulse(value: () => number, everyMs: number): { readonly current: number } {
  let current = $state(value());
  let timer: ReturnType<typeof setTimeout> | undefined;
  let setMs = -Infinity;
  $effect(() => {
    const next = value();
    clearTimeout(timer);
    const set = () => {
      setMs = performance.now();
      current = next;
    };
    const waitMs = setMs + everyMs - performance.now();
    if (waitMs <= 0) set();
    else timer = setTimeout(set, waitMs);
  });
  onDestroy(() => clearTimeout(timer));
  return {
    get current() {
      return current;
    },
  };
}

/** The time, once a second; for what counts up while it is looked at. */
export function clock(): { readonly nowMs: number } {
  let nowMs = $state(Date.now());
  const timer = setInterval(() => (nowMs = Date.now()), 1000);
  onDestroy(() => clearInterval(timer));
  return {
    get nowMs() {
      return nowMs;
    },
  };
}

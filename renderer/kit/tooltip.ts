/**
 * A line of text beside the element under the pointer or in focus, after a moment.
 *
 * Owns: the one bubble of the window, when it appears and where. It repeats or explains; nothing may
 * be said only here. Use as an attachment: `{@attach tooltip('Next window', 'N')}`.
 */
import type { Attachment } from 'svelte/attachments';
import { describeKeys } from './keys.ts';

const DELAY_MS = 350;
const GAP_PX = 6;

let bubble: HTMLElement | null = null;
let timer: number | undefined;

function show(element: Element, text: string, keys: string | undefined): void {
  bubble ??= document.body.appendChild(Object.assign(document.createElement('div'), { className: 'tooltip' }));
  // In the top layer, so that it is above dialogs too.
  bubble.popover = 'manual';
  bubble.textContent = keys ? `${text}  ${describeKeys(keys)}` : text;
  bubble.showPopover();
  const at = element.getBoundingClientRect();
  const own = bubble.getBoundingClientRect();
  const below = at.bottom + GAP_PX + own.height <= innerHeight;
  const left = Math.min(Math.max(4, at.left + at.width / 2 - own.width / 2), innerWidth - own.width - 4);
  bubble.style.left = `${left}px`;
  bubble.style.top = `${below ? at.bottom + GAP_PX : at.top - GAP_PX - own.height}px`;
}

function hide(): void {
  clearTimeout(timer);
  if (bubble?.matches(':popover-open')) bubble.hidePopover();
}

/** @param keys a shortcut as in commands, shown behind the text */
export function tooltip(text: string, keys?: string): Attachment<Element> {
  return (element) => {
    const enter = () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => show(element, text, keys), DELAY_MS);
    };
    const focus = () => {
      if (element.matches(':focus-visible')) show(element, text, keys);
    };
    const listeners = [
      ['pointerenter', enter],
      ['pointerleave', hide],
      ['pointerdown', hide],
      ['focus', focus],
      ['blur', hide],
    ] as const;
    for (const [name, listener] of listeners) element.addEventListener(name, listener);
    return () => {
      for (const [name, listener] of listeners) element.removeEventListener(name, listener);
      hide();
    };
  };
}

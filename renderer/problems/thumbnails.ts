/**
 * Small pictures of the images of problems.
 *
 * Owns: decoding bytes to the size in which they are shown, a few at a time, and keeping the latest. The
 * browser decodes; what it cannot is shown as missing.
 */
import type { Client } from '#core/contract/client.ts';

const MAX_KEPT = 300;
const AT_ONCE = 4;

export class Thumbnails {
  readonly #client: Client;
  readonly #kept = new Map<string, Promise<ImageBitmap | null>>();
  #atWork = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(client: Client) {
    this.#client = client;
  }

  /** @param heightPx of the device; null when the image cannot be shown */
  get(problemId: number, index: number, heightPx: number): Promise<ImageBitmap | null> {
    const key = `${problemId} ${index} ${heightPx}`;
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const bitmap = this.#inTurn(async () => {
      const { bytes, mediaType } = await this.#client.call('problems.image', { problemId, index });
      return createImageBitmap(new Blob([new Uint8Array(bytes)], { type: mediaType }), {
        resizeHeight: heightPx,
        resizeQuality: 'medium',
      });
    }).catch(() => null);
    this.#kept.set(key, bitmap);
    if (this.#kept.size > MAX_KEPT) {
      const [oldest, old] = this.#kept.entries().next().value!;
      this.#kept.delete(oldest);
      void old.then((image) => image?.close());
    }
    return bitmap;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#atWork >= AT_ONCE) await new Promise<void>((go) => this.#waiting.push(go));
    this.#atWork++;
    try {
      return await work();
    } finally {
      this.#atWork--;
      this.#waiting.shift()?.();
    }
  }
}

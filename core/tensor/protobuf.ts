/**
 * The protobuf wire format, write side only.
 *
 * Owns: varints, tags and length-delimited fields. It knows nothing of ONNX (onnx.ts does) and never
 * copies a large payload more than once: parts are kept by reference until `finish`.
 */

const encoder = new TextEncoder();

export class ProtobufWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  get byteLength(): number {
    return this.#length;
  }

  /** int32, int64, enum and bool fields; negative values take ten bytes as the format demands. */
  integer(field: number, value: number | bigint): this {
    this.#tag(field, 0);
    this.#varint(BigInt.asUintN(64, BigInt(value)));
    return this;
  }

  float(field: number, value: number): this {
    this.#tag(field, 5);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#push(bytes);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, 2);
    this.#varint(BigInt(value.byteLength));
    this.#push(value);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  message(field: number, value: ProtobufWriter): this {
    this.#tag(field, 2);
    this.#varint(BigInt(value.byteLength));
    // One by one: a spread puts every part on the stack, and the graph of a large model has too many.
    for (const part of value.#parts) this.#parts.push(part);
    this.#length += value.#length;
    return this;
  }

  finish(): Uint8Array {
    const out = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      out.set(part, offset);
      offset += part.byteLength;
    }
    return out;
  }

  #tag(field: number, wireType: number): void {
    this.#varint(BigInt((field << 3) | wireType));
  }

  #varint(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    do {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      bytes.push(rest > 0n ? low | 0x80 : low);
    } while (rest > 0n);
    this.#push(Uint8Array.from(bytes));
  }

  #push(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.byteLength;
  }
}

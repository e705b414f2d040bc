/**
 * How config.json writes rotary positions, in its two styles, read into one.
 *
 * Owns: `rope_theta` + `rope_scaling` (transformers 4) and `rope_parameters` (transformers 5), and the
 * refusal of scalings that are not computed here. The numbers themselves are in rope.ts.
 */
import { AresError } from '#core/util/errors.ts';
import { Fields, isObject, shorten, type JsonObject } from './json.ts';

export type RopeScaling =
  | { kind: 'linear'; factor: number }
  | {
      kind: 'llama3';
      factor: number;
      lowFreqFactor: number;
      highFreqFactor: number;
      originalMaxPositions: number;
    };

export interface RopeSpec {
  /** Base of the geometric sequence of wavelengths. */
  theta: number;
  scaling: RopeScaling | null;
}

const DEFAULT_THETA = 10_000;

/**
 * Reads the RoPE fields of a configuration. Where both styles are present (files written for old and
 * new transformers alike) they must agree, since versions differ in which one wins.
 * @param isMultimodal positions have three axes (`mrope_section`, read by vision/config.ts)
 * @param maxPositions stands in for a missing original_max_position_embeddings
 * @throws AresError 'unsupported' for other kinds of RoPE, 'bad-file' for missing or contradictory values
 */
export function parseRope(config: Fields, maxPositions: number, isMultimodal: boolean): RopeSpec {
  refusePartialRotation(config);
  const sections = ['rope_scaling', 'rope_parameters'].flatMap((name) => readSection(config, name));
  const thetas = [config, ...sections]
    .filter((part) => part.has('rope_theta'))
    .map((part) => part.positive('rope_theta'));
  const scalings = sections.map((section) => readScaling(section, config, maxPositions, isMultimodal));
  return {
    theta: agreed(thetas, 'rope_theta', config.where) ?? DEFAULT_THETA,
    scaling: agreed(scalings, 'rope_scaling', config.where) ?? null,
  };
}

/** The section as a list of none or one; an empty object counts as absent, as it does in transformers. */
function readSection(config: Fields, name: string): Fields[] {
  if (!config.has(name)) return [];
  const section = config.object[name];
  if (!isObject(section)) throw config.bad(name, 'an object');
  return Object.keys(section).length === 0 ? [] : [new Fields(section, `${config.where} (${name})`)];
}

function readScaling(section: Fields, config: Fields, maxPositions: number, isMultimodal: boolean): RopeScaling | null {
  const nested = Object.keys(section.object).find((key) => isObject(section.object[key]));
  if (nested !== undefined) throw unsupportedRope(section, nested, 'RoPE that differs between layers');
  if (section.has('mrope_section') && !isMultimodal) throw unsupportedRope(section, 'mrope_section', 'multimodal RoPE');
  refusePartialRotation(section);

  // The axes themselves are no scaling; transformers renames this type to 'default'.
  const nameOf = (field: string, fallback: string) => {
    const name = section.text(field, fallback);
    return isMultimodal && name === 'mrope' ? 'default' : name;
  };
  const kind = nameOf('rope_type', nameOf('type', 'default'));
  if (nameOf('type', kind) !== kind) throw unsupportedRope(section, 'type', 'a second type besides rope_type');
  switch (kind) {
    case 'default':
      return null;
    case 'linear':
      return { kind, factor: section.positive('factor') };
    case 'llama3': {
      const lowFreqFactor = section.positive('low_freq_factor');
      const highFreqFactor = section.positive('high_freq_factor');
      if (highFreqFactor <= lowFreqFactor) throw section.bad('high_freq_factor', 'greater than low_freq_factor');
      return {
        kind,
        factor: section.positive('factor'),
        lowFreqFactor,
        highFreqFactor,
        // transformers gives priority to a field of this name at the top level.
        originalMaxPositions: (config.has('original_max_position_embeddings') ? config : section).count(
          'original_max_position_embeddings',
          maxPositions,
        ),
      };
    }
    default:
      throw unsupportedRope(section, section.has('rope_type') ? 'rope_type' : 'type', 'this kind of RoPE scaling');
  }
}

function refusePartialRotation(fields: Fields): void {
  if (fields.has('partial_rotary_factor') && fields.object['partial_rotary_factor'] !== 1) {
    throw unsupportedRope(fields, 'partial_rotary_factor', 'rotating only a part of each head');
  }
}

/** The one value all sources give, undefined if there is no source. */
function agreed<T extends number | JsonObject | null>(
  values: readonly T[],
  what: string,
  where: string,
): T | undefined {
  const [first, ...others] = values;
  for (const other of others) {
    if (JSON.stringify(other) !== JSON.stringify(first)) {
      throw new AresError(
        'bad-file',
        `"${what}" is given more than once with different values: ${shorten(first)} and ${shorten(other)}.`,
        { where, hint: 'Keep the one the model was trained with; versions of transformers differ in which they use.' },
      );
    }
  }
  return first;
}

function unsupportedRope(fields: Fields, name: string, what: string): AresError {
  return new AresError(
    'unsupported',
    `The configuration has "${name}": ${shorten(fields.object[name])}; ${what} is not supported.`,
    { where: fields.where, hint: 'Use a model with default, linear or llama3 rotary positions.' },
  );
}

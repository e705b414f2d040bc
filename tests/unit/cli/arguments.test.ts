/** The argument parser: values in their types, and a usage error with advice for everything else. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type OperandSpecs, type OptionSpecs, flagOf, parseArguments } from '#core/cli/arguments.ts';
import { AresError } from '#core/util/errors.ts';

const options = {
  model: { kind: 'text', value: 'DIR', help: 'A folder.', required: true },
  maxNewTokens: { kind: 'number', value: 'N', help: 'A limit.', default: 256, integer: true, minimum: 1 },
  topP: { kind: 'number', value: 'P', help: 'A mass.', minimum: 0, maximum: 1 },
  loss: { kind: 'choice', choices: ['sft', 'rl'], help: 'A loss.' },
  greedy: { kind: 'flag', help: 'No sampling.' },
} satisfies OptionSpecs;
const operands = { file: { help: 'A file.' }, folder: { help: 'A folder.', optional: true } } satisfies OperandSpecs;

const parse = (...args: string[]) => parseArguments(args, 'try', options, operands);

function refusal(...args: string[]): { message: string; hint: string | undefined } {
  try {
    parse(...args);
  } catch (error) {
    expect(error).toBeInstanceOf(AresError);
    const { code, message, hint } = error as AresError;
    expect(code).toBe('usage');
    return { message, hint };
  }
  throw new Error('The arguments were accepted.');
}

describe('values', () => {
  it('come in the declared types, with defaults where nothing is given', () => {
    const {
      options: values,
      operands: given,
      json,
      help,
    } = parse('in.txt', '--model', 'm', '--top-p=.5', '--greedy', '--json');
    expect(values).toMatchObject({ model: 'm', maxNewTokens: 256, topP: 0.5, loss: undefined, greedy: true });
    expect(given).toEqual({ file: 'in.txt', folder: undefined });
    expect({ json, help }).toEqual({ json: true, help: false });
  });

  it('may stand before, between and after operands, and operands after -- may look like options', () => {
    expect(parse('--model', 'm', 'a', '--greedy', 'b').operands).toEqual({ file: 'a', folder: 'b' });
    expect(parse('--model', 'm', '--', '--a').operands).toEqual({ file: '--a', folder: undefined });
  });

  it('keep text exactly as it was given', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        expect(parse('f', `--model=${text}`).options['model']).toBe(text);
      }),
    );
  });

  it('read every number as JavaScript writes it, within its bounds', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (p) => {
        expect(parse('f', '--model', 'm', '--top-p', String(p)).options['topP']).toBe(p);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1 }), (n) => {
        expect(parse('f', '--model', 'm', '--max-new-tokens', String(n)).options['maxNewTokens']).toBe(n);
      }),
    );
  });
});

describe('mistakes', () => {
  it('names the option that was probably meant', () => {
    expect(refusal('f', '--modle', 'm')).toEqual({
      message: '"ares try" has no option --modle.',
      hint: 'Did you mean --model?',
    });
    expect(refusal('f', '--max-tokens', '3').hint).toBe('Did you mean --max-new-tokens?');
    expect(refusal('f', '--zzzzzzzz').hint).toContain('ares try --help');
    expect(refusal('f', '-x').message).toContain('no option -x');
  });

  it('asks for what is missing', () => {
    expect(refusal('f').message).toBe('--model is missing.');
    expect(refusal('--model', 'm').message).toBe('FILE is missing.');
    expect(refusal('f', '--model').message).toBe('--model needs a value.');
    expect(refusal('f', '--model=').message).toBe('--model needs a value.');
  });

  it('does not take the next option for a value', () => {
    const { message, hint } = refusal('f', '--model', '--greedy');
    expect(message).toBe('--model needs a value.');
    expect(hint).toContain('--model=--greedy');
  });

  it('refuses what is given twice, too much, or to a flag', () => {
    expect(refusal('f', '--model', 'a', '--model', 'b').message).toBe('--model is given twice.');
    expect(refusal('a', 'b', 'c', '--model', 'm').message).toBe('"c" is one argument too many for "ares try".');
    expect(refusal('f', '--model', 'm', '--greedy=no').message).toBe('--greedy takes no value.');
  });

  it.each(['', ' ', '1x', '0x10', 'NaN', 'Infinity', '1e999', '1,5', '2', '-0.1'])(
    'refuses %j for a number from 0 to 1',
    (text) => {
      expect(refusal('f', '--model', 'm', `--top-p=${text}`).message).toContain('--top-p');
    },
  );

  it.each(['1.5', '0', '-3', '9007199254740993'])('refuses %s for a whole number from 1', (text) => {
    expect(refusal('f', '--model', 'm', '--max-new-tokens', text).message).toContain('must be a whole number from 1');
  });

  it('lists the choices', () => {
    expect(refusal('f', '--model', 'm', '--loss', 'dpo').hint).toBe('Choose one of: sft, rl.');
  });

  it('with --help complains about nothing that is missing', () => {
    expect(parse('--help').help).toBe(true);
    expect(parse('-h').help).toBe(true);
    expect(refusal('--help', '--modle').hint).toBe('Did you mean --model?');
  });
});

it('spells options in kebab case', () => {
  expect(['model', 'maxNewTokens', 'topK'].map(flagOf)).toEqual(['--model', '--max-new-tokens', '--top-k']);
});

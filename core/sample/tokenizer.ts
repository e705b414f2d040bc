/**
 * The sample model's tokenizer and its other small files, as Hugging Face readers expect them.
 *
 * Owns: tokenizer.json, tokenizer_config.json, the chat template, config.json and
 * generation_config.json. The tokenizer is byte-level BPE without merges: a piece that is in the
 * vocabulary is one token, any other text falls into its bytes, so whatever a person types can be
 * encoded. Weights are not made here.
 */
import {
  BYTE_COUNT,
  PIECE_PATTERN,
  SPECIAL_TOKENS,
  TEXT_END,
  THINK_END,
  THINK_START,
  TURN_END,
  TURN_START,
  VOCABULARY_SIZE,
  WORD_PIECES,
  pieceId,
  pieceIds,
} from './vocabulary.ts';

/**
 * GPT-2's printable stand-ins for bytes: printable Latin-1 characters stand for themselves, the other
 * bytes for the characters from U+0100 on, in order.
 */
const byteCharacters: readonly string[] = printableBytes();

function printableBytes(): string[] {
  let next = 0x100;
  return Array.from({ length: BYTE_COUNT }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(printable ? byte : next++);
  });
}

/** A piece as it is spelled in tokenizer.json (" so" → "Ġso"). */
function byteLevelSpelling(piece: string): string {
  return Array.from(Buffer.from(piece, 'utf8'), (byte) => byteCharacters[byte]!).join('');
}

/** Content of tokenizer.json. */
export function tokenizerJson(): object {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const vocabulary = [...byteCharacters, ...WORD_PIECES.map(byteLevelSpelling)];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content) => ({
      id: pieceId(content),
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      // The think tags are part of what a person reads: they must survive skipping special tokens.
      special: content !== THINK_START && content !== THINK_END,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: PIECE_PATTERN }, behavior: 'Isolated', invert: false },
        byteLevel,
      ],
    },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: true,
      vocab: Object.fromEntries(vocabulary.map((spelling, id) => [spelling, id])),
      merges: [],
    },
  };
}

/** Content of chat_template.jinja. */
export const CHAT_TEMPLATE =
  `{% for message in messages %}{{ '${TURN_START}' + message.role + '\\n' + message.content + '${TURN_END}\\n' }}` +
  `{% endfor %}{% if add_generation_prompt %}{{ '${TURN_START}assistant\\n' }}{% endif %}`;

/** Prompt ids of a question given as pieces: what the chat template and the tokenizer make of its text. */
export function promptIds(questionPieces: readonly string[]): Int32Array {
  return pieceIds([TURN_START, 'user', ...questionPieces, TURN_END, '\n', TURN_START, 'assistant', '\n']);
}

/** Response ids of a trace given as pieces, closed by the end of the turn. */
export function responseIds(tracePieces: readonly string[]): Int32Array {
  return pieceIds([...tracePieces, TURN_END]);
}

/** Every text file of the model folder, by file name. Only model.safetensors is missing. */
export function sampleModelFiles(): Record<string, string> {
  return {
    'tokenizer.json': prettyJson(tokenizerJson()),
    'tokenizer_config.json': prettyJson({
      tokenizer_class: 'PreTrainedTokenizerFast',
      bos_token: null,
      eos_token: TURN_END,
      pad_token: TEXT_END,
      unk_token: null,
      add_bos_token: false,
      clean_up_tokenization_spaces: false,
      model_max_length: sampleModelConfig.max_position_embeddings,
    }),
    'chat_template.jinja': CHAT_TEMPLATE,
    'config.json': prettyJson(sampleModelConfig),
    'generation_config.json': prettyJson({
      do_sample: true,
      temperature: 1,
      eos_token_id: [pieceId(TURN_END), pieceId(TEXT_END)],
      pad_token_id: pieceId(TEXT_END),
    }),
  };
}

function prettyJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Content of config.json: a Qwen2 of about 0.7 million parameters. */
export const sampleModelConfig = {
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  vocab_size: VOCABULARY_SIZE,
  hidden_size: 128,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  intermediate_size: 256,
  hidden_act: 'silu',
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  max_position_embeddings: 512,
  tie_word_embeddings: true,
  attention_dropout: 0,
  initializer_range: 0.02,
  use_cache: true,
  use_sliding_window: false,
  bos_token_id: null,
  eos_token_id: pieceId(TURN_END),
  pad_token_id: pieceId(TEXT_END),
  dtype: 'float32',
} as const;

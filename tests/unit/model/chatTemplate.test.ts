/** Chat templates: where they are found, what they see, and what they may not do. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type ChatMessage,
  findChatTemplate,
  loadChatTemplate,
  parseChatTemplate,
  plainChatTemplate,
  renderChat,
} from '#core/model/chatTemplate.ts';
import { temporaryFolder, writeJson } from './tinyModel.ts';

const hello: ChatMessage[] = [{ role: 'user', content: 'hello' }];
const prompt = { addGenerationPrompt: true };
const render = (source: string, messages = hello, tokens: Record<string, string> = {}) =>
  renderChat(parseChatTemplate(source, 'chat_template.jinja', tokens), messages, prompt);

const folderWith = (files: Record<string, unknown>) => {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === 'string') writeFileSync(join(folder, name), content);
    else writeJson(folder, name, content);
  }
  return folder;
};

const renderedIn = (files: Record<string, unknown>) => renderChat(loadChatTemplate(folderWith(files)), hello, prompt);

describe('where the template is', () => {
  it('a file goes before the configuration', () => {
    expect(renderedIn({ 'chat_template.jinja': 'file', 'tokenizer_config.json': { chat_template: 'config' } })).toBe(
      'file',
    );
    expect(renderedIn({ 'tokenizer_config.json': { chat_template: 'config' } })).toBe('config');
  });

  it('of several, the default one counts', () => {
    const chat_template = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'default' },
    ];
    expect(renderedIn({ 'tokenizer_config.json': { chat_template } })).toBe('default');
  });

  it('special tokens come as strings or objects, tokenizer_config.json last', () => {
    const files = {
      'chat_template.jinja': '{{ bos_token }}|{{ eos_token }}|{{ pad_token is defined }}',
      'special_tokens_map.json': { bos_token: '<old>', eos_token: { content: '<eos>' } },
      'tokenizer_config.json': { bos_token: { content: '<bos>', special: true }, pad_token: null },
    };
    expect(renderedIn(files)).toBe('<bos>|<eos>|false');
  });

  it('a folder without one is told apart from a broken one', () => {
    const folder = folderWith({ 'tokenizer_config.json': {} });
    expect(findChatTemplate(folder)).toBeNull();
    expect(() => loadChatTemplate(folder)).toThrow(
      expect.objectContaining({
        code: 'unsupported',
        where: folder,
        hint: expect.stringContaining('instruction-tuned'),
      }),
    );
    expect(() => findChatTemplate(folderWith({ 'chat_template.jinja': '{% if %}' }))).toThrow(
      expect.objectContaining({ code: 'bad-file', where: expect.stringContaining('chat_template.jinja') }),
    );
  });
});

describe('what a template sees', () => {
  it('the messages, tools as none, and whether a prompt is wanted', () => {
    const source =
      '{% for m in messages %}{{ m.role }}:{{ m["content"] }};{% endfor %}{{ tools is none }}{{ add_generation_prompt }}';
    expect(render(source)).toBe('user:hello;truetrue');
  });

  it('blocks without line breaks of their own, as transformers sets Jinja up', () => {
    expect(render('{% for m in messages %}\n  {% if true %}\n{{ m.role }}\n  {% endif %}\n{% endfor %}\nend')).toBe(
      'user\nend',
    );
  });

  it('the same date every day', () => {
    expect(render('{{ strftime_now("%d %b %Y, %Y-%m-%d %q 100%%") }}')).toBe('26 Jul 2024, 2024-07-26 %q 100%');
  });

  it("the template's own refusal reaches the user", () => {
    expect(() => render("{{ raise_exception('roles must alternate.') }}")).toThrow(
      expect.objectContaining({
        code: 'bad-file',
        message: 'The chat template cannot be used: roles must alternate.',
        where: 'chat_template.jinja',
      }),
    );
  });
});

describe('content in parts', () => {
  const parts: ChatMessage[] = [
    { role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'image' }, { type: 'text', text: 'b' }] },
  ];
  const texts: ChatMessage[] = [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
    },
  ];
  const visual =
    "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}{% if p.type == 'image' %}<img>{% else %}{{ p.text }}{% endif %}{% endfor %}{% endif %}{% endfor %}";

  it('goes to templates that understand it', () => {
    expect(render(visual, parts)).toBe('a<img>b');
    expect(render(visual)).toBe('hello');
  });

  it.each([
    ['pastes it as JSON', "{{ '[' + messages[0].content + ']' }}", '[ab]'],
    ['fails on it', "{{ messages[0].content | trim ~ '!' }}", 'ab!'],
  ])('to a template that %s, text parts are joined and images refused', (_, source, expected) => {
    expect(render(source, texts)).toBe(expected);
    expect(() => render(source, parts)).toThrow(
      expect.objectContaining({ code: 'unsupported', message: expect.stringContaining('image') }),
    );
  });
});

describe('plain prompts', () => {
  it('are every text on lines of its own', () => {
    const messages: ChatMessage[] = [{ role: 'system', content: 'Be brief.' }, ...hello];
    expect(renderChat(plainChatTemplate(), messages, prompt)).toBe('Be brief.\nhello\n');
  });
});

describe('what a template may not do', () => {
  it.each([
    ['loop for long', '{% for i in range(3000) %}{% for j in range(3000) %}{% endfor %}{% endfor %}', /too long/],
    [
      'loop over nothing for long',
      '{% for i in range(3000) %}{% for j in range(3000) if false %}{% endfor %}{% endfor %}',
      /too long/,
    ],
    ['ask for a huge range', '{% for i in range(1000000000) %}{% endfor %}', /range/],
    ['ask for an endless range', '{% for i in range(0, 1, 0) %}{% endfor %}', /range/],
    [
      'double a string without end',
      "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
      /elements/,
    ],
    [
      'double a list without end',
      '{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}',
      /elements/,
    ],
    ['write without end', '{% for i in range(90000) %}{{ "0123456789" * 1 ~ messages[0].content }}{% endfor %}', /./],
    ['read files', '{% include "/etc/passwd" %}', /include/],
    ['nest without end', `{{ ${'('.repeat(100_000)}1${')'.repeat(100_000)} }}`, /./],
    ['be endless', 'x'.repeat(1_000_001), /characters/],
  ])('%s', (_, source, message) => {
    expect(() => render(source)).toThrow(
      expect.objectContaining({ code: 'bad-file', message: expect.stringMatching(message), hint: expect.any(String) }),
    );
  });

  it('reach into JavaScript', () => {
    expect(
      render('{{ constructor }}{{ messages.constructor }}{{ messages[0].__proto__ }}{{ this }}{{ process }}'),
    ).toBe('');
  });

  it('while an honest chat of a thousand messages passes', () => {
    const source =
      "{% set ns = namespace(last=messages|length - 1) %}{% for m in messages[::-1] %}{% set index = (messages|length - 1) - loop.index0 %}{% if m.role == 'user' and not m.content.startswith('<tool') %}{% set ns.last = index %}{% endif %}{% endfor %}{% for m in messages %}{{ '<' + m.role + '>' + m.content.split('</think>')[-1].lstrip('\\n') }}{% endfor %}";
    const messages = Array.from({ length: 1000 }, (_, i): ChatMessage => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content: '<think>so</think>\nthus',
    }));
    expect(render(source, messages)).toBe('<user>thus<assistant>thus'.repeat(500));
  });
});

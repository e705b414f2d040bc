/** Archives of images: what is in them, what is refused, and paths that lead elsewhere. */
import { mkdirSync, symlinkSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDataset } from '#core/data/dataset.ts';
import { pathProblem, readImage, resolveImages } from '#core/data/images.ts';
import { loadProblems } from '#core/data/problems.ts';
import { put, temporaryFolder, tinyPng, zipOf } from './files.ts';

const folder = temporaryFolder();
const table = {
  name: 'set/data.jsonl',
  content:
    '{"image": "pics/a.png", "problem": "p", "answer": "1"}\n{"image": "../b.png", "problem": "q", "answer": "2"}',
};

describe('zip archives', () => {
  it('paths are relative to the table, and stay in the archive', async () => {
    const path = put(
      folder,
      'ok.zip',
      zipOf([
        { name: 'set/', content: '' },
        { ...table, deflate: true },
        { name: 'set/pics/a.png', content: tinyPng(3) },
        { name: 'b.png', content: tinyPng(4) },
        { name: '__MACOSX/set/._data.jsonl', content: 'left by a Mac' },
      ]),
    );
    const { problems, bad } = await loadProblems(path);
    expect(bad).toEqual([{ line: 2, reason: 'the image path leaves the folder of the dataset' }]);
    expect(new Uint8Array(await readImage(problems[0]!.images[0]!))).toEqual(tinyPng(3));
  });

  const hostile: [name: string, entries: Parameters<typeof zipOf>[0], message: RegExp][] = [
    ['parent', [table, { name: '../x.png', content: '' }], /path traversal/],
    ['hidden parent', [table, { name: 'a/../../x.png', content: '' }], /path traversal/],
    ['absolute', [table, { name: '/etc/x.png', content: '' }], /path traversal/],
    ['drive', [table, { name: 'C:/x.png', content: '' }], /path traversal/],
    ['backslash', [table, { name: '..\\x.png', content: '' }], /path traversal/],
    ['link', [table, { name: 'set/pics/a.png', content: '/etc/passwd', mode: 0o120_777 }], /path traversal/],
    ['bomb', [{ ...table, content: Buffer.alloc(32 * 2 ** 20), deflate: true }], /beyond reason/],
    ['wrong size', [{ ...table, declaredBytes: 5 }], /damaged/],
    ['no table', [{ name: 'a.png', content: tinyPng() }], /no table/],
    ['two tables', [table, { name: 'other.csv', content: 'a' }], /several tables/],
    ['archive in an archive', [{ name: 'data.jsonl', content: zipOf([table]) }], /another archive/],
    ['office document', [{ name: '[Content_Types].xml', content: '' }], /office document/],
  ];

  for (const [name, entries, message] of hostile) {
    it(`refused: ${name}`, async () => {
      const path = put(folder, `${name}.zip`, zipOf(entries));
      await expect(readDataset(path)).rejects.toMatchObject({
        name: 'AresError',
        message: expect.stringMatching(message) as string,
      });
    });
  }

  it('any damage is an AresError or a dataset', async () => {
    const bytes = zipOf([
      { ...table, deflate: true },
      { name: 'set/pics/a.png', content: tinyPng() },
    ]);
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const broken = Buffer.from(bytes);
        for (const [at, value] of changes) broken[at] = value;
        const outcome = await readDataset(put(folder, 'broken.zip', broken)).catch((error: unknown) => error);
        if (outcome instanceof Error)
          expect(outcome).toMatchObject({ name: 'AresError', code: expect.not.stringMatching('internal') as string });
      }),
      { numRuns: 300 },
    );
  });
});

describe('image paths', () => {
  const root = { kind: 'folder', folder: `${folder}/set` } as const;
  put(folder, 'set/pics/a.png', tinyPng(5));
  put(folder, 'outside.png', tinyPng(6));

  it('inside of the folder are found, with either slash', () => {
    for (const path of ['pics/a.png', './pics/a.png', 'pics\\a.png']) {
      expect(resolveImages(path, root)).toEqual([
        { kind: 'file', path: expect.stringMatching(/pics.a\.png$/) as string, name: 'pics/a.png' },
      ]);
    }
    expect(resolveImages(['pics/a.png', 'pics/a.png'], root)).toHaveLength(2);
    expect(resolveImages(null, root)).toEqual([]);
  });

  it('through a link to somewhere else are refused', () => {
    symlinkSync(`${folder}/outside.png`, `${folder}/set/link.png`);
    mkdirSync(`${folder}/elsewhere`, { recursive: true });
    put(folder, 'elsewhere/x.png', tinyPng());
    symlinkSync(`${folder}/elsewhere`, `${folder}/set/linked`);
    for (const path of ['link.png', 'linked/x.png'])
      expect(() => resolveImages(path, root)).toThrow('leaves the folder');
  });

  it('never lead out, however they are written', () => {
    const part = fc.constantFrom('..', '.', 'pics', 'a.png', '', 'C:', '\\', '~', 'file:', 'x:y', '\0');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), fc.constantFrom('/', '\\'), (parts, slash) => {
        const path = parts.join(slash);
        const escapes = /^[\\/]|:|\0/.test(path) || path.split(/[\\/]/).includes('..');
        expect(pathProblem(path) !== null).toBe(escapes);
      }),
      { numRuns: 1000 },
    );
  });

  it('a file that is no image is found out when it is read', async () => {
    put(folder, 'set/fake.png', 'not a picture');
    await expect(readImage(resolveImages('fake.png', root)[0]!)).rejects.toMatchObject({ code: 'bad-file' });
  });
});

describe('folders', () => {
  it('hold one table and its images', async () => {
    put(folder, 'one/metadata.csv', 'file_name,problem,answer\na.png,p,1\n');
    put(folder, 'one/a.png', tinyPng(1));
    const { dataset, problems } = await loadProblems(`${folder}/one`);
    expect([dataset.name, dataset.format, dataset.images]).toEqual(['one', 'csv', ['file_name']]);
    expect(problems[0]!.images).toHaveLength(1);
  });

  it('are the same problems wherever they lie', async () => {
    for (const place of ['here', 'there']) {
      put(folder, `${place}/metadata.csv`, 'file_name,problem,answer\na.png,p,1\nb.png,p,2\n');
      for (const name of ['a.png', 'b.png']) put(folder, `${place}/${name}`, tinyPng(1));
    }
    const [here, there] = [await loadProblems(`${folder}/here`), await loadProblems(`${folder}/there`)];
    const keys = here.problems.map(({ key }) => key);
    expect(there.problems.map(({ key }) => key)).toEqual(keys);
    expect(new Set(keys).size).toBe(2);
  });

  it('with several splits, or with a list of files elsewhere, are refused', async () => {
    put(folder, 'splits/dataset_dict.json', '{"splits": ["train", "test"]}');
    await expect(readDataset(`${folder}/splits`)).rejects.toMatchObject({ code: 'unsupported' });
    for (const state of ['{"_data_files": [{"filename": "../x.arrow"}]}', '{"_data_files": 5}', 'null', '{']) {
      put(folder, 'saved/state.json', state);
      await expect(readDataset(`${folder}/saved`)).rejects.toMatchObject({ code: 'bad-data' });
    }
  });
});

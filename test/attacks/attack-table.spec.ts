import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TOP } from '../support/repository.js';

const FOLDER = join(TOP, 'test/attacks');
const README = join(TOP, 'libs/tlog/README.md');

interface Row {
  readonly attack: string;
  readonly files: readonly string[];
}

async function rows(): Promise<Row[]> {
  const section = /^## Attacks\n([^]*?)(?=^## )/m.exec(await readFile(README, 'utf8'))?.[1] ?? '';
  const [, , ...lines] = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.map((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    const files = [...(cells[5] ?? '').matchAll(/\]\(\.\.\/\.\.\/test\/attacks\/([^)]+)\)/g)].map(([, file = '']) => file);
    return { attack: cells[1] ?? '', files };
  });
}

/** What each file tests, with the number of its tests. */
async function tested(): Promise<Map<string, Map<string, number>>> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.int-spec.ts'));
  return new Map(
    await Promise.all(
      names.map(async (name) => {
        const [, ...attacks] = (await readFile(join(FOLDER, name), 'utf8')).split(/\battack\(\s*(?=['"])/);
        const counted = attacks.map((source): [string, number] => {
          const [, quote = '', title = ''] = /^(['"])(.*?)\1/.exec(source) ?? [];
          expect(`${name}: ${quote}`).not.toBe(`${name}: `);
          return [title, source.match(/\bit(\.each\b|\()/g)?.length ?? 0];
        });
        return [name, new Map(counted)] as const;
      }),
    ),
  );
}

describe('the table of attacks', () => {
  it('names for every attack the files that test it, and each of them does', async () => {
    const table = await rows();
    const tests = await tested();
    expect(table.length).toBeGreaterThan(20);
    const untested = table.flatMap(({ attack, files }) =>
      files.length === 0
        ? [`${attack}: no file`]
        : files.filter((file) => !tests.get(file)?.get(attack)).map((file) => `${attack}: not in ${file}`),
    );
    expect(untested).toEqual([]);
  });

  it('has a row for everything that is tested, once', async () => {
    const table = new Map((await rows()).map(({ attack, files }) => [attack, files]));
    expect(table.size).toBe((await rows()).length);
    const unlisted = [...(await tested())].flatMap(([file, attacks]) =>
      [...attacks.keys()].filter((attack) => !table.get(attack)?.includes(file)).map((attack) => `${file}: ${attack}`),
    );
    expect(unlisted).toEqual([]);
  });
});

import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

it('is a unit that systemd understands to the last line', async () => {
  const unit = await readFile(join(import.meta.dirname, '../custodiet-dock.service'), 'utf8');
  const folder = await mkdtemp(join(tmpdir(), 'custodiet-dock-unit-'));
  try {
    // systemd wants the program to be there, and its own judgement is of everything else
    await writeFile(join(folder, 'custodiet-dock.service'), unit.replace('/usr/local/bin/custodiet-dock', process.execPath));
    const said = spawnSync('systemd-analyze', ['verify', join(folder, 'custodiet-dock.service')], { encoding: 'utf8' });
    expect({ status: said.status, stderr: said.stderr }).toEqual({ status: 0, stderr: '' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

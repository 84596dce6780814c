import { readConfig, readWitnessKey } from './witness-config.js';
import { WitnessState, checkpointOf } from './witness-state.js';

/** One paragraph a log, and whether none of them has shown two histories. @throws UsageFault */
export async function statusCommand(path: string): Promise<{ text: string; ok: boolean }> {
  const config = await readConfig(path);
  const { vkey } = await readWitnessKey(config);
  const state = await WitnessState.read(config.stateFile, vkey);
  const origins = [...new Set(config.logs.map(({ name }) => name))];
  const conflicts = origins.filter((origin) => state.record(origin)?.conflict !== undefined);
  const lines = origins.flatMap((origin) => {
    const record = state.record(origin);
    if (record === undefined) return [`${origin}: size 0, never cosigned`];
    const { size, root } = checkpointOf(record.note);
    return [
      `${origin}: size ${size}, root ${Buffer.from(root).toString('base64')}, last cosigned ${record.cosignedAt}`,
      ...(record.conflict === undefined ? [] : conflictLines(record.conflict)),
    ];
  });
  return { text: [`witness ${vkey}`, ...lines, ''].join('\n'), ok: conflicts.length === 0 };
}

/** Both notes in full: who has them needs neither this witness nor its state to prove the fork. */
function conflictLines({ cosigned, shown, seenAt }: { cosigned: string; shown: string; seenAt: string }): string[] {
  const quoted = (note: string): string[] =>
    note
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`.trimEnd());
  return [
    `  TWO HISTORIES: at ${seenAt} the log showed another tree of size ${checkpointOf(shown).size}. It had signed`,
    ...quoted(cosigned),
    '  and it signed',
    ...quoted(shown),
  ];
}

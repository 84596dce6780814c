import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { DerivedRecordings, RecordingsService, WorkSpace, type Recording } from '#evidence';
import { system } from '#identity';
import { checkRedaction, MediaError, probe, renderRedaction } from '#media';
import { Clock, Hopeless, UnitOfWork, type JobContext, type JobHandler } from '#platform';
import { Redaction } from './redaction.entity.js';

const BY = system('redaction');
const LEAK_CHECK = 'every region of every frame is the fill, muted spans are silent, streams and tags are on the allow-list';

/** Job `redact`: render the plan, check the result for leaks, seal it as a recording that names its parent. */
@Injectable()
export class RedactProcessor implements JobHandler {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly recordings: RecordingsService,
    private readonly derived: DerivedRecordings,
    private readonly workSpace: WorkSpace,
    private readonly clock: Clock,
  ) {}

  async run(redactionId: string, { signal, progress }: JobContext): Promise<void> {
    const redaction = await this.unitOfWork.reader.findOneByOrFail(Redaction, { id: redactionId });
    if (redaction.state !== 'rendering') return;
    const parent = await this.recordings.get(redaction.recordingId);
    await this.workSpace.with((folder) => this.render(redaction, parent, folder, signal, progress));
  }

  async gaveUp(redactionId: string, error: Error): Promise<void> {
    const problem =
      error instanceof Hopeless || error instanceof MediaError
        ? error.message
        : 'It could not be rendered; the worker log says why.';
    await this.unitOfWork.run(async (tx) => {
      const redaction = await tx.findOneOrFail(Redaction, { where: { id: redactionId }, lock: { mode: 'pessimistic_write' } });
      if (redaction.state !== 'rendering') return;
      await tx.update(Redaction, { id: redactionId }, { state: 'failed', failure: problem, finishedAt: this.clock.now() });
      await this.custody.append(tx, redaction.recordingId, { type: 'redaction.failed', redaction: redactionId, problem }, BY);
    });
  }

  private async render(
    redaction: Redaction,
    parent: Recording,
    folder: string,
    signal: AbortSignal,
    onProgress: (percent: number) => void,
  ): Promise<void> {
    const { tools } = this.workSpace;
    if (parent.probe === null || parent.versionId === null) throw new Hopeless('The recording is not sealed.');
    const source = join(folder, 'original');
    const out = join(folder, 'redacted.mp4');
    const read = await this.workSpace.fetch({ ...parent, versionId: parent.versionId }, source, signal);
    if (!read.sha256.equals(parent.sha256)) throw new Error('the stored original no longer has its SHA-256');
    const { plan } = redaction;
    const { tool, recipe } = await renderRedaction(tools, { file: source, probe: parent.probe, plan, out, onProgress, signal });
    const leaks = await checkRedaction(tools, { source, out, probe: parent.probe, plan });
    if (leaks.length > 0) throw new Hopeless(`The leak check failed: ${leaks.slice(0, 5).join(' ')}`);
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(out)) hash.update(chunk as Buffer);
    const sha256 = hash.digest();
    const file = { id: uuidv7(), parent, path: out, name: redactedName(parent.name), sha256, size: (await stat(out)).size };
    await this.derived.seal({ ...file, probe: await probe(tools, out, signal) }, async (tx) => {
      const current = await tx.findOneOrFail(Redaction, { where: { id: redaction.id }, lock: { mode: 'pessimistic_write' } });
      if (current.state !== 'rendering') return false;
      await tx.update(Redaction, { id: redaction.id }, { state: 'sealed', resultId: file.id, finishedAt: this.clock.now() });
      await this.custody.append(
        tx,
        parent.id,
        {
          type: 'redaction.sealed',
          redaction: redaction.id,
          result: file.id,
          planSha256: redaction.planSha256.toString('hex'),
          recipe,
          tool,
          leakCheck: LEAK_CHECK,
          sha256: sha256.toString('hex'),
        },
        BY,
      );
      return true;
    });
  }
}

/** `clip.mov` → `clip.redacted.mp4` */
function redactedName(name: string): string {
  return `${name.replace(/\.[^.]*$/, '').slice(0, 200)}.redacted.mp4`;
}

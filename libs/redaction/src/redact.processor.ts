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
import { Clock, Hopeless, UnitOfWork, type JobContext, type JobHandler, type Tx } from '#platform';
import { parametersText } from './parameters-text.js';
import { PlanChanged, RedactionNotNow } from './redaction-problems.js';
import { Rendering, type Redaction, type SavedPlan } from './redaction.entity.js';
import { RedactionsService } from './redactions.service.js';

const BY = system('redaction');
const LEAK_CHECK =
  'every region of every frame is the fill, or as mosaic or blur holds no detail finer than its blocks; muted spans are silent, or hold their tone ' +
  'and nothing else; streams and tags are on the allow-list';
const MOST_LEAKS_SAID = 5;

interface Work {
  readonly rendering: Rendering;
  readonly saved: SavedPlan;
  readonly parent: Recording;
}

/** Job `redact`: render one version of a plan, check the result for leaks, seal it as a recording that names its parent. */
@Injectable()
export class RedactProcessor implements JobHandler {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly redactions: RedactionsService,
    private readonly recordings: RecordingsService,
    private readonly derived: DerivedRecordings,
    private readonly workSpace: WorkSpace,
    private readonly clock: Clock,
  ) {}

  async run(renderingId: string, { signal, progress }: JobContext): Promise<void> {
    const rendering = await this.unitOfWork.reader.findOneByOrFail(Rendering, { id: renderingId });
    const redaction = await this.redactions.get(rendering.redactionId);
    // It may have been given up, be finished by a job that came twice, or have another plan by now.
    if (redaction.version !== rendering.version) return;
    const isOpen = redaction.state === 'failed' ? await this.takeUpAgain(rendering) : redaction.state === 'rendering';
    if (!isOpen) return;
    const [saved, parent] = await Promise.all([
      this.redactions.plan(redaction.id, rendering.version),
      this.recordings.get(redaction.recordingId),
    ]);
    const work = (folder: string): Promise<void> => this.render({ rendering, saved, parent }, folder, signal, progress);
    // The original, and beside it what is made of it.
    await this.workSpace.with(work, { bytes: 2 * parent.size, signal });
  }

  async gaveUp(renderingId: string, error: Error): Promise<void> {
    const problem =
      error instanceof Hopeless || error instanceof MediaError
        ? error.message
        : 'It could not be rendered; the worker log says why.';
    const { redactionId, version } = await this.unitOfWork.reader.findOneByOrFail(Rendering, { id: renderingId });
    await this.unitOfWork.run(async (tx) => {
      const redaction = await this.whileOpen(tx, redactionId, { kind: 'fail', version });
      if (redaction === undefined) return;
      await tx.update(Rendering, { id: renderingId }, { failure: problem, finishedAt: this.clock.now() });
      const event = { type: 'redaction.failed', redaction: redactionId, version, problem } as const;
      await this.custody.append(tx, redaction.recordingId, event, BY);
    });
  }

  /** Somebody has it tried again that failed: a job that is parked does not come by itself. @returns false when another version was saved meanwhile */
  private async takeUpAgain({ id, redactionId, version }: Rendering): Promise<boolean> {
    return this.unitOfWork.run(async (tx) => {
      if ((await this.whileOpen(tx, redactionId, { kind: 'retry', version })) === undefined) return false;
      await tx.update(Rendering, { id }, { failure: null, finishedAt: null });
      return true;
    });
  }

  private async render(work: Work, folder: string, signal: AbortSignal, onProgress: (percent: number) => void): Promise<void> {
    const { rendering, saved, parent } = work;
    const { tools } = this.workSpace;
    if (parent.probe === null || parent.versionId === null) throw new Hopeless('The recording is not sealed.');
    const source = join(folder, 'original');
    const out = join(folder, 'redacted.mp4');
    const read = await this.workSpace.fetch({ ...parent, versionId: parent.versionId }, source, signal);
    if (!read.sha256.equals(parent.sha256)) throw new Error('the stored original no longer has its SHA-256');
    const { plan } = saved;
    const rendered = await renderRedaction(tools, { file: source, probe: parent.probe, plan, out, onProgress, signal });
    const leaks = await checkRedaction(tools, { source, out, probe: parent.probe, plan, signal });
    if (leaks.length > 0) throw new Hopeless(`The leak check failed: ${leaks.slice(0, MOST_LEAKS_SAID).join(' ')}`);
    // What is put into the store stays there: not for somebody who has meanwhile given the redaction up.
    if ((await this.redactions.get(rendering.redactionId)).state !== 'rendering') return;
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(out)) hash.update(chunk as Buffer);
    const sha256 = hash.digest();
    const file = { id: uuidv7(), parent, path: out, name: redactedName(parent.name), sha256, size: (await stat(out)).size };
    const found = await probe(tools, out, signal);
    await this.derived.seal({ ...file, probe: found }, (tx) => this.finish(tx, work, { ...rendered, result: file.id, sha256 }));
  }

  /** Within the sealing transaction. @returns false when the rendering was finished or given up already: then nothing is kept */
  private async finish(
    tx: Tx,
    { rendering, saved, parent }: Work,
    made: { tool: string; recipe: string; parameters?: readonly string[] | string; result: string; sha256: Buffer },
  ): Promise<boolean> {
    const { id, redactionId, version } = rendering;
    const redaction = await this.whileOpen(tx, redactionId, { kind: 'finish', version });
    if (redaction === undefined) return false;
    const { tool, recipe, result, sha256 } = made;
    const parameters = parametersText(made.parameters);
    await tx.update(Rendering, { id }, { finishedAt: this.clock.now(), resultId: result, tool, recipe, parameters });
    await this.custody.append(
      tx,
      parent.id,
      {
        type: 'redaction.sealed',
        redaction: redactionId,
        result,
        version,
        planSha256: saved.sha256.toString('hex'),
        recipe,
        tool,
        ...(parameters === null ? {} : { parameters: createHash('sha256').update(parameters).digest('hex') }),
        leakCheck: LEAK_CHECK,
        sha256: sha256.toString('hex'),
      },
      BY,
    );
    return true;
  }

  /** Takes the step, or says that the redaction is no longer where the job found it: a job may come twice. */
  private async whileOpen(
    tx: Tx,
    redactionId: string,
    deed: { kind: 'finish' | 'fail' | 'retry'; version: number },
  ): Promise<Redaction | undefined> {
    try {
      return await this.redactions.proceed(tx, redactionId, deed);
    } catch (error) {
      if (error instanceof RedactionNotNow || error instanceof PlanChanged) return undefined;
      throw error;
    }
  }
}

/** `clip.mov` → `clip.redacted.mp4` */
function redactedName(name: string): string {
  return `${name.replace(/\.[^.]*$/, '').slice(0, 200)}.redacted.mp4`;
}

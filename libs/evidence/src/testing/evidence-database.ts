import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Custody, CustodyLog, LogMirror, Sequencer } from '#custody';
import { Clock, loadConfig, Notifications, Outbox, UnitOfWork, type Config } from '#platform';
import { ObjectStore } from '#storage';
import { testEnvironment, type TestEnvironment } from '../../../../test/support/stack.js';
import { Alert } from '../alert.entity.js';
import { AlertsService } from '../alerts.service.js';
import { FixityCheck } from '../fixity-check.entity.js';
import { FixityChecks } from '../fixity-checks.service.js';
import { FixityProcessor } from '../fixity.processor.js';
import { partIntake } from '../part-intake.provider.js';
import type { PartIntake } from '../part-intake.js';
import { PartLocks } from '../part-locks.js';
import { receivingRecording } from '../receiving-recording.js';
import { Recording } from '../recording.entity.js';
import { Rendition, RenditionFile } from '../rendition.entity.js';
import { StoredManifest } from '../manifest.entity.js';
import { UploadExpiry } from '../upload-expiry.service.js';
import { UploadPart } from '../upload-part.entity.js';
import { UploadPartsService } from '../upload-parts.service.js';
import { UploadsService } from '../uploads.service.js';

const BY = { kind: 'system', id: null, name: 'test' } as const;

/** The real clock, put forward or back. */
export class SetClock extends Clock {
  aheadMs = 0;

  override now(): Date {
    return new Date(Date.now() + this.aheadMs);
  }
}

/** Recordings in a fresh database and a real store, and the services that look after them, as the product puts them together. */
export class EvidenceDatabase {
  readonly config: Config;
  readonly clock = new SetClock();
  readonly unitOfWork: UnitOfWork;
  readonly custody = new Custody(this.clock);
  readonly outbox = new Outbox();
  readonly store: ObjectStore;
  readonly alerts: AlertsService;
  private readonly notifications: Notifications;
  private readonly locks: PartLocks;
  private readonly sequencer: Sequencer;

  private constructor(
    private readonly environment: TestEnvironment,
    private readonly dataSource: DataSource,
  ) {
    this.config = loadConfig('worker', { ...environment.env });
    this.unitOfWork = new UnitOfWork(dataSource);
    this.store = this.storeAt(this.config.S3_ENDPOINT);
    this.alerts = new AlertsService(this.unitOfWork, this.custody, this.clock);
    this.notifications = new Notifications(this.config);
    this.locks = new PartLocks(this.config);
    const mirror = new LogMirror(this.config, this.store);
    this.sequencer = new Sequencer(this.config, environment.env['LOG_SIGNING_KEY'] ?? '', new Clock(), mirror, undefined);
  }

  static async create(overrides: Readonly<Record<string, string>> = {}): Promise<EvidenceDatabase> {
    Logger.overrideLogger(false);
    const environment = await testEnvironment(overrides);
    const entities = [Recording, StoredManifest, UploadPart, Rendition, RenditionFile, Alert, FixityCheck];
    const url = environment.database.urls.DATABASE_URL;
    const dataSource = await new DataSource({ type: 'postgres', url, poolSize: 12, entities }).initialize();
    const database = new EvidenceDatabase(environment, dataSource);
    await database.store.ensureBucket(database.config.S3_EVIDENCE_BUCKET, { mode: 'GOVERNANCE', days: 1 });
    database.sequencer.onApplicationBootstrap();
    return database;
  }

  async close(): Promise<void> {
    await this.sequencer.onApplicationShutdown();
    await this.locks.onApplicationShutdown();
    await this.notifications.onApplicationShutdown();
    await this.dataSource.destroy();
    this.store.close();
    await this.environment.dispose();
  }

  get uploads(): UploadsService {
    return new UploadsService(this.unitOfWork, this.log, this.outbox, this.clock);
  }

  get expiry(): UploadExpiry {
    return new UploadExpiry(this.config, this.unitOfWork, this.custody, this.outbox, this.uploads, this.alerts, this.clock);
  }

  fixityEvery(days: number): FixityChecks {
    return new FixityChecks({ FIXITY_DAYS: days }, this.unitOfWork, this.outbox, this.clock);
  }

  fixityProcessor(checks: FixityChecks, store = this.store): FixityProcessor {
    return new FixityProcessor(this.unitOfWork, this.custody, this.log, store, checks, this.alerts, this.clock);
  }

  /** A client of the store at another address. */
  storeAt(endpoint: string): ObjectStore {
    const { S3_REGION: region, S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = this.config;
    return new ObjectStore({ endpoint, region, accessKeyId, secretAccessKey });
  }

  /** An announced recording, nothing of which has arrived. */
  async receiving(bytes: Buffer): Promise<Recording> {
    const recording = receivingRecording(said(bytes), this.config, this.clock.now());
    await this.unitOfWork.reader.insert(Recording, recording);
    return recording;
  }

  /** As the API takes it. @param part from 1 */
  async send(recording: Recording, part: number, bytes: Buffer): Promise<void> {
    const piece = bytes.subarray((part - 1) * recording.partSize, part * recording.partSize);
    const contentDigest = `sha-256=:${createHash('sha256').update(piece).digest('base64')}:`;
    const body = Readable.from([piece]) as IncomingMessage;
    const intake = partIntake.useFactory(this.config) as PartIntake;
    const parts = new UploadPartsService(this.unitOfWork, this.custody, this.store, intake, this.locks);
    await parts.receive(recording.id, { number: part, body, length: piece.length, contentDigest }, BY);
  }

  /** A recording that was sealed and locked for two days. @param stored what the store has of it; else `bytes` */
  async sealed(bytes: Buffer = randomBytes(1000), stored: Buffer = bytes): Promise<Recording> {
    const announced = receivingRecording(said(bytes), this.config, this.clock.now());
    const { bucket, key } = announced;
    const version = await this.store.put(bucket, key, stored, 'video/mp4');
    const retainUntil = new Date(Date.now() + 48 * 3_600_000);
    await this.store.retainUntil(version, retainUntil, 'GOVERNANCE');
    return this.unitOfWork.run(async (tx) => {
      const { versionId } = version;
      const sealedEntry = await this.custody.append(
        tx,
        announced.id,
        {
          type: 'recording.sealed',
          ...{ size: bytes.length, bucket, key, versionId, method: 'test', parent: null },
          retainUntil: retainUntil.toISOString(),
          sha256: announced.sha256.toString('hex'),
        },
        BY,
      );
      const recording: Recording = { ...announced, state: 'sealed', versionId, sealedAt: this.clock.now(), sealedEntry };
      await tx.insert(Recording, recording);
      return recording;
    });
  }

  async recording(id: string): Promise<Recording> {
    return this.unitOfWork.reader.findOneByOrFail(Recording, { id });
  }

  /** Types and payloads of what was written about it, placed in the log or not yet. */
  async eventsOf(subject: string): Promise<{ type: string; event: Record<string, unknown> }[]> {
    return this.rows(
      `SELECT e.type, p.payload::jsonb->'event' AS event FROM (
         SELECT id, type FROM custody_entries WHERE subject = $1 UNION SELECT id, type FROM custody_pending WHERE subject = $1
       ) e JOIN custody_payloads p ON p.entry = e.id ORDER BY e.id`,
      [subject],
    );
  }

  async openJobs(job: string): Promise<string[]> {
    const rows = await this.rows<{ ref: string }>('SELECT ref FROM outbox WHERE job = $1 AND done_at IS NULL ORDER BY id', [job]);
    return rows.map(({ ref }) => ref);
  }

  async rows<Row>(sql: string, parameters: unknown[] = []): Promise<Row[]> {
    return this.unitOfWork.reader.query<Row[]>(sql, parameters);
  }

  private get log(): CustodyLog {
    return new CustodyLog(this.unitOfWork, this.notifications, undefined);
  }
}

function said(bytes: Buffer): Parameters<typeof receivingRecording>[0] {
  const nothing = { manifestId: null, dockId: null, handedInBy: null, counter: null, officerId: null, gpsTrack: null };
  return {
    ...nothing,
    ...{ name: 'clip.mp4', size: bytes.length, sha256: createHash('sha256').update(bytes).digest(), origin: 'dock' },
    ...{ camera: 'TEST-CAMERA-1', officerBadge: 'T-1', recordedAt: new Date(), clockOffsetMs: 0 },
    ...{ preEventSeconds: null, category: null, flagged: false },
  };
}

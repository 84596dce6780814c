import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import type { ManifestFile } from '#tlog';

/** What tells a file on this dock from any other: the same path with another size or time of change is another file. */
export interface FileStamp {
  /** Absolute. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Of the last change, milliseconds since 1970, whole. */
  readonly modifiedMs: number;
}

/**
 * How far a file has come. What is done next follows from the facts of the entry (is it hashed, is there a manifest, what does the server
 * say), so a state that a power cut left behind is never wrong enough to lose or repeat anything.
 */
export const FILE_STATES = [
  /** Its camera is not known yet; it is looked at again when its sidecar changes. */
  'needs-metadata',
  /** Found, hashed or not, not announced. */
  'waiting',
  'sending',
  /** Everything is sent; the server reads it back. */
  'sealing',
  /** The file cannot be read at the moment, such as that of a camera that was pulled out. */
  'paused',
  /** Ended without a recording, loudly: a person has to look, and only a person starts it again. */
  'stopped',
  'sealed',
  /** Sealed, and deleted here under its verified receipt. */
  'erased',
  'quarantined',
  /** The service held the same bytes already. */
  'duplicate',
  /** There is another file under its name now. */
  'changed',
] as const;
export type FileState = (typeof FILE_STATES)[number];

const instant = z.iso.datetime();
const uuid = z.string().check(z.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/));
const natural = z.int().check(z.gte(0));

/** What was or will be announced. Its fields were checked when they were described, and are again when the manifest is signed. */
const announced = z.looseObject({
  name: z.string(),
  size: natural,
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  camera: z.string(),
  recordedAt: z.string(),
  clockOffsetMs: z.int(),
});

export const journalEntry = z.strictObject({
  format: z.literal('custodiet-dock/journal/v1'),
  path: z.string().check(z.startsWith('/')),
  size: natural,
  modifiedMs: z.int(),
  state: z.enum(FILE_STATES),
  /** Set once the file is described and hashed, so that nothing is hashed twice. */
  file: z.optional(announced),
  /** The sidecar whose words are in `file`; it is erased with the video. */
  sidecar: z.optional(z.strictObject({ path: z.string(), sha256: z.string() })),
  /** Manifests that are used up for this file: expired, or refused as a whole. */
  spent: z.array(uuid),
  recording: z.optional(uuid),
  /** Bytes that the server had when they were last counted. */
  sentBytes: natural,
  /** How often it was begun to announce and send it. */
  attempts: natural,
  /** The last trouble, for a person. */
  trouble: z.optional(z.string()),
  /** Path of the verified receipt. */
  receipt: z.optional(z.string()),
  /** Deleting it was begun: gone from its folder, it was deleted. */
  erasing: z.optional(z.boolean()),
  /** Index of the sealing in the custody log, decimal. */
  logIndex: z.optional(z.string()),
  sealedAt: z.optional(z.string()),
  duplicateOf: z.optional(z.string()),
  foundAt: instant,
  /** When its state last changed. */
  since: instant,
});

type Written = z.infer<typeof journalEntry>;
export type JournalEntry = Readonly<Omit<Written, 'file'>> & { readonly file?: ManifestFile | undefined };

const SETTLED: readonly FileState[] = ['sealed', 'erased', 'quarantined', 'duplicate', 'changed'];

/** Nothing more is sent for it. */
export function isSettled({ state }: Pick<JournalEntry, 'state'>): boolean {
  return SETTLED.includes(state);
}

/** Waiting for nobody but the server. */
export function isUnderWay({ state }: Pick<JournalEntry, 'state'>): boolean {
  return state === 'waiting' || state === 'sending' || state === 'sealing';
}

export function keyOf({ path, size, modifiedMs }: FileStamp): string {
  return createHash('sha256')
    .update(JSON.stringify([path, size, modifiedMs]))
    .digest('hex')
    .slice(0, 32);
}

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { CopyForm, DisclosureState, RecipientKind } from './disclosure.rules.js';

const bigint = { to: (value: number) => value, from: (value: string) => Number(value) };
const nullableBigint = {
  to: (value: number | null) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};

/** What is released to one recipient outside, from the proposal to its end. */
@Entity('disclosures')
export class Disclosure {
  @PrimaryColumn('uuid')
  id: string;
  @Column('text')
  state: DisclosureState;
  /** Their name. */
  @Column('text')
  recipient: string;
  @Column('text')
  organisation: string;
  @Column('text')
  kind: RecipientKind;
  @Column('text', { nullable: true })
  email: string | null;
  @Column('text', { name: 'legal_basis' })
  legalBasis: string;
  @Column('text')
  conditions: string;
  @Column('text')
  form: CopyForm;
  /** Why an original is released although there is a redacted copy of it. */
  @Column('text', { name: 'override_reason', nullable: true })
  overrideReason: string | null;
  @Column('timestamptz')
  until: Date;
  /** How often it may be fetched. */
  @Column('int')
  fetches: number;
  @Column('int', { name: 'fetches_begun' })
  fetchesBegun: number;
  @Column('uuid', { name: 'proposed_by' })
  proposedBy: string;
  @Column('uuid', { name: 'proposed_human' })
  proposedHuman: string;
  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
  @Column('uuid', { name: 'decided_by', nullable: true })
  decidedBy: string | null;
  @Column('uuid', { name: 'decided_human', nullable: true })
  decidedHuman: string | null;
  @Column('timestamptz', { name: 'decided_at', nullable: true })
  decidedAt: Date | null;
  @Column('text', { name: 'decision_note', nullable: true })
  decisionNote: string | null;
  /** Why there is no package. */
  @Column('text', { nullable: true })
  problem: string | null;
  @Column('text', { nullable: true })
  bucket: string | null;
  @Column('text', { nullable: true })
  key: string | null;
  @Column('text', { name: 'version_id', nullable: true })
  versionId: string | null;
  /** Bytes of the package. */
  @Column('bigint', { nullable: true, transformer: nullableBigint })
  size: number | null;
  @Column('int', { nullable: true })
  files: number | null;
  @Column('bytea', { nullable: true })
  sha256: Buffer | null;
  @Column('bytea', { name: 'manifest_sha256', nullable: true })
  manifestSha256: Buffer | null;
  /** The entry `disclosure.packaged` on the disclosure's own chain. */
  @Column('uuid', { name: 'packaged_entry', nullable: true })
  packagedEntry: string | null;
  @Column('timestamptz', { name: 'packaged_at', nullable: true })
  packagedAt: Date | null;
  @Column('bytea', { name: 'link_hash', nullable: true })
  linkHash: Buffer | null;
  @Column('timestamptz', { name: 'link_issued_at', nullable: true })
  linkIssuedAt: Date | null;
  @Column('text', { name: 'code_hash', nullable: true })
  codeHash: string | null;
  /** Since the code was last right. */
  @Column('int', { name: 'code_tries' })
  codeTries: number;
  @Column('timestamptz', { name: 'confirmed_at', nullable: true })
  confirmedAt: Date | null;
  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt: Date | null;
  @Column('uuid', { name: 'ended_by', nullable: true })
  endedBy: string | null;
  @Column('text', { name: 'end_reason', nullable: true })
  endReason: string | null;
}

@Entity('disclosure_items')
export class DisclosureItem {
  @PrimaryColumn('uuid', { name: 'disclosure_id' })
  disclosureId: string;
  @PrimaryColumn('uuid', { name: 'recording_id' })
  recordingId: string;
  /** In the order in which they were named; from 0. */
  @Column('int')
  place: number;
  /** On the recording's own time axis; null for all of it. */
  @Column('bigint', { name: 'from_ms', nullable: true, transformer: nullableBigint })
  fromMs: number | null;
  @Column('bigint', { name: 'to_ms', nullable: true, transformer: nullableBigint })
  toMs: number | null;
}

/** One of the times that a package may be fetched; a recipient whose connection broke goes on with it. */
@Entity('disclosure_fetches')
export class DisclosureFetch {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'disclosure_id' })
  disclosureId: string;
  @Column('uuid', { name: 'begun_entry' })
  begunEntry: string;
  @Column('timestamptz', { name: 'begun_at' })
  begunAt: Date;
  @Column('timestamptz', { name: 'last_at' })
  lastAt: Date;
  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt: Date | null;
}

/** One answer: the bytes that were asked for, both ends included, and how many of them were sent. */
@Entity('disclosure_sendings')
export class DisclosureSending {
  @PrimaryColumn('uuid')
  id: string;
  @Column('uuid', { name: 'fetch_id' })
  fetchId: string;
  @Column('bigint', { transformer: bigint })
  first: number;
  @Column('bigint', { transformer: bigint })
  last: number;
  @Column('bigint', { transformer: bigint })
  sent: number;
  /** As far as the process that sends it has said; see `at`. */
  @Column('boolean')
  running: boolean;
  @Column('timestamptz')
  at: Date;
}

import { Controller, Get, Header, HttpCode, Param, Post, StreamableFile } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Attribution, CustodyEventType } from '#custody';
import { RecordingLoader } from '#evidence';
import { attribution, Asks, By, type Caller } from '#identity';
import { CheckedChains } from './checked-chains.service.js';
import type { ChainEntry } from './chain-entries.rules.js';
import { CustodyReports } from './custody-report.service.js';
import { EvidenceBundles } from './evidence-bundle.service.js';

export interface CustodyEntryView {
  /** Place in the log, decimal: JSON numbers end at 2^53. */
  readonly index: string;
  readonly seq: number;
  readonly type: CustodyEventType;
  readonly at: string;
  readonly actor: string | null;
  /** Of the file that the entry is about, lowercase hex. */
  readonly sha256: string | null;
  /** Null, like `event`, when the payload was erased. */
  readonly who: Attribution | null;
  /** The event's own particulars. */
  readonly event: Readonly<Record<string, unknown>> | null;
  /** Which later entry says that the payload was erased, by its place in the log, and when; null when it was not. */
  readonly erased: { readonly index: string; readonly at: string } | null;
  /** Leaf hash, base64. */
  readonly leaf: string;
}

function view(entry: ChainEntry): CustodyEntryView {
  const { seq, type, at, actor, sha256 = null } = entry.header;
  return {
    ...{ index: entry.index.toString(), seq, type: type as CustodyEventType, at, actor, sha256 },
    ...particulars(entry),
    leaf: Buffer.from(entry.leaf).toString('base64'),
  };
}

function particulars({ who, event, erased }: ChainEntry): Pick<CustodyEntryView, 'who' | 'event' | 'erased'> {
  if (event === null) return { who, event, erased: { index: erased.index.toString(), at: erased.at } };
  const { type: _, ...details } = event;
  return { who, event: details, erased };
}

function attachment(bytes: Buffer, type: string, name: string): StreamableFile {
  return new StreamableFile(bytes, { type, length: bytes.length, disposition: `attachment; filename="${name}"` });
}

@ApiTags('custody')
@Controller('api/recordings')
export class CustodyController {
  constructor(
    private readonly chains: CheckedChains,
    private readonly reports: CustodyReports,
    private readonly bundles: EvidenceBundles,
  ) {}

  /** Every entry about the recording, first one first. `waiting` more are on record and get their place within a moment. */
  @Get(':id/custody')
  @Header('Cache-Control', 'no-store')
  @Asks('custody.read', RecordingLoader)
  async custody(@Param('id') id: string): Promise<{ recording: string; entries: CustodyEntryView[]; waiting: number }> {
    const { entries, waiting } = await this.chains.readAndCount(id);
    return { recording: id, entries: entries.map(view), waiting };
  }

  /** The export is itself an entry; its `sha256` is that of this PDF. */
  @Post(':id/custody-report')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiProduces('application/pdf')
  @Asks('custody-report.export', RecordingLoader)
  async report(@Param('id') id: string, @By() caller: Caller): Promise<StreamableFile> {
    return attachment(await this.reports.export(id, attribution(caller)), 'application/pdf', `custodiet-${id}.pdf`);
  }

  /** For `custodiet-verify`; ends with the entry of its own export. */
  @Post(':id/evidence-bundle')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiProduces('application/zip')
  @Asks('evidence-bundle.export', RecordingLoader)
  async bundle(@Param('id') id: string, @By() caller: Caller): Promise<StreamableFile> {
    return attachment(await this.bundles.export(id, attribution(caller)), 'application/zip', `custodiet-${id}.zip`);
  }
}

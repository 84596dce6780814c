import { Inject, Injectable } from '@nestjs/common';
import { WITNESS_POLICY, type PolicyFile } from '#custody';
import { RecordingsService, type Recording } from '#evidence';
import { planText, RedactionsService } from '#redaction';
import { noteVerifier } from '#tlog';
import type { Lineage } from './recording-lineage.service.js';

/**
 * The files that an evidence bundle carries beside its report and its proofs, by path. The one place where further kinds are added;
 * bundle.json lists the hash of every file it gives.
 */
@Injectable()
export class BundleAttachments {
  constructor(
    private readonly recordings: RecordingsService,
    private readonly redactions: RedactionsService,
    @Inject(WITNESS_POLICY) private readonly policy: PolicyFile | undefined,
  ) {}

  async of(lineage: Lineage): Promise<Map<string, Uint8Array>> {
    return new Map([...(await this.manifest(lineage)), ...(await this.plans(lineage.recording)), ...this.policyText()]);
  }

  private policyText(): Map<string, Uint8Array> {
    return new Map(this.policy === undefined ? [] : [['policy.txt', Buffer.from(this.policy.text, 'utf8')]]);
  }

  private async manifest({ recording, ancestors, dock }: Lineage): Promise<Map<string, Uint8Array>> {
    const files = new Map<string, Uint8Array>();
    const original = ancestors.at(-1) ?? recording;
    const manifest = await this.recordings.manifestOf(original);
    if (manifest === null || dock === null) return files;
    // At the top level the verifier takes the manifest for the recording's own; a redaction's original has a folder.
    const folder = original === recording ? '' : originalFolder(original);
    files.set(`${folder}manifest.note`, Buffer.from(manifest.note, 'utf8'));
    files.set(`${folder}dock-key.txt`, Buffer.from(`${noteVerifier(`dock/${dock.id}`, dock.publicKey).vkey}\n`, 'utf8'));
    return files;
  }

  /**
   * Of every version that was rendered of the recording's redactions, and of the one it came from itself: the plan, and what the tool was
   * given. Their SHA-256 are in the entries of the orders and of the sealings.
   */
  private async plans(recording: Recording): Promise<Map<string, Uint8Array>> {
    const rendered = await this.redactions.rendered(recording.id);
    return new Map(
      rendered.flatMap(({ plan, rendering: { redactionId, version, parameters } }) => {
        const name = `redactions/${redactionId}.v${version}`;
        const files: [string, Uint8Array][] = [[`${name}.plan.json`, Buffer.from(planText(plan.plan), 'utf8')]];
        return parameters === null ? files : [...files, [`${name}.parameters.txt`, Buffer.from(parameters, 'utf8')]];
      }),
    );
  }
}

function originalFolder({ id }: Recording): string {
  return `original/${id}/`;
}

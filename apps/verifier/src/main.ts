#!/usr/bin/env node
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { TlogError, isBundle, salvageZip, verifyBundle, verifyReceipt, type LogTrust } from '#tlog';
import { checkLog } from './log-command.js';
import { LogUnreadable } from './log-source.js';
import { logJson, logText } from './log-text.js';
import { checkPackage, packageJson, packageText } from './package-command.js';
import { checkStatement, statementText } from './statement-command.js';
import { messageOf, readLogKey, readPolicy, readWhole, Unusable } from './trust-options.js';
import { bundleJson, bundleText, receiptText, type BundleResult, type ReceiptResult } from './verdict-text.js';

const VERSION = '0.1.0';

const HELP = `custodiet-verify ${VERSION}: checks Custodiet evidence offline, trusting neither the agency nor its server.

  custodiet-verify BUNDLE [--log-key VKEY|FILE] [--policy FILE] [--json]
  custodiet-verify receipt RECEIPT --file VIDEO [--log-key VKEY|FILE] [--policy FILE] [--json]
  custodiet-verify statement STATEMENT [--log-key VKEY|FILE] [--policy FILE] [--json]
  custodiet-verify package PACKAGE [--proof FILE] [--log-key VKEY|FILE] [--policy FILE] [--json]
  custodiet-verify log URL|DIR [--log-key VKEY|FILE] [--policy FILE] [--token TOKEN|FILE] [--json]
  custodiet-verify fsck …        a running deployment, from its database and object store; see custodiet-verify fsck --help

BUNDLE     an evidence bundle (.zip)
RECEIPT    what the service gave a docking station for one recording, and VIDEO that recording
STATEMENT  what the service gave somebody who searched in vain: that no recording was found, with its log entry and proof
PACKAGE    what was disclosed to somebody: the .zip, or the folder it was unpacked in. Every file is hashed and every bundle
           in it checked. --proof: what is served beside the .zip, to show that the log holds the hash of the .zip itself
URL, DIR   a whole log: the address under which its checkpoint is served (https://…/log), or a folder with the same
           files (checkpoint, tile/0/000 …). Every entry, tile and root is derived again.
--log-key  the log's public key, or a file that holds it, got from somewhere else than the bundle or the log.
           Without it a bundle or a log is only shown to agree with itself.
--policy   a file (c2sp.org/tlog-policy) that says which log keys are trusted and whose cosignatures a checkpoint needs.
           Without it a bundle's own policy is checked, and only shown to hold. A receipt or a statement
           needs a key or a policy.
--token    an auditor's token, or a file that holds it: without it a URL gives hash tiles only, and what the entries say
           is not checked
--json     one JSON object on standard output
--help, --version

Exit status: 0 verified, 1 not verified (what failed and where is printed), 2 not a bundle, unreadable or wrong usage.
`;

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === 'fsck') {
    // With what speaks to databases and object stores, which nothing else here needs.
    const { fsckCommand } = await import('./fsck-command.js');
    return fsckCommand(args.slice(1));
  }
  const { values, positionals } = readArguments(args);
  if (values.help) return print(HELP, 0);
  if (values.version) return print(`${VERSION}\n`, 0);
  const [first, ...rest] = positionals;
  const isReceipt = first === 'receipt';
  const isLog = first === 'log';
  const isPackage = first === 'package';
  const isStatement = first === 'statement';
  const isNamed = isReceipt || isLog || isPackage || isStatement;
  const path = isNamed ? rest.shift() : first;
  if (path === undefined) throw new Unusable(`Which ${isNamed ? first : 'bundle'}?`);
  if (rest.length > 0) throw new Unusable(`One thing at a time: ${JSON.stringify(rest[0])} is one too many.`);
  const logKey = values['log-key'] === undefined ? undefined : await readLogKey(values['log-key']);
  const policy = values.policy === undefined ? undefined : await readPolicy(values.policy);
  const trust = { ...(logKey ? { logKey } : {}), ...(policy ? { policy } : {}) };
  if (!isReceipt && values.file !== undefined) throw new Unusable('--file goes with a receipt.');
  if (!isLog && values.token !== undefined) throw new Unusable('--token goes with a log.');
  if (!isPackage && values.proof !== undefined) throw new Unusable('--proof goes with a package.');
  if (isStatement) {
    if (logKey === undefined && !policy?.logKeys.length)
      throw new Unusable('A statement is checked with --log-key, or a --policy that names logs.');
    const result = await checkStatement(path, trust);
    return print(values.json ? `${JSON.stringify(result)}\n` : statementText(result), result.ok ? 0 : 1);
  }
  if (isPackage) {
    const result = await checkPackage(path, trust, values.proof);
    return print(values.json ? packageJson(result) : packageText(result), result.ok ? 0 : 1);
  }
  if (isLog) {
    const result = await checkLog(path, trust, values.token);
    return print(values.json ? logJson(result) : logText(result), result.verdict.ok ? 0 : 1);
  }
  if (!isReceipt) {
    const result = await checkBundle(path, trust);
    return print(values.json ? bundleJson(result) : bundleText(result), result.verdict.ok ? 0 : 1);
  }
  if (values.file === undefined || (logKey === undefined && !policy?.logKeys.length)) {
    throw new Unusable('A receipt is checked with --file, and --log-key or a --policy that names logs.');
  }
  const result = await checkReceipt(path, values.file, trust);
  return print(values.json ? `${JSON.stringify(result)}\n` : receiptText(result), result.ok ? 0 : 1);
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'log-key': { type: 'string' },
        file: { type: 'string' },
        policy: { type: 'string' },
        token: { type: 'string' },
        proof: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new Unusable(error instanceof Error ? error.message : 'The arguments could not be read.');
  }
}

async function checkBundle(path: string, trust: LogTrust): Promise<BundleResult> {
  const bytes = await readWhole(path);
  let container: ReturnType<typeof salvageZip>;
  try {
    container = salvageZip(bytes);
  } catch (error) {
    if (error instanceof TlogError && error.code === 'not-a-zip')
      throw new Unusable(`${path} is not an evidence bundle: it is no ZIP file.`);
    throw error;
  }
  const { files, fault } = container;
  if (fault === undefined && !isBundle(files)) throw new Unusable(`${path} is not an evidence bundle: it holds no bundle.json.`);
  const inside = verifyBundle(files, trust);
  const detail = fault ?? `${files.size} files in the one form a bundle is written in.`;
  // A container that was altered is looked into all the same: what is inside tells what was changed.
  const checks = [{ name: 'container', ok: fault === undefined, detail }, ...inside.checks];
  return { path, verdict: { ...inside, ok: inside.ok && fault === undefined, checks } };
}

async function checkReceipt(path: string, video: string, trust: LogTrust): Promise<ReceiptResult> {
  const bytes = await readWhole(path);
  const sha256 = await hashOf(video);
  const logKeys = trust.logKey ? [trust.logKey] : (trust.policy?.logKeys ?? []);
  const common = { receipt: path, file: video, sha256, logKeys: logKeys.map(({ vkey }) => vkey) };
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const { index, at, checkpoint, cosigners } = verifyReceipt(text, { ...trust, sha256 });
    const detail = `The log ${checkpoint.origin} holds the sealing of this file as entry ${index}, at ${at}.`;
    const size = checkpoint.size.toString();
    return { ok: true, ...common, detail, index: index.toString(), at, size, cosigners: cosigners.map(({ alias }) => alias) };
  } catch (error) {
    if (error instanceof TlogError) return { ok: false, ...common, detail: error.message, code: error.code };
    if (error instanceof TypeError)
      return { ok: false, ...common, detail: 'The receipt is not UTF-8.', code: 'encoding-malformed' };
    throw error;
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    throw new Unusable(`${path} cannot be read. (${messageOf(error)})`);
  }
  return hash.digest('hex');
}

function print(text: string, status: number): number {
  process.stdout.write(text);
  return status;
}

try {
  // Not process.exit: it would cut off output that a pipe has not taken yet.
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // Whatever was not foreseen has verified nothing either.
  process.stderr.write(
    `custodiet-verify: ${messageOf(error)}\n${error instanceof Unusable || error instanceof LogUnreadable ? 'See custodiet-verify --help.\n' : ''}`,
  );
  process.exitCode = 2;
}

#!/usr/bin/env node
import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { defaultConfigPath } from './dock-config.js';
import { messageOf, UsageFault } from './dock-faults.js';
import { acceptCommand, enrolCommand } from './enrol-command.js';
import { hangUp } from './http-exchange.js';
import { verifyReceiptCommand } from './receipt-command.js';
import { utcInstant } from './recording-file.js';
import { uploadCommand, type UploadFlags } from './upload-command.js';

/** As in package.json; a test holds them together, because the built file stands alone. */
const VERSION = '0.1.0';

const EXIT_CODES = `
Exit codes:
  0   everything sealed, or verified
  1   a file was refused, quarantined or failed; the reason is printed
  2   wrong usage or configuration; nothing was sent
  75  the server could not be reached for as long as patience lasted: run the same command again later`;

const program = new Command('custodiet-dock')
  .description('Brings recordings from a docking station to Custodiet, and keeps the receipts. Never changes or deletes a file.')
  .version(VERSION)
  .addHelpText('after', EXIT_CODES)
  .exitOverride();

function command(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--config <file>', 'configuration of this dock', (path: string) => resolve(path), defaultConfigPath());
}

command('enrol', 'make a key pair and print the public key for the administrator')
  .requiredOption('--server <url>', 'where the service is, such as https://evidence.example')
  .action(enrolCommand);

command('accept', 'store what the administrator gave back')
  .requiredOption('--dock <uuid>', 'id of this dock')
  .requiredOption('--log-key <vkey>', 'public key of the custody log, pinned from now on')
  .action(acceptCommand);

command('upload', 'announce, send and see sealed; running it again resumes')
  .argument('<file...>', 'videos; FILE.json beside one may say { camera, officer, recordedAt, clockOffsetMs }')
  .option('--camera <serial>', 'serial number of the camera')
  .option('--officer <badge>', 'badge of the officer')
  .option('--recorded-at <time>', 'RFC 3339 (default: when the file was last changed)', usable(utcInstant))
  .option('--clock-offset-ms <n>', "camera's clock minus true time", usable(wholeNumber))
  .option('--manifest [path]', 'keep a copy of the signed manifest (default: beside the first file)')
  .option('--receipts <dir>', 'where receipts go (default: beside each file)', (folder) => resolve(folder))
  .option('--patience <seconds>', 'how long to go on trying', usable(seconds), 300)
  .option('--json', 'print one JSON object a file')
  .action(async (files: string[], flags: UploadFlags) => {
    process.exitCode = await uploadCommand(files, flags);
  });

command('verify-receipt', 'check a receipt against the file in hand and the pinned log key')
  .argument('<receipt>')
  .requiredOption('--file <video>', 'the file that was sealed')
  .option('--log-key <vkey>', 'public key of the log (default: the pinned one)')
  .action(async (receipt: string, flags: { file: string; logKey?: string; config: string }) => {
    process.exitCode = await verifyReceiptCommand(receipt, flags);
  });

/** Lets commander name the option when its value is no good. */
function usable<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(messageOf(error));
    }
  };
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) throw new UsageFault('It must be a whole number.');
  return value;
}

function seconds(text: string): number {
  const value = wholeNumber(text);
  if (value < 0) throw new UsageFault('It must not be negative.');
  return value;
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof UsageFault) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`custodiet-dock stopped: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
} finally {
  hangUp();
}

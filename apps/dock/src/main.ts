#!/usr/bin/env node
import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { defaultConfigPath } from './dock-config.js';
import { JournalTaken, messageOf, ServerUnreachable, UsageFault } from './dock-faults.js';
import { isNoRoom } from './durable-write.js';
import { acceptCommand, enrolCommand } from './enrol-command.js';
import { hangUp } from './http-exchange.js';
import { verifyReceiptCommand, verifyReceiptsCommand, type ReceiptsFlags } from './receipts-command.js';
import { utcInstant } from './recording-file.js';
import { statusCommand, type StatusFlags } from './status-command.js';
import { uploadCommand, type UploadFlags } from './upload-command.js';
import { watchCommand, type WatchFlags } from './watch-command.js';

/** As in package.json; a test holds them together, because the built file stands alone. */
const VERSION = '0.1.0';

const EXIT_CODES = `
Exit codes:
  0   everything sealed, or verified; watch: ended when it was told to
  1   a file was refused, quarantined or failed, or has to be looked at; the reason is printed
  2   wrong usage or configuration; nothing was sent
  75  another process works on the journal, or the server could not be reached, or the disk here was full, for as long as patience
      lasted: run the same command again later`;

const program = new Command('custodiet-dock')
  .description(
    'Brings recordings from a docking station to Custodiet, and keeps the receipts. Never changes a file; deletes one only where\n' +
      '--erase-after-receipt is asked for, and only under a verified receipt.',
  )
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

/** What upload and watch have in common. */
function bringing(name: string, description: string): Command {
  return command(name, description)
    .option('--camera <serial>', 'serial number of the camera')
    .option('--officer <badge>', 'badge of the officer (default: whom the service knows to have the camera)')
    .option('--clock-offset-ms <n>', "camera's clock minus true time", usable(wholeNumber))
    .option('--state <dir>', 'where the journal is', (folder: string) => resolve(folder))
    .option('--parallel-parts <n>', 'parts under way at once, over all files (default: 4)', usable(atOnce))
    .option('--parallel-files <n>', 'files under way at once (default: 3)', usable(atOnce))
    .option('--bandwidth <MiB/s>', 'cap on all that is sent', usable(bandwidth))
    .option('--erase-after-receipt', 'delete each file here once its receipt verifies')
    .option('--no-erase-after-receipt', 'do not, whatever the configuration says')
    .option('--ffprobe <path>', 'asked for what neither flags nor sidecar say; "off" asks none');
}

bringing('upload', 'announce, send and see sealed; running it again resumes')
  .argument('<file...>', 'videos; FILE.json beside one may say { camera, officer, recordedAt, clockOffsetMs, … }')
  .option('--recorded-at <time>', 'RFC 3339 (default: when the file was last changed)', usable(utcInstant))
  .option('--manifest [path]', 'keep a copy of the signed manifest (default: beside the first file)')
  .option('--receipts <dir>', 'where receipts go (default: beside each file)', (folder) => resolve(folder))
  .option('--patience <seconds>', 'how long to go on trying', usable(seconds), 300)
  .option('--json', 'print one JSON object a file')
  .action(async (files: string[], flags: UploadFlags) => {
    process.exitCode = await uploadCommand(files, flags);
  });

bringing('watch', 'bring in what cameras hold as they are mounted, for as long as it runs')
  .argument('[dir...]', 'folders, with all below them (default: those of the configuration)')
  .option('--settle <seconds>', 'how long a file has to look the same before it is taken', usable(settling), 5)
  .option('--match <extensions>', 'what is a video', 'mp4,mov,mkv,avi,ts,m4v,mpg')
  .option('--receipts <dir>', 'where receipts go (default: "receipts" beside the journal)', (folder) => resolve(folder))
  .option('--once', 'end when everything that is there has come to its end')
  .option('--retry-stopped', 'try once more what stopped for a person to look at')
  .action(async (folders: string[], flags: WatchFlags) => {
    process.exitCode = await watchCommand(folders, flags);
  });

command('status', 'what is under way, and what has to be looked at')
  .option('--state <dir>', 'where the journal is')
  .option('--json', 'print one JSON object a file')
  .option('--all', 'also what is sealed, erased, held already or was replaced')
  .action(async (flags: StatusFlags) => {
    process.exitCode = await statusCommand(flags);
  });

command(
  'verify-receipts',
  'check receipts against the pinned log key and the files that they speak of, where these are still there',
)
  .argument('[path...]', 'receipts or folders (default: those that the configuration and the journal name)')
  .option('--log-key <vkey>', 'public key of the log (default: the pinned one)')
  .option('--json', 'print one JSON object a receipt')
  .action(async (paths: string[], flags: ReceiptsFlags) => {
    process.exitCode = await verifyReceiptsCommand(paths, flags);
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

function settling(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < 0.1 || value > 3600)
    throw new UsageFault('It must be a number of seconds from 0.1 to 3600.');
  return value;
}

function atOnce(text: string): number {
  const value = wholeNumber(text);
  if (value < 1 || value > 16) throw new UsageFault('It must be from 1 to 16.');
  return value;
}

function bandwidth(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < 0.01 || value > 100_000)
    throw new UsageFault('It must be a number of MiB a second from 0.01.');
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
  } else if (error instanceof JournalTaken || error instanceof ServerUnreachable) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 75;
  } else if (isNoRoom(error)) {
    process.stderr.write(`The disk of this dock is full, nothing can be begun: ${messageOf(error)}\n`);
    process.exitCode = 75;
  } else {
    process.stderr.write(`custodiet-dock stopped: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
} finally {
  hangUp();
}

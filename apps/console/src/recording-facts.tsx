import { Button, Stack, Text } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { receipt } from './hand-in-api.js';
import { sentenceOf } from './service.js';

/** What to write down of a file: it finds the recording, and tells whether two files are one. */
export function Facts({
  recording,
  sha256,
}: {
  readonly recording: string | undefined;
  readonly sha256: string | undefined;
}): ReactNode {
  if (recording === undefined && sha256 === undefined) return null;
  return (
    <dl className="console-facts">
      {recording !== undefined && (
        <>
          <dt>Recording</dt>
          <dd>{recording}</dd>
        </>
      )}
      {sha256 !== undefined && (
        <>
          <dt>SHA-256</dt>
          <dd>{sha256}</dd>
        </>
      )}
    </dl>
  );
}

/** Saves the receipt, byte for byte as the service wrote it. */
export function ReceiptButton({ recording, name }: { readonly recording: string; readonly name: string }): ReactNode {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const download = (): void => {
    setBusy(true);
    setProblem(undefined);
    receipt(recording)
      .then(
        (blob) => save(blob, `${name}.receipt.json`),
        (error: unknown) => setProblem(sentenceOf(error)),
      )
      .finally(() => setBusy(false));
  };
  return (
    <Stack gap="xs" align="flex-start">
      <Button variant="default" size="xs" loading={busy} onClick={download} aria-label={`Download the receipt of ${name}`}>
        Download receipt
      </Button>
      {problem !== undefined && (
        <Text size="sm" role="alert">
          {problem}
        </Text>
      )}
    </Stack>
  );
}

function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has begun to read it by then, however slow the disk.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

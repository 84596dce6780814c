import { Badge, Button, Group, Paper, Progress, Stack, Text } from '@mantine/core';
import { useEffect, useState, type ReactNode } from 'react';
import type { HandedFile } from './hand-in-run.js';
import type { Delay } from './perseverance.js';
import { percent, sizeInWords, WORDS } from './progress-words.rules.js';
import { Facts, ReceiptButton } from './recording-facts.js';

/** One file on its way, and what became of it. */
export function FileCard({
  file,
  paused,
  onTryAgain,
}: {
  readonly file: HandedFile;
  readonly paused: boolean;
  readonly onTryAgain: () => void;
}): ReactNode {
  const { stage, recording, sha256, reason } = file;
  const { label, color } = WORDS[stage];
  return (
    <Paper withBorder p="md" component="article" aria-label={file.file.name}>
      <Stack gap="xs">
        <Group justify="space-between" wrap="nowrap" align="flex-start" gap="sm">
          <Text fw={600} className="console-anywhere">
            {file.file.name}
          </Text>
          <Badge color={color} variant="light" className="console-badge">
            {label}
          </Badge>
        </Group>
        <Moving file={file} paused={paused} />
        {stage === 'sealed' && (
          <Text size="sm">
            Stored, read back and found equal to the file you chose. The receipt proves it without this service.
          </Text>
        )}
        {stage === 'quarantined' && <Text size="sm">{reason} The file is kept, cannot be played, and stays visible.</Text>}
        {stage === 'duplicate' && (
          <Text size="sm">
            {reason ?? 'The service holds this very file already. Nothing was stored twice; the attempt is on record.'}
          </Text>
        )}
        {(stage === 'expired' || stage === 'failed') && <Text size="sm">{reason}</Text>}
        {(WORDS[stage].ended || stage === 'sealing') && <Facts recording={recording} sha256={sha256} />}
        {stage === 'sealed' && recording !== undefined && <ReceiptButton recording={recording} name={file.file.name} />}
        {stage === 'failed' && (
          <Group>
            <Button variant="default" size="xs" onClick={onTryAgain}>
              Try again
            </Button>
          </Group>
        )}
      </Stack>
    </Paper>
  );
}

function Moving({ file, paused }: { readonly file: HandedFile; readonly paused: boolean }): ReactNode {
  const { stage, bytes, delay } = file;
  const { name, size } = file.file;
  if (stage === 'waiting') return <Text size="sm">{paused ? 'Paused.' : `${sizeInWords(size)}, waiting for its turn.`}</Text>;
  if (stage === 'announcing')
    return delay === undefined ? <Text size="sm">Announcing it to the service.</Text> : <Waits delay={delay} />;
  if (stage === 'sealing')
    return <Text size="sm">Everything arrived. The service reads it back from its store and checks it.</Text>;
  if (stage !== 'hashing' && stage !== 'sending') return null;
  const done = percent(bytes, size);
  const what = stage === 'hashing' ? 'SHA-256 computed' : 'sent';
  return (
    <>
      <Progress.Root size="lg" className="console-progress">
        <Progress.Section value={done} aria-label={`${name}: ${what}`} />
      </Progress.Root>
      <Text size="sm">
        {sizeInWords(bytes)} of {sizeInWords(size)} {what} ({done} %)
      </Text>
      {delay !== undefined && <Waits delay={delay} />}
    </>
  );
}

function Waits({ delay }: { readonly delay: Delay }): ReactNode {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.ceil((delay.until - now) / 1000);
  return (
    <Text size="sm" className="console-delay">
      {delay.why} {seconds > 0 ? `Trying again in ${seconds} s.` : 'Trying again.'}
    </Text>
  );
}

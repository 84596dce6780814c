import { Badge, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useCallback, useEffect, useRef, useState, type ReactNode } from 'react';
import { handedInBefore, type HandedIn } from './hand-in-api.js';
import { partsInWords, WORDS } from './progress-words.rules.js';
import { Facts, ReceiptButton } from './recording-facts.js';
import { Refused, sentenceOf } from './service.js';

const AGAIN_MS = 3000;

/**
 * What the person handed in on pages that are closed: receipts are found here, and what was interrupted goes on from here.
 * @param here recordings that the page shows already
 * @param onChosen the file of an interrupted one was chosen again
 */
export function EarlierHandIns({
  signedIn,
  here,
  onChosen,
  onSignedOut,
}: {
  readonly signedIn: boolean;
  readonly onSignedOut: () => void;
  readonly here: readonly string[];
  readonly onChosen: (before: HandedIn, file: File) => void;
}): ReactNode {
  const [files, setFiles] = useState<readonly HandedIn[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<string>();

  const load = useCallback(
    (after?: string) => {
      handedInBefore(after).then(
        (page) => {
          setFiles((known) => (after === undefined ? page.files : [...known, ...page.files]));
          setNext(page.next);
          setProblem(undefined);
        },
        (error: unknown) => {
          if (error instanceof Refused && error.status === 401) onSignedOut();
          else setProblem(sentenceOf(error));
        },
      );
    },
    [onSignedOut],
  );
  useEffect(() => {
    if (signedIn) load();
  }, [signedIn, load]);

  const shown = files.filter(({ recording }) => !here.includes(recording));
  const waiting = signedIn && shown.some(({ state }) => state === 'sealing');
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(() => load(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [waiting, load]);

  if (shown.length === 0 && problem === undefined) return null;
  return (
    <Stack component="section" gap="sm" aria-labelledby="earlier">
      <Title order={2} size="h3" id="earlier">
        Handed in earlier
      </Title>
      {problem !== undefined && (
        <Group>
          <Text size="sm">{problem}</Text>
          <Button variant="default" size="xs" onClick={() => load()}>
            Try again
          </Button>
        </Group>
      )}
      <Stack component="ul" gap="sm" className="console-list">
        {shown.map((file) => (
          <li key={file.recording}>
            <Earlier file={file} onChosen={(chosen) => onChosen(file, chosen)} />
          </li>
        ))}
      </Stack>
      {next !== null && (
        <Group>
          <Button variant="default" onClick={() => load(next)}>
            Older ones
          </Button>
        </Group>
      )}
    </Stack>
  );
}

function Earlier({ file, onChosen }: { readonly file: HandedIn; readonly onChosen: (chosen: File) => void }): ReactNode {
  const { name, recording, sha256, state, reason } = file;
  const { label, color } = state === 'receiving' ? { label: 'Interrupted', color: 'yellow' } : WORDS[state];
  return (
    <Paper withBorder p="sm" component="article" aria-label={name}>
      <Stack gap="xs">
        <Group justify="space-between" wrap="nowrap" align="flex-start" gap="sm">
          <div>
            <Text fw={600} className="console-anywhere">
              {name}
            </Text>
            <Text size="sm" c="dimmed">
              {new Date(file.announcedAt).toLocaleString()}
            </Text>
          </div>
          <Badge color={color} variant="light" className="console-badge">
            {label}
          </Badge>
        </Group>
        {state === 'receiving' && (
          <>
            <Text size="sm">{partsInWords(file)} Choose the same file again: only the rest is sent.</Text>
            <AgainButton name={name} onChosen={onChosen} />
          </>
        )}
        {reason !== undefined && <Text size="sm">{reason}</Text>}
        {state !== 'receiving' && <Facts recording={recording} sha256={sha256} />}
        {state === 'sealed' && <ReceiptButton recording={recording} name={name} />}
      </Stack>
    </Paper>
  );
}

function AgainButton({ name, onChosen }: { readonly name: string; readonly onChosen: (chosen: File) => void }): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  return (
    <Group>
      <Button variant="default" size="xs" aria-label={`Choose ${name} again`} onClick={() => input.current?.click()}>
        Choose the file again
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        aria-hidden
        tabIndex={-1}
        onChange={(event) => {
          const chosen = event.currentTarget.files?.[0];
          if (chosen !== undefined) onChosen(chosen);
          event.currentTarget.value = '';
        }}
      />
    </Group>
  );
}

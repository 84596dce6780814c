import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useCallback, useEffect, useState, type ReactNode } from 'react';
import { Refused, sentenceOf } from './service.js';
import { recordings, type Recording } from './viewing-api.js';
import type { ToWatch } from './viewing-page.js';
import { Playable } from './viewing-playable.js';

/** An officer's own recordings, which the agency's policy lets them watch for their report. */
export function OwnRecordings({
  signedIn,
  onSignedOut,
  onWatch,
}: {
  readonly signedIn: boolean;
  readonly onSignedOut: () => void;
  readonly onWatch: (what: ToWatch) => void;
}): ReactNode {
  const [files, setFiles] = useState<readonly Recording[]>();
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<string>();
  const load = useCallback(
    (after?: string) => {
      recordings(after).then(
        (page) => {
          setFiles((known = []) => (after === undefined ? page.recordings : [...known, ...page.recordings]));
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

  return (
    <Stack component="section" gap="sm" aria-labelledby="own-recordings">
      <Title order={2} size="h3" id="own-recordings">
        Your own recordings
      </Title>
      {problem !== undefined && (
        <Group>
          <Text size="sm">{problem}</Text>
          <Button variant="default" size="xs" onClick={() => load()}>
            Try again
          </Button>
        </Group>
      )}
      {files === undefined && problem === undefined && <Text role="status">Loading…</Text>}
      {files?.length === 0 && <Text>There is no sealed recording of yours.</Text>}
      <Stack component="ul" gap="sm" className="console-list">
        {files?.map((file) => (
          <li key={file.id}>
            <Paper withBorder p="md" component="article" aria-label={file.name}>
              <Stack gap="xs">
                <Text fw={600} className="console-anywhere">
                  {file.name}
                </Text>
                <Text size="sm" c="dimmed">
                  Recorded {new Date(file.recordedAt).toLocaleString()}
                </Text>
                <Playable of={file} />
                <Group>
                  <Button
                    variant="default"
                    aria-label={`Watch ${file.name} for your own report`}
                    onClick={() => onWatch({ recording: file.id, name: file.name, purpose: 'own-report' })}
                  >
                    Watch for your own report
                  </Button>
                </Group>
              </Stack>
            </Paper>
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

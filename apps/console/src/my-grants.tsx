import { Alert, Badge, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useCallback, useEffect, useState, type ReactNode } from 'react';
import { sorted, standingOf, STANDINGS, viewingsLeftInWords, type Grant, type Standing } from './my-grants.rules.js';
import { OwnRecordings } from './my-grants-own.js';
import { Refused, sentenceOf } from './service.js';
import type { Person } from './session.js';
import { grants, recording, recordings, type Recording } from './viewing-api.js';
import { Playable } from './viewing-playable.js';
import { ViewingPage, type ToWatch } from './viewing-page.js';
import { purposeInWords } from './viewing-words.rules.js';

/** Roles that may read about any recording; others only about their own. */
const READ_ANY = ['supervisor', 'investigator', 'custodian', 'auditor'];
/** How many names of recordings are asked for. */
const MOST_NAMED = 50;

interface Known {
  readonly grants: readonly Grant[];
  readonly names: ReadonlyMap<string, Recording>;
}

/**
 * What the person may watch now, and the player.
 * @param signedIn false while the session has ended: the page waits
 * @param onSignedOut the service no longer knows the session
 */
export function MyGrantsPage({
  person,
  signedIn,
  onSignedOut,
}: {
  readonly person: Person;
  readonly signedIn: boolean;
  readonly onSignedOut: () => void;
}): ReactNode {
  const [known, setKnown] = useState<Known>();
  const [problem, setProblem] = useState<string>();
  const [watching, setWatching] = useState<ToWatch>();

  const load = useCallback(() => {
    setProblem(undefined);
    whatIsKnown(person).then(setKnown, (error: unknown) => {
      if (error instanceof Refused && error.status === 401) onSignedOut();
      else setProblem(sentenceOf(error));
    });
  }, [person, onSignedOut]);
  useEffect(() => {
    if (signedIn && watching === undefined) load();
  }, [signedIn, watching, load]);

  if (watching !== undefined)
    return <ViewingPage what={watching} onBack={() => setWatching(undefined)} onSignedOut={onSignedOut} />;
  return (
    <Stack gap="lg">
      <div>
        <Title order={1} size="h2">
          Watch
        </Title>
        <Text c="dimmed" mt={4}>
          Footage that you have been granted access to. Each viewing is for the purpose of its grant, and on record from before
          its first picture.
        </Text>
      </div>
      {problem !== undefined && (
        <Alert role="alert" color="red" title="What you may watch is not known">
          <Stack align="flex-start" gap="sm">
            <Text size="sm">{problem}</Text>
            <Button onClick={load}>Try again</Button>
          </Stack>
        </Alert>
      )}
      {known === undefined ? (
        problem === undefined && <Text role="status">Loading…</Text>
      ) : (
        <Grants known={known} person={person} onWatch={setWatching} />
      )}
      {person.roles.includes('officer') && <OwnRecordings signedIn={signedIn} onSignedOut={onSignedOut} onWatch={setWatching} />}
    </Stack>
  );
}

/** Grants, and of the recordings what the person may know. @throws Refused, Unreachable */
async function whatIsKnown(person: Person): Promise<Known> {
  const own = sorted(await grants(), person.id, Date.now());
  const all = [...own.open, ...own.over];
  const wanted = [...new Set(all.map((grant) => grant.recording))].slice(0, MOST_NAMED);
  // Asking for what one may not know is a refusal, which goes on record: nobody should have one for looking at this page.
  const found = person.roles.some((role) => READ_ANY.includes(role))
    ? (await Promise.all(wanted.map((id) => recording(id).catch(() => undefined)))).filter((each) => each !== undefined)
    : wanted.length > 0
      ? (await recordings()).recordings
      : [];
  return { grants: all, names: new Map(found.map((each) => [each.id, each])) };
}

function Grants({
  known,
  person,
  onWatch,
}: {
  readonly known: Known;
  readonly person: Person;
  readonly onWatch: (what: ToWatch) => void;
}): ReactNode {
  const now = useNow();
  const { open, over } = sorted(known.grants, person.id, now);
  const listed = (grants: readonly Grant[]): ReactNode => (
    <Stack component="ul" gap="sm" className="console-list">
      {grants.map((grant) => (
        <li key={grant.id}>
          <GrantCard grant={grant} of={known.names.get(grant.recording)} now={now} onWatch={onWatch} />
        </li>
      ))}
    </Stack>
  );
  return (
    <>
      <Stack component="section" gap="sm" aria-labelledby="open-grants">
        <Title order={2} size="h3" id="open-grants">
          Open to you
        </Title>
        {open.length === 0 ? (
          <Text>
            You have no grant that is open now. Ask for access to a recording with a purpose and a case number; what is granted to
            you stands here.
          </Text>
        ) : (
          listed(open)
        )}
      </Stack>
      {over.length > 0 && (
        <Stack component="section" gap="sm" aria-labelledby="over-grants">
          <Title order={2} size="h3" id="over-grants">
            No longer open
          </Title>
          {listed(over)}
        </Stack>
      )}
    </>
  );
}

function GrantCard({
  grant,
  of,
  now,
  onWatch,
}: {
  readonly grant: Grant;
  readonly of: Recording | undefined;
  readonly now: number;
  readonly onWatch: (what: ToWatch) => void;
}): ReactNode {
  const standing = standingOf(grant, now);
  const { label, color } = STANDINGS[standing];
  const name = of?.name ?? `Recording ${grant.recording}`;
  const left = viewingsLeftInWords(grant.viewingsLeft);
  return (
    <Paper withBorder p="md" component="article" aria-label={name}>
      <Stack gap="xs">
        <Group justify="space-between" wrap="nowrap" align="flex-start" gap="sm">
          <Text fw={600} className="console-anywhere">
            {name}
          </Text>
          <Badge color={color} variant="light" className="console-badge">
            {label}
          </Badge>
        </Group>
        <Text size="sm" className="console-anywhere">
          For {purposeInWords(grant.purpose)}, case {grant.caseNumber}. {timeInWords(grant, standing)}{' '}
          {standing === 'live' && left}
        </Text>
        {of !== undefined && (
          <Text size="sm" c="dimmed">
            Recorded {new Date(of.recordedAt).toLocaleString()}
          </Text>
        )}
        {standing === 'live' && <Playable of={of} />}
        {standing === 'live' && (
          <Group>
            <Button
              aria-label={`Watch ${name}`}
              onClick={() =>
                onWatch({
                  recording: grant.recording,
                  name,
                  purpose: grant.purpose,
                  caseNumber: grant.caseNumber,
                  grant: grant.id,
                })
              }
            >
              Watch
            </Button>
          </Group>
        )}
      </Stack>
    </Paper>
  );
}

function timeInWords({ startsAt, expiresAt, revokedAt }: Grant, standing: Standing): string {
  const at = (time: string): string => new Date(time).toLocaleString();
  if (standing === 'revoked') return `Revoked ${at(revokedAt ?? expiresAt)}.`;
  if (standing === 'over') return `Ended ${at(expiresAt)}.`;
  return standing === 'not-begun' ? `From ${at(startsAt)} until ${at(expiresAt)}.` : `Until ${at(expiresAt)}.`;
}

/** Grants begin and end while the page is looked at. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 5000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

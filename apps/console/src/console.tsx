import { Alert, Button, Container, Group, Stack, Text, Title } from '@mantine/core';
import { useCallback, useEffect, useRef, useState, type ReactNode } from 'react';
import { HandInPage } from './hand-in-page.js';
import { MyGrantsPage } from './my-grants.js';
import { Navigation, usePath, type Path } from './navigation.js';
import { sentenceOf } from './service.js';
import { mayHandIn, mayWatch, signOut, whoIsSignedIn, type Person } from './session.js';
import { SignInForm } from './sign-in-form.js';
import { closeOpenViewings } from './viewing-leave.js';

type Session =
  | { readonly kind: 'asking' }
  | { readonly kind: 'unknown'; readonly why: string }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'signed-in'; readonly person: Person }
  /** The page stays as it is, for the same person to go on with. */
  | { readonly kind: 'ended'; readonly person: Person };

/** A form is read in short lines; a picture is looked at. */
const WIDTHS = { '/': 'sm', '/watch': 'md' } as const satisfies Record<Path, string>;

/** The whole console: who is signed in, and the page that the address says. */
export function Console(): ReactNode {
  const [session, setSession] = useState<Session>({ kind: 'asking' });
  const ask = (): void => {
    whoIsSignedIn().then(
      (person) => setSession(person === undefined ? { kind: 'nobody' } : { kind: 'signed-in', person }),
      (error: unknown) => setSession({ kind: 'unknown', why: sentenceOf(error) }),
    );
  };
  useEffect(ask, []);
  const path = usePath();
  const main = useRef<HTMLDivElement>(null);
  const person = session.kind === 'signed-in' || session.kind === 'ended' ? session.person : undefined;

  return (
    <>
      <Header
        person={session.kind === 'signed-in' ? session.person : undefined}
        path={path}
        onSignOut={() => {
          closeOpenViewings()
            .then(signOut)
            .then(
              () => setSession({ kind: 'nobody' }),
              (error: unknown) => setSession({ kind: 'unknown', why: sentenceOf(error) }),
            );
        }}
      />
      <Container component="main" size={WIDTHS[path]} py="lg" ref={main} tabIndex={-1}>
        {session.kind === 'unknown' && (
          <Alert role="alert" color="red" title="The service does not answer as it should">
            <Stack align="flex-start" gap="sm">
              <Text size="sm">{session.why}</Text>
              <Button onClick={ask}>Try again</Button>
            </Stack>
          </Alert>
        )}
        {(session.kind === 'nobody' || session.kind === 'ended') && (
          <SignInForm
            {...(session.kind === 'ended' && {
              because: `Your session has ended. Sign in again as ${session.person.name}, and what was under way goes on.`,
            })}
            onSignedIn={(signedIn) => {
              setSession({ kind: 'signed-in', person: signedIn });
              // The form that had the focus goes away; whoever uses a keyboard goes on at what it led to.
              main.current?.focus();
            }}
          />
        )}
        {person !== undefined && (
          // Another person begins with an empty page. What is being handed in goes on while another page is looked at.
          <div key={person.id} hidden={path !== '/'}>
            {mayHandIn(person) ? (
              <HandInPage signedIn={session.kind === 'signed-in'} onSignedOut={() => setSession({ kind: 'ended', person })} />
            ) : (
              <Alert color="blue" title="Nothing to do here for your role">
                Files are handed in by officers, supervisors, investigators and custodians. You are signed in as{' '}
                {person.roles.join(', ')}.
              </Alert>
            )}
          </div>
        )}
        {person !== undefined &&
          path === '/watch' &&
          (mayWatch(person) ? (
            <Watch key={person.id} person={person} signedIn={session.kind === 'signed-in'} onEnded={setSession} />
          ) : (
            <Alert color="blue" title="Nothing to watch here for your role">
              Footage is never for those who administer the service. You are signed in as {person.roles.join(', ')}.
            </Alert>
          ))}
      </Container>
    </>
  );
}

function Watch({
  person,
  signedIn,
  onEnded,
}: {
  readonly person: Person;
  readonly signedIn: boolean;
  readonly onEnded: (session: Session) => void;
}): ReactNode {
  const ended = useCallback(() => onEnded({ kind: 'ended', person }), [onEnded, person]);
  return <MyGrantsPage person={person} signedIn={signedIn} onSignedOut={ended} />;
}

function Header({
  person,
  path,
  onSignOut,
}: {
  readonly person: Person | undefined;
  readonly path: Path;
  readonly onSignOut: () => void;
}): ReactNode {
  return (
    <header className="console-header">
      <Container size={WIDTHS[path]}>
        <Group justify="space-between" wrap="nowrap" gap="sm" className="console-header-row">
          <Group gap="xs" wrap="nowrap">
            <img src="/favicon.svg" alt="" width={28} height={28} />
            <Title order={2} size="h4" component="span">
              Custodiet
            </Title>
          </Group>
          {person !== undefined && <Navigation at={path} />}
          {person !== undefined && (
            <Group gap="sm" wrap="nowrap" className="console-person">
              <Text size="sm" truncate="end" title={person.name}>
                {person.name}
              </Text>
              <Button variant="default" size="xs" onClick={onSignOut}>
                Sign out
              </Button>
            </Group>
          )}
        </Group>
      </Container>
    </header>
  );
}

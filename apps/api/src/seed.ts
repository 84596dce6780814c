import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { NestFactory } from '@nestjs/core';
import { CustodyModule } from '#custody';
import { IdentityModule, PeopleService, ROLES, system, type Role } from '#identity';
import { loadConfig, PlatformModule } from '#platform';

/** Founds the demo agency on first run: one person a role. Prints the sign-ins as one JSON object. Never for production. */
interface Account {
  readonly role: Role;
  readonly username: string;
  readonly password: string;
}
interface Accounts {
  readonly agency: string;
  readonly accounts: readonly Account[];
}

const PEOPLE: Readonly<Record<Role, { name: string; badge: string | null }>> = {
  officer: { name: 'Olivia Ortega', badge: '4711' },
  supervisor: { name: 'Samuel Singh', badge: '2201' },
  investigator: { name: 'Ines Ivanova', badge: '3105' },
  custodian: { name: 'Carl Custer', badge: null },
  auditor: { name: 'Aisha Adeyemi', badge: null },
  administrator: { name: 'Adam Admin', badge: null },
};

function remembered(file: string | undefined): Accounts | undefined {
  if (file === undefined) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Accounts;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const config = loadConfig('api');
const app = await NestFactory.createApplicationContext(
  { module: class SeedModule {}, imports: [PlatformModule.with(config), CustodyModule, IdentityModule] },
  { logger: ['error'] },
);
const people = app.get(PeopleService);
const file = config.DEMO_ACCOUNTS_FILE;
let accounts = remembered(file);
if (accounts === undefined) {
  accounts = {
    agency: config.AGENCY_NAME,
    accounts: ROLES.map((role) => ({ role, username: role, password: randomBytes(12).toString('base64url') })),
  };
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(accounts, null, 2)}\n`, { mode: 0o600 });
}
for (const { role, username, password } of accounts.accounts)
  if ((await people.findByUsername(username)) === null)
    await people.enrol({ username, password, roles: [role], ...PEOPLE[role] }, system('setup'));
process.stdout.write(`${JSON.stringify(accounts)}\n`);
await app.close();

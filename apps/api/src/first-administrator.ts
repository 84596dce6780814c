import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { CustodyModule } from '#custody';
import { IdentityModule, PeopleService, system } from '#identity';
import { loadConfig, PlatformModule } from '#platform';

/** first-administrator USERNAME NAME: a new installation's first account, with a password printed once. Refused when there is an administrator. */
const [, , username, name] = process.argv;
if (username === undefined || name === undefined) {
  process.stderr.write('Usage: first-administrator USERNAME "FULL NAME"\n');
  process.exit(2);
}
const app = await NestFactory.createApplicationContext(
  { module: class SetupModule {}, imports: [PlatformModule.with(loadConfig('api')), CustodyModule, IdentityModule] },
  { logger: ['error'] },
);
const people = app.get(PeopleService);
if ((await people.list()).some((person) => person.roles.includes('administrator'))) {
  process.stderr.write('There is an administrator already; further people are enrolled by them.\n');
  process.exitCode = 1;
} else {
  const password = randomBytes(18).toString('base64url');
  await people.enrol({ username, name, badge: null, roles: ['administrator'], password }, system('setup'));
  process.stdout.write(`${username} may sign in with the password ${password}\n`);
}
await app.close();

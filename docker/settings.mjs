import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { choosePort } from './ports.mjs';
import { readJson, writeJson } from './processes.mjs';

/**
 * What was made up once for one data folder and must stay the same from then on: ports, passwords, the log's origin and which
 * kind of service holds the data. Kept in `settings.json` in the data folder, readable by its owner only.
 */
export class Settings {
  #file;
  #values;

  constructor(dataFolder) {
    this.#file = join(dataFolder, 'settings.json');
    this.#values = { ports: {}, passwords: {}, holders: {}, ...readJson(this.#file) };
  }

  /** @param {string} name @returns {string} 32 hexadecimal digits, the same on every call */
  password(name) {
    return this.#once('passwords', name, () => randomBytes(16).toString('hex'));
  }

  /** @returns {string} `custodiet.local/<8 hexadecimal digits>`: the name this log is known by for as long as it exists */
  logOrigin() {
    this.#values.logOrigin ??= `custodiet.local/${randomBytes(4).toString('hex')}`;
    this.#save();
    return this.#values.logOrigin;
  }

  /** The port given out before, if it is free, else another one; never one that stands under another name. */
  async freePort(name, preferred = undefined) {
    const others = new Set(Object.entries(this.#values.ports).flatMap(([other, port]) => (other === name ? [] : [port])));
    this.#values.ports[name] = await choosePort(this.#values.ports[name] ?? preferred, others);
    this.#save();
    return this.#values.ports[name];
  }

  /** The port given out before, whether free or not: a service that was found running uses it. */
  rememberedPort(name) {
    return this.#values.ports[name];
  }

  /** Which kind of service ('docker' or 'native') holds the data of a former run. */
  get holders() {
    return { ...this.#values.holders };
  }

  rememberHolder(service, kind) {
    this.#values.holders[service] = kind;
    this.#save();
  }

  #once(group, name, make) {
    if (this.#values[group][name] === undefined) {
      this.#values[group][name] = make();
      this.#save();
    }
    return this.#values[group][name];
  }

  #save() {
    writeJson(this.#file, this.#values);
  }
}

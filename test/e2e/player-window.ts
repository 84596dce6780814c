import type { Locator } from 'playwright-core';
import { eventually } from '../support/eventually.js';
import type { Credentials } from '../support/http.js';
import { ConsoleWindow } from './console-window.js';

/** Where the picture is, and what of it the browser has. Seconds. */
export interface Picture {
  readonly at: number;
  readonly paused: boolean;
  /** The end of what was fetched around the place that is shown. */
  readonly bufferedUntil: number;
}

/** The console's player as a person uses it. */
export class PlayerWindow extends ConsoleWindow {
  /** At the list of what may be watched. */
  async enter({ username, password }: Credentials, url: string): Promise<void> {
    await this.page.goto(`${url}/watch`);
    await this.fillSignIn({ username, password });
    await this.page.getByRole('heading', { name: 'Watch' }).waitFor();
  }

  grant(name: string): Locator {
    return this.page.getByRole('article', { name });
  }

  /** Confirms the purpose and plays it. @returns the viewing's id */
  async watch(name: string): Promise<string> {
    await this.grant(name)
      .getByRole('button', { name: `Watch ${name}` })
      .click();
    return this.confirm();
  }

  /** @returns the viewing's id */
  async confirm(): Promise<string> {
    const [answer] = await Promise.all([
      this.page.waitForResponse((response) => /\/api\/recordings\/[^/]+\/viewings$/.test(response.url())),
      this.page.getByRole('button', { name: 'Confirm and watch' }).click(),
    ]);
    const { viewing } = (await answer.json()) as { viewing: string };
    await this.page.getByRole('button', { name: 'Play', exact: true }).waitFor();
    return viewing;
  }

  async play(): Promise<void> {
    await this.page.getByRole('button', { name: 'Play', exact: true }).click();
  }

  /** @throws Error when there is no picture */
  async picture(): Promise<Picture> {
    return this.page.evaluate<Picture>(`(() => {
      const video = document.querySelector('video');
      const { buffered, currentTime: at } = video;
      let bufferedUntil = 0;
      for (let i = 0; i < buffered.length; i++)
        if (buffered.start(i) <= at + 0.2) bufferedUntil = Math.max(bufferedUntil, buffered.end(i));
      return { at, paused: video.paused, bufferedUntil };
    })()`);
  }

  async playsPast(seconds: number): Promise<Picture> {
    return eventually(`the picture is past ${seconds} s`, async () => {
      const picture = await this.picture();
      return picture.at > seconds ? picture : undefined;
    });
  }

  overlay(): Locator {
    return this.page.getByTestId('overlay');
  }

  /** Waits until there is no picture, and says what stands there instead. */
  async stopped(): Promise<string> {
    const alert = this.page.getByRole('alert');
    await alert.getByText('Playback was stopped').waitFor();
    if ((await this.page.locator('video').count()) > 0) throw new Error('The picture is still there.');
    return alert.innerText();
  }

  /** What the page says is on record: "Delivered by the service" and what follows. */
  async onRecord(): Promise<ReadonlyMap<string, string>> {
    const facts = this.page.getByRole('region', { name: 'On record of this viewing' });
    await facts.waitFor();
    const [terms, values] = await Promise.all([facts.locator('dt').allTextContents(), facts.locator('dd').allTextContents()]);
    return new Map(terms.map((term, i) => [term, values[i] ?? '']));
  }
}

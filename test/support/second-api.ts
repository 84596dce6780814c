import { freePort } from './free-port.js';
import { ProductProcess } from './product-process.js';
import type { Stack } from './stack.js';

/** Another API process on the same database and store, as an agency with two of them runs it. It has to be stopped. */
export async function startSecondApi({ env }: Stack): Promise<ProductProcess> {
  const port = await freePort();
  const second = new ProductProcess(
    'api',
    `http://127.0.0.1:${port}`,
    { ...env, PORT: String(port) },
    `${env['WORK_DIR'] ?? ''}/second-api.log`,
  );
  second.start();
  await second.ready();
  return second;
}

import { claim, heading, sizeText } from '../story.ts';
import { attack } from './attacks.ts';
import { searchBytes, searchFolder } from './broker-disk.ts';
import { deliver, introduce } from './deliver.ts';
import { revoke } from './revoke.ts';
import { Site } from './site.ts';
import { killBroker, rotate } from './survive.ts';

/**
 * The story over a network: every part in a process of its own, over TLS.
 *
 * @param path - of the file that is sent
 * @param name - of it, for people
 */
export async function tellOverNetwork(path: string, name: string): Promise<void> {
  const startedMs = performance.now();
  await Site.with(async (site) => {
    introduce(site, startedMs);
    await deliver(site, path, name);
    await killBroker(site);
    await rotate(site);
    await revoke(site);
    await attack(site);
    const { broker } = site;
    heading('At the end');
    const secrets = ['orders/', 'coffee'].map((text) => Buffer.from(text));
    const disk = searchFolder(broker.storeFolder, secrets);
    const said = searchBytes(Buffer.from(broker.text), secrets);
    claim(
      disk.found === 0 && said === 0,
      `All that the broker has on its disk, ${sizeText(disk.bytes)}, and all that it wrote to its log: no topic, no text.`,
    );
  });
}

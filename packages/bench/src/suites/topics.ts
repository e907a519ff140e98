import { Flow } from '../flow.ts';
import { median, ratiosOf, spreadOf } from '../measure.ts';
import type { Peer } from '../peers/peer.ts';
import type { Row } from '../report.ts';
import { reasonOf, type Effort } from './suite.ts';

/** P13: what a message costs all processes together, with one topic and with very many, in batches of one size. */
export async function topicRows(own: Peer, effort: Effort): Promise<readonly Row[]> {
  const rounds = effort.quick ? 3 : 5;
  const few = ['bench/topics/one'];
  const many = Array.from({ length: topicCount }, (_, i) => `bench/topics/${i}`);
  const name = `PUB→SUB 256 B in ${perCall}s: CPU a message`;
  effort.note(name);
  let flow: Flow | undefined;
  try {
    const opened = (flow = await Flow.open(own, 1, 'bench/topics/**'));
    // One call at a time: those of one topic would share an envelope otherwise, and those of many could not.
    const cost = async (topics: readonly string[]) => {
      const ran = await opened.run({ topics, count: perCall * topicCount, bytes: 256, perCall, inFlight: 1 });
      if (ran.totalUs === undefined) throw new Error('no /proc');
      return ran.totalUs;
    };
    // Streams begin, and programs are compiled.
    await cost(many);
    await cost(few);
    const costs = { few: [] as number[], many: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      costs.few.push(await cost(few));
      costs.many.push(await cost(many));
    }
    const ratios = ratiosOf(costs.many, costs.few);
    return [
      { name: `${name}: 1 topic`, value: median(costs.few), unit: 'µs', spread: spreadOf(costs.few) },
      { name: `${name}: 10,000 topics`, value: median(costs.many), unit: 'µs', spread: spreadOf(costs.many) },
      {
        name: `${name}: 10,000 topics ÷ 1`,
        value: median(ratios),
        unit: '×',
        spread: spreadOf(ratios),
        goal: 'P13',
        atMost: 1.2,
      },
    ];
  } catch (error) {
    return [
      {
        name: `${name}: 10,000 topics ÷ 1`,
        value: undefined,
        unit: '×',
        goal: 'P13',
        atMost: 1.2,
        note: reasonOf(error),
      },
    ];
  } finally {
    await flow?.close();
  }
}

const topicCount = 10_000;
const perCall = 64;

/*
 * @tridcomm/core/testing: time, chance and links that a seed decides, for tests of what is built on the core.
 */
export { ManualClock } from './clock.ts';
export { SimulatedLink, soundLink, type LinkCounts, type LinkQuality } from './link.ts';
export { SeededRandom } from './random.ts';

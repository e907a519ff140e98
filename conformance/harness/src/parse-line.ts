import { excerpt } from './excerpt.ts';
import { ProtocolFault, protocolVersion } from './protocol.ts';
import type { HelloReply, RunReply } from './protocol.ts';

/** A line as parsed, before anything but "it is a JSON object" is known. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Parses one line of an adapter.
 *
 * @throws {@link ProtocolFault} which names the line
 */
export function parseLine(text: string, lineNumber: number): JsonObject {
  const value = parseJson(text);
  if (!isObject(value)) throw new ProtocolFault(`wrote what is no JSON object in line ${lineNumber}: ${excerpt(text)}`);
  return value;
}

/**
 * Checks as much of a hello reply as the harness relies on.
 *
 * @throws {@link ProtocolFault} which names the bad member
 */
export function readHelloReply(line: JsonObject): HelloReply {
  const { protocol, name, version, language, url, spec, features } = line;
  if (protocol !== protocolVersion) {
    throw new ProtocolFault(`speaks protocol ${excerpt(protocol)}, not ${protocolVersion}`);
  }
  return {
    protocol: protocolVersion,
    name: text('name', name),
    version: text('version', version),
    language: text('language', language),
    ...(url === undefined ? {} : { url: text('url', url) }),
    spec: texts('spec', spec),
    features: texts('features', features),
  };
}

/**
 * Checks as much of a run reply as the harness relies on.
 *
 * @throws {@link ProtocolFault} which names the bad member
 */
export function readRunReply(line: JsonObject): RunReply {
  const { out, error, skip } = line;
  if ([out, error, skip].filter((member) => member !== undefined).length !== 1) {
    throw new ProtocolFault(`must answer with exactly one of out, error and skip`);
  }
  if (skip !== undefined) return { kind: 'skip', reason: text('skip', skip) };
  if (error === undefined) return { kind: 'out', out };
  return { kind: 'error', code: text('error.code', isObject(error) ? error['code'] : undefined) };
}

function text(member: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new ProtocolFault(`answered with ${member} ${excerpt(value)}, which is no text`);
}

function texts(member: string, value: unknown): string[] {
  if (Array.isArray(value)) return value.map((item, index) => text(`${member}[${index}]`, item));
  throw new ProtocolFault(`answered with ${member} ${excerpt(value)}, which is no list of texts`);
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

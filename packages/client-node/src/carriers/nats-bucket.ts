import { TridcommError } from '@tridcomm/core';
import type { NatsConnectionLike, NatsMessage } from './nats-types.ts';

/** Where the value of an address is published, and so where its changes are heard of. @spec bindings.17 */
export function subjectOfAddress(address: string): string {
  return `$KV.${bucket}.${address}`;
}

/**
 * Whether there is a bucket. A server answers no question about the values of one that there is not.
 *
 * @throws TridcommError `E_POLICY` where the server says no, has no JetStream, or the bucket does not give single values; `E_TRANSPORT`
 */
export async function hasBucket(connection: NatsConnectionLike): Promise<boolean> {
  try {
    const { error, config } = answerOf(await connection.request(`$JS.API.STREAM.INFO.${stream}`, '', request));
    if (error?.err_code === streamNotFound) return false;
    if (error !== undefined) throw refusal(error);
    if (config?.allow_direct === true) return true;
    throw new TridcommError('E_POLICY', `nats: the bucket ${bucket} does not allow direct gets (allow_direct)`);
  } catch (error) {
    throw natsError(error);
  }
}

/**
 * The value of an address; undefined where there is none.
 *
 * @throws TridcommError `E_POLICY` where the server says no; `E_TRANSPORT`
 */
export async function readValue(connection: NatsConnectionLike, address: string): Promise<Uint8Array | undefined> {
  let message: NatsMessage;
  try {
    message = await connection.request(`$JS.API.DIRECT.GET.${stream}.${subjectOfAddress(address)}`, '', request);
  } catch (error) {
    throw natsError(error);
  }
  // A value that was deleted is an empty one.
  if ((message.headers?.code ?? 0) >= 300 || message.data.length === 0) return undefined;
  return message.data;
}

/**
 * Retains a value.
 *
 * @throws TridcommError `E_LIMIT` for one that the server does not take for its size; `E_POLICY` where it says no; `E_TRANSPORT`
 */
export async function putValue(connection: NatsConnectionLike, address: string, value: Uint8Array): Promise<void> {
  try {
    const { error } = answerOf(await connection.request(subjectOfAddress(address), value, request));
    if (error !== undefined) throw refusal(error);
  } catch (error) {
    throw natsError(error);
  }
}

/**
 * Makes the bucket.
 *
 * @throws TridcommError as {@link hasBucket}
 * @spec bindings.17
 */
export async function makeBucket(connection: NatsConnectionLike): Promise<void> {
  try {
    const { error } = answerOf(
      await connection.request(`$JS.API.STREAM.CREATE.${stream}`, JSON.stringify(streamConfig), request),
    );
    if (error !== undefined) throw refusal(error);
  } catch (error) {
    throw natsError(error);
  }
}

/** What went wrong at a NATS client, by its code. */
export function natsError(error: unknown): TridcommError {
  if (error instanceof TridcommError) return error;
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at.name === 'PermissionViolationError') {
      return new TridcommError('E_POLICY', `nats: ${at.message}`, { cause: error });
    }
    if (at.name === 'NoRespondersError') {
      return new TridcommError('E_POLICY', 'nats: no JetStream keeps what the authority says', { cause: error });
    }
  }
  return new TridcommError('E_TRANSPORT', `nats: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}

interface Answer {
  readonly error?: { readonly err_code?: number; readonly description?: string };
  readonly config?: { readonly allow_direct?: boolean };
}

function answerOf({ data }: NatsMessage): Answer {
  return JSON.parse(Buffer.from(data).toString()) as Answer;
}

function refusal({ err_code: code = 0, description = 'no reason given' }: NonNullable<Answer['error']>): TridcommError {
  return new TridcommError(code === messageTooLarge ? 'E_LIMIT' : 'E_POLICY', `nats: ${description} (${code})`);
}

const bucket = 'tridcomm-v1';
const stream = `KV_${bucket}`;
const request = { timeout: 10_000 };
/** Of JetStream's error codes. */
const streamNotFound = 10_059;
const messageTooLarge = 10_054;
/** A bucket as NATS clients make them: one value for each key. */
const streamConfig = {
  name: stream,
  subjects: [`$KV.${bucket}.>`],
  retention: 'limits',
  storage: 'file',
  discard: 'new',
  max_msgs_per_subject: 1,
  max_msgs: -1,
  max_bytes: -1,
  max_age: 0,
  max_msg_size: -1,
  max_consumers: -1,
  num_replicas: 1,
  duplicate_window: 120_000_000_000,
  allow_rollup_hdrs: true,
  allow_direct: true,
  deny_delete: true,
};

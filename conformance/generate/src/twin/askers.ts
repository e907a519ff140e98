/** Who asked, chapter 09: replies to requests, and replies to surveys. */
import { hex, number, same, type Bytes } from './bytes.ts';
import { FORWARD, takeForward, type FrontEpoch } from './forward.ts';
import { BATCH, MERKLE } from './header.ts';
import { H } from './hash.ts';
import { CODES } from './messages.ts';
import { replyContext, surveyInfo, surveyOpen } from './pools.ts';
import { conclude, extensionOf, replayFor, senderOf, unpack, type Memory, type Sender, type Times } from './receive.ts';
import { refuse } from './refusal.ts';

const REPLY_OF_7 = 0x71;

export interface AskerState extends Times {
  tags: Bytes[];
  fresh: boolean;
  responders: Sender[];
}
export interface OpenStream {
  enc: Bytes;
  poolHash: Bytes;
  epoch: number;
  replySecret: Bytes;
  requests: { id: Bytes; leaf: number; index: number }[];
}
export interface Reply {
  id: Bytes;
  leaf: number;
  index: number;
  status: number;
  body: Bytes;
  /** what the body of status 2 is taken as */
  code?: string;
}
export interface Replies {
  id: Bytes;
  replies: Reply[];
  ignored: number;
}

/** What a requester may do with routers. */
export interface Routed {
  /** of its streams */
  pattern: number;
  front: FrontEpoch[];
  routers: Sender[];
}
export interface Forwarded {
  id: Bytes;
  envelopes: Bytes[];
}

const nameOf = (r: { id: Bytes; leaf: number; index: number }): string => `${hex(r.id)}/${r.leaf}/${r.index}`;

/** patterns.24 */
function codeOf(body: Bytes): string {
  const code = Buffer.from(body).toString('latin1');
  return CODES.has(code) ? code : 'E_REFUSED';
}

export class Requester {
  private readonly state: AskerState;
  private readonly suite: number;
  private readonly routed: Routed;
  private readonly streams: readonly OpenStream[];
  private readonly outstanding: Map<OpenStream, Set<string>>;
  private readonly replay: Memory;

  constructor(state: AskerState, suite: number, streams: readonly OpenStream[], routed: Routed) {
    this.state = state;
    this.suite = suite;
    this.routed = routed;
    this.streams = streams;
    this.outstanding = new Map(streams.map((s) => [s, new Set(s.requests.map(nameOf))]));
    this.replay = replayFor(state);
  }

  receive(now: bigint, bytes: Bytes): Replies | Forwarded | undefined {
    const u = unpack(bytes, false);
    const h = u.e.header;
    if (!this.state.tags.some((t) => same(t, h.topicTag))) return undefined;
    const reply = (this.routed.pattern << 4) + 1;
    if (h.patternKind === FORWARD) {
      return takeForward(u, now, REPLY_OF_7, {
        ...this.routed,
        fresh: this.state.fresh,
        memory: this.replay,
        times: this.state,
      });
    }
    const { keyinfo } = u.e;
    const stream = this.streams.find((s) => same(H(s.enc), keyinfo));
    if (keyinfo.length === 32 && stream === undefined) return undefined;
    if (h.patternKind !== reply || (h.flags & BATCH) === 0 || (h.flags & MERKLE) !== 0) {
      refuse('E_ENCODING', 'patterns.23: form');
    }
    if (extensionOf(u.e, 8) === undefined) refuse('E_EXT', 'patterns.23: extension 8');
    if (extensionOf(u.e, 9)?.length !== 32) refuse('E_EXT', 'patterns.23: extension 9');
    if (stream === undefined) return refuse('E_LENGTH', 'patterns.23: keyinfo');
    if (h.epoch !== stream.epoch) refuse('E_EPOCH', 'patterns.23');
    if (!this.state.fresh) refuse('E_STALE', 'patterns.23');
    if (h.suite !== this.suite) refuse('E_SUITE', 'patterns.23');
    const sender = senderOf(this.state.responders, u.e);
    const context = replyContext(stream.enc, stream.poolHash);
    let list: Reply[] = [];
    const opening = conclude(u, {
      now,
      times: this.state,
      memory: this.replay,
      sender,
      bind: context,
      source: () => ({ sourceSecret: stream.replySecret, groupCtx: context }),
      grammar: (records) => {
        list = records.map(({ payload }) => {
          if (payload.length < 41) refuse('E_ENCODING', 'patterns.24: short');
          const status = payload[40] ?? 0;
          if (status > 2) refuse('E_ENCODING', 'patterns.24: status');
          if (reply !== REPLY_OF_7 && status === 1 && payload.length > 41)
            refuse('E_ENCODING', 'patterns.24: in progress with a body');
          const body = payload.slice(41);
          return {
            id: payload.slice(0, 32),
            leaf: Number(number(payload.slice(32, 36))),
            index: Number(number(payload.slice(36, 40))),
            status,
            body,
            ...(status === 2 ? { code: codeOf(body) } : {}),
          };
        });
      },
    });
    const open = this.outstanding.get(stream) ?? new Set();
    const replies = list.filter((r) => {
      const name = nameOf(r);
      if (!open.has(name)) return false;
      if (r.status !== 1) open.delete(name);
      return true;
    });
    return { id: opening.id, replies, ignored: list.length - replies.length };
  }
}

export interface OpenSurvey {
  questionId: Bytes;
  suite: number;
  epoch: number;
  deadline: bigint;
  maxReply: number;
  privateKey: Bytes;
}
export interface SurveyReply {
  id: Bytes;
  questionId: Bytes;
  body: Bytes;
  sender: Bytes;
}

export class Surveyor {
  private readonly state: AskerState;
  private readonly surveys: readonly OpenSurvey[];
  /** who has replied to which */
  private readonly taken: Map<OpenSurvey, Set<string>>;

  constructor(state: AskerState, surveys: readonly OpenSurvey[]) {
    this.state = state;
    this.surveys = surveys;
    this.taken = new Map(surveys.map((s) => [s, new Set()]));
  }

  receive(now: bigint, bytes: Bytes): SurveyReply | undefined {
    const u = unpack(bytes, false);
    const h = u.e.header;
    if (!this.state.tags.some((t) => same(t, h.topicTag))) return undefined;
    const { keyinfo } = u.e;
    const survey = this.surveys.find((s) => same(s.questionId, keyinfo.slice(0, 32)));
    if (keyinfo.length >= 32 && survey === undefined) return undefined;
    if (h.patternKind !== 0x51 || h.flags !== 0 || h.seq !== 1n) refuse('E_ENCODING', 'patterns.31: form');
    if (extensionOf(u.e, 8) === undefined) refuse('E_EXT', 'patterns.31: extension 8');
    if (extensionOf(u.e, 9)?.length !== 32) refuse('E_EXT', 'patterns.31: extension 9');
    if (survey === undefined || keyinfo.length !== 64) return refuse('E_LENGTH', 'patterns.31: keyinfo');
    const taken = this.taken.get(survey) ?? new Set();
    if (h.epoch !== survey.epoch) refuse('E_EPOCH', 'patterns.31');
    if (!this.state.fresh) refuse('E_STALE', 'patterns.31');
    if (now > survey.deadline) refuse('E_EXPIRED', 'patterns.31');
    if (taken.size >= survey.maxReply) refuse('E_LIMIT', 'patterns.31');
    if (h.suite !== survey.suite) refuse('E_SUITE', 'patterns.31');
    const sender = senderOf(this.state.responders, u.e);
    const who = hex(sender.keyId);
    const { questionId, privateKey } = survey;
    const bind = H(surveyInfo(h.suite, questionId, sender.keyId));
    const once = (): void => {
      if (taken.has(who)) refuse('E_REPLAY', 'patterns.32');
    };
    const opening = conclude(u, {
      now,
      times: this.state,
      memory: {
        lookUp: () => {
          once();
          return 'unseen';
        },
        underSignature: () => undefined,
        accept: () => {
          once();
          taken.add(who);
        },
      },
      sender,
      bind,
      source: () => ({
        sourceSecret: surveyOpen(h.suite, questionId, sender.keyId, privateKey, keyinfo.slice(32)).sourceSecret,
        groupCtx: bind,
      }),
    });
    return { id: opening.id, questionId, body: opening.records[0]?.payload ?? bytes, sender: sender.keyId };
  }
}

/** What follows from rules and grants, chapter 07. */
import { hex, same, text, zeros, type Bytes } from './bytes.ts';
import { ACTION, entry60, type Entry } from './objects.ts';
import { refuse } from './refusal.ts';
import { answerOf, inboxOf, parsePattern, tokenOf } from './topics.ts';

export interface Rule {
  pattern: Bytes;
  groupId: Bytes;
}
export interface Grant {
  keyId: Bytes;
  action: number;
  pattern: Bytes;
  notAfter: bigint;
}
export interface PolicyGroup {
  groupId: Bytes;
  purpose: number;
  routeSecrets: { fromPeriod: number; secret: Bytes }[];
  periods: number[];
}
export interface Compiled {
  groupId: Bytes;
  writers: Entry[];
  edge: Entry[];
}

const SURVEY = 3;
const FRONT = 4;
const REST: Bytes = text('**');
const open = (p: readonly Bytes[]): boolean => same(p[p.length - 1] ?? REST, REST);

/** Every topic that `b` matches, `a` matches. Without `*` two segments of literals are equal or different. */
export function covers(a: readonly Bytes[], b: readonly Bytes[]): boolean {
  if (!open(a)) return a.length === b.length && a.every((s, i) => same(s, b[i] ?? REST)) && !open(b);
  const fixed = a.slice(0, -1);
  // what b matches has at least b.length segments, of which the literal ones begin it
  const literal = open(b) ? b.slice(0, -1) : b;
  const shortest = b.length;
  return shortest > fixed.length && fixed.every((s, i) => i < literal.length && same(s, literal[i] ?? REST));
}

function unique(entries: readonly Entry[]): Entry[] {
  const seen = new Map(entries.map((e) => [hex(entry60(e)), e]));
  return [...seen.keys()].sort().map((k) => seen.get(k) as Entry);
}

export function compile(rules: readonly Rule[], grants: readonly Grant[], groups: readonly PolicyGroup[]): Compiled[] {
  const r = rules.map((x) => ({ ...x, segments: parsePattern(x.pattern) }));
  const g = grants.map((x) => ({ ...x, segments: parsePattern(x.pattern) }));
  const star = (s: readonly Bytes[]): boolean => s.some((x) => same(x, text('*')));
  if (r.some((x) => star(x.segments)) || g.some((x) => star(x.segments))) refuse('E_POLICY', 'principals.19: *');
  const overlap = (a: readonly Bytes[], b: readonly Bytes[]): boolean => covers(a, b) || covers(b, a);
  for (const a of r)
    for (const b of r)
      if (!same(a.groupId, b.groupId) && overlap(a.segments, b.segments)) refuse('E_POLICY', 'principals.19: overlap');
  for (const x of g) {
    const met = r.filter((rule) => overlap(x.segments, rule.segments));
    if (met.length === 0) refuse('E_POLICY', 'principals.19: no rule');
    if ((x.action & 2) !== 0 && met.some((rule) => !covers(x.segments, rule.segments))) {
      refuse('E_POLICY', 'principals.19: in part');
    }
  }
  const isFront = (id: Bytes): boolean => groups.some((x) => same(x.groupId, id) && x.purpose === FRONT);
  for (const x of g.filter((y) => (y.action & ACTION.route) !== 0)) {
    if (!r.some((rule) => overlap(x.segments, rule.segments) && isFront(rule.groupId))) {
      refuse('E_POLICY', 'principals.19: route in no front');
    }
  }
  for (const reader of g.filter((x) => (x.action & 2) !== 0)) {
    const granted = g.filter((x) => (x.action & 2) !== 0 && same(x.keyId, reader.keyId));
    const read = (rule: (typeof r)[number]): boolean => granted.some((x) => covers(x.segments, rule.segments));
    for (const rule of r.filter(read)) {
      if (r.some((other) => same(other.groupId, rule.groupId) && !read(other))) {
        refuse('E_POLICY', 'principals.19: some rules of a group and not all');
      }
    }
  }
  return groups.map((group) => {
    const own = r.filter((x) => same(x.groupId, group.groupId));
    const secretAt = (period: number): Bytes => {
      const secrets = group.routeSecrets.filter((s) => s.fromPeriod <= period);
      return secrets.reduce((a, b) => (b.fromPeriod > a.fromPeriod ? b : a)).secret;
    };
    const entryOf = (x: Grant, pattern: readonly Bytes[], period: number): Entry => {
      const t = tokenOf(secretAt(period), group.groupId, period, pattern);
      return {
        keyId: x.keyId,
        actions: isFront(group.groupId) ? x.action : x.action & ~ACTION.route,
        matchKind: t.kind === 'exact' ? 1 : 2,
        level: t.level ?? 0,
        match: t.token,
        notAfter: x.notAfter,
      };
    };
    const each = (x: (typeof g)[number]): Entry[] =>
      own
        .filter((rule) => overlap(x.segments, rule.segments))
        .flatMap((rule) => {
          const narrower = covers(x.segments, rule.segments) ? rule.segments : x.segments;
          return group.periods.map((p) => entryOf(x, narrower, p));
        });
    const writers = g
      .filter((x) => (x.action & 1) !== 0)
      .flatMap((x): Entry[] =>
        own.length > 0 && own.every((rule) => covers(x.segments, rule.segments))
          ? [{ keyId: x.keyId, actions: x.action, matchKind: 0, level: 0, match: zeros(16), notAfter: x.notAfter }]
          : each(x),
      );
    const edge = g.flatMap(each).filter((e) => e.actions !== 0);
    if (group.purpose === SURVEY || group.purpose === FRONT) {
      const answer = (x: Grant, level: number, period: number): Entry => {
        const a = answerOf(secretAt(period), group.groupId, period, x.keyId);
        const { keyId, notAfter } = x;
        return level === 1
          ? { keyId, actions: ACTION.publish, matchKind: 2, level, match: a.root.slice(0, 16), notAfter }
          : { keyId, actions: ACTION.subscribe, matchKind: 1, level, match: a.own.slice(0, 16), notAfter };
      };
      for (const x of g) {
        const { keyId, notAfter } = x;
        if ((x.action & 2) !== 0 && own.some((rule) => covers(x.segments, rule.segments))) {
          writers.push({ keyId, actions: ACTION.respond, matchKind: 0, level: 0, match: zeros(16), notAfter });
          edge.push(...group.periods.map((p) => answer(x, 1, p)));
        }
        if ((x.action & 1) !== 0 && own.some((rule) => overlap(x.segments, rule.segments))) {
          edge.push(...group.periods.map((p) => answer(x, 0, p)));
        }
      }
    }
    const routes = g.filter(
      (x) => (x.action & ACTION.route) !== 0 && own.some((rule) => overlap(x.segments, rule.segments)),
    );
    if (group.purpose === FRONT && routes.length > 0) {
      for (const { keyId, notAfter } of routes) {
        writers.push({ keyId, actions: ACTION.route, matchKind: 0, level: 0, match: zeros(16), notAfter });
        for (const p of group.periods) {
          const inbox = inboxOf(secretAt(p), group.groupId, p, keyId).root.slice(0, 16);
          const answer = answerOf(secretAt(p), group.groupId, p, keyId).root.slice(0, 16);
          const root = { keyId, matchKind: 2, level: 1, notAfter };
          edge.push(
            { ...root, actions: ACTION.publish, match: inbox },
            { ...root, actions: ACTION.publish, match: answer },
            { ...root, actions: ACTION.subscribe, match: answer },
          );
        }
      }
      for (const { keyId, notAfter, action, segments } of g) {
        if ((action & ACTION.subscribe) === 0 || !own.some((rule) => covers(segments, rule.segments))) continue;
        for (const p of group.periods) {
          const match = inboxOf(secretAt(p), group.groupId, p, keyId).own.slice(0, 16);
          edge.push({ keyId, actions: ACTION.subscribe, matchKind: 1, level: 0, match, notAfter });
        }
      }
    }
    return { groupId: group.groupId, writers: unique(writers), edge: unique(edge) };
  });
}

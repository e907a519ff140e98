/** The vector files in the order of the manifest. */
import { auth } from './areas/auth.ts';
import { blocks } from './areas/blocks.ts';
import { bodies } from './areas/bodies.ts';
import { bulk } from './areas/bulk.ts';
import { bus, questions } from './areas/bus.ts';
import { crew } from './areas/crew.ts';
import { dealers } from './areas/dealers.ts';
import { derive } from './areas/derive.ts';
import { ed25519 } from './areas/ed25519.ts';
import { errors } from './areas/errors.ts';
import { extensions } from './areas/extensions.ts';
import { forwards, returns } from './areas/forwards.ts';
import { framing } from './areas/framing.ts';
import { freshness } from './areas/freshness.ts';
import { heard } from './areas/heard.ts';
import { heads } from './areas/heads.ts';
import { header } from './areas/header.ts';
import { enrolments, members, openings } from './areas/members.ts';
import { link } from './areas/link.ts';
import { lists } from './areas/lists.ts';
import { large } from './areas/large.ts';
import { logs } from './areas/logs.ts';
import { merkle } from './areas/merkle.ts';
import { messages } from './areas/messages.ts';
import { noise } from './areas/noise.ts';
import { objects } from './areas/objects.ts';
import { chains, nodes } from './areas/nodes.ts';
import { open } from './areas/open.ts';
import { parse } from './areas/parse.ts';
import { policy } from './areas/policy.ts';
import { receiver } from './areas/receiver.ts';
import { poolrecords } from './areas/poolrecords.ts';
import { records } from './areas/records.ts';
import { relayForwards, relayMessages } from './areas/relayrouters.ts';
import { relay, relayReplies, relaySurveys } from './areas/relay.ts';
import { replay } from './areas/replay.ts';
import { routeLists } from './areas/routes.ts';
import { routers } from './areas/routers.ts';
import { routing } from './areas/routing.ts';
import { schedule } from './areas/schedule.ts';
import { seal } from './areas/seal.ts';
import { requester } from './areas/requester.ts';
import { respond } from './areas/respond.ts';
import { setups } from './areas/setups.ts';
import { streams } from './areas/streams.ts';
import { subtree } from './areas/subtree.ts';
import { surveys } from './areas/surveys.ts';
import { topics } from './areas/topics.ts';
import { traffic } from './areas/traffic.ts';
import { views } from './areas/views.ts';
import { x25519 } from './areas/x25519.ts';
import type { VectorFile } from './cases.ts';

export const AREAS: readonly { name: string; make: () => VectorFile }[] = [
  { name: 'framing', make: framing },
  { name: 'header', make: header },
  { name: 'extensions', make: extensions },
  { name: 'records', make: records },
  { name: 'merkle', make: merkle },
  { name: 'parse', make: parse },
  { name: 'ed25519', make: ed25519 },
  { name: 'x25519', make: x25519 },
  { name: 'schedule', make: schedule },
  { name: 'seal', make: seal },
  { name: 'derive', make: derive },
  { name: 'open', make: open },
  { name: 'receiver', make: receiver },
  { name: 'replay', make: replay },
  { name: 'freshness', make: freshness },
  { name: 'topics', make: topics },
  { name: 'errors', make: errors },
  { name: 'bodies', make: bodies },
  { name: 'objects', make: objects },
  { name: 'lists', make: lists },
  { name: 'policy', make: policy },
  { name: 'heads', make: heads },
  { name: 'large', make: large },
  { name: 'subtree', make: subtree },
  { name: 'blocks', make: blocks },
  { name: 'members', make: members },
  { name: 'openings', make: openings },
  { name: 'enrolments', make: enrolments },
  { name: 'nodes', make: nodes },
  { name: 'chains', make: chains },
  { name: 'logs', make: logs },
  { name: 'views', make: views },
  { name: 'messages', make: messages },
  { name: 'noise', make: noise },
  { name: 'link', make: link },
  { name: 'auth', make: auth },
  { name: 'traffic', make: traffic },
  { name: 'streams', make: streams },
  { name: 'bulk', make: bulk },
  { name: 'poolrecords', make: poolrecords },
  { name: 'setups', make: setups },
  { name: 'respond', make: respond },
  { name: 'crew', make: crew },
  { name: 'requester', make: requester },
  { name: 'questions', make: questions },
  { name: 'surveys', make: surveys },
  { name: 'bus', make: bus },
  { name: 'routes', make: routeLists },
  { name: 'routing', make: routing },
  { name: 'routers', make: routers },
  { name: 'heard', make: heard },
  { name: 'dealers', make: dealers },
  { name: 'forwards', make: forwards },
  { name: 'returns', make: returns },
  { name: 'relay', make: relay },
  { name: 'relayreplies', make: relayReplies },
  { name: 'relaysurveys', make: relaySurveys },
  { name: 'relaymessages', make: relayMessages },
  { name: 'relayforwards', make: relayForwards },
];

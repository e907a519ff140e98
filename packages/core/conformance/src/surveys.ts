import { parseEnvelope, type CryptoProvider } from '@tridcomm/core';
import {
  finishOpen,
  openSurveyReply,
  setupSurveyReply,
  SurveyAsker,
  type SurveySetup,
  type SurveyTerms,
} from '@tridcomm/core/internal';
import { checkFresh, orError, readFreshness, readSenders, type RatedSender } from './open.ts';
import { testRandom } from './seal.ts';
import { toHex, type Input, type Operation, type Value } from './values.ts';

/** The operations of feature `surveys`. */
export function surveyOperations(provider: CryptoProvider): Record<string, Operation> {
  return {
    'survey.setup': (input) => {
      const random = testRandom(input.bytes('rng'));
      const setup = setupSurveyReply(provider, readTerms(input), input.bytes('publicKey'), random);
      return { enc: toHex(setup.enc32), ...showSetup(setup), keyinfo: toHex(setup.keyinfo) };
    },
    'survey.open': (input) =>
      showSetup(openSurveyReply(provider, readTerms(input), input.bytes('privateKey'), input.bytes('enc'))),
    'survey.run': (input) => {
      const asker = readAsker(provider, input);
      return { results: input.objects('steps').map((step) => orError(() => takeReply(provider, asker, step))) };
    },
  };
}

function readTerms(input: Input): SurveyTerms {
  return {
    suite: input.integer('suite'),
    questionId32: input.bytes('questionId'),
    responderKeyId32: input.bytes('responderKeyId'),
  };
}

function showSetup({ info, keySource }: SurveySetup): { readonly [name: string]: Value } {
  return {
    info: toHex(info),
    bind: toHex(keySource.bind32),
    sourceSecret: toHex(keySource.sourceSecret32),
  };
}

function readAsker(provider: CryptoProvider, input: Input): SurveyAsker {
  const tags = new Set(input.texts('tags'));
  const responders = readSenders(provider, input.objects('responders'), 'mayRespond');
  const asker = new SurveyAsker({
    provider,
    freshness: readFreshness(input),
    isAnswerTag: (tag) => tags.has(toHex(tag)),
    checkView: () => checkFresh(input),
    findSender: (senderId) => responders.get(toHex(senderId)),
    mayRespond: (sender) => (sender as RatedSender).may,
  });
  for (const survey of input.objects('surveys')) {
    asker.asked({
      questionId32: survey.bytes('questionId'),
      suite: survey.integer('suite'),
      epoch: survey.integer('epoch'),
      deadlineMs: survey.decimal('deadline'),
      maxReplies: survey.integer('maxReply'),
      privateKey32: survey.bytes('privateKey'),
    });
  }
  return asker;
}

function takeReply(provider: CryptoProvider, asker: SurveyAsker, step: Input): Value {
  const pending = asker.begin(parseEnvelope(step.bytes('envelope')), step.decimal('now'));
  const opened = finishOpen(provider, pending);
  if (opened === undefined) return { delivered: false };
  return {
    verdict: 'new',
    id: toHex(opened.id32),
    questionId: toHex(asker.questionOf(opened)),
    body: toHex(opened.records.payload(0)),
    sender: toHex(opened.sender.keyId32),
  };
}

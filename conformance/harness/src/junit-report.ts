import { groupBy } from './group-by.ts';
import type { Run } from './report.ts';
import { summarize } from './result.ts';
import type { CaseResult } from './result.ts';

/**
 * The report for CI systems. JUnit knows neither warnings nor expected failures: both count as passed there and say so in
 * `system-out`.
 */
export function junitReport(run: Run): string {
  const { name, version } = run.implementation;
  const files = groupBy(run.results, (result) => result.case.file);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    element('testsuites', { name: `${name} ${version}`, ...counts(run.results) }, [...files].map(suite)),
    '',
  ].join('\n');
}

function suite([file, results]: [string, CaseResult[]]): string {
  return element('testsuite', { name: file, ...counts(results) }, results.map(testCase));
}

function testCase(result: CaseResult): string {
  const { test } = result.case;
  const attributes = { classname: result.case.file, name: `${test.id}: ${test.comment}`, time: seconds(result.ms) };
  return element('testcase', attributes, outcome(result));
}

function outcome({ result, reason = '', expectedFailure, stderr = [] }: CaseResult): string[] {
  if (result === 'skipped') return [element('skipped', { message: reason }, [])];
  if (result === 'warned') return [element('system-out', {}, [escape(`warning: ${reason}`)])];
  if (expectedFailure !== undefined) {
    return [element('system-out', {}, [escape(`failed as expected: ${expectedFailure} (${reason})`)])];
  }
  if (result === 'passed') return [];
  const logs = stderr.length === 0 ? [] : [element('system-err', {}, [escape(stderr.join('\n'))])];
  return [element('failure', { message: reason }, []), ...logs];
}

function counts(results: readonly CaseResult[]): Record<string, string> {
  const { failed, skipped } = summarize(results);
  const time = seconds(results.reduce((sum, { ms }) => sum + ms, 0));
  return { tests: `${results.length}`, failures: `${failed}`, errors: '0', skipped: `${skipped}`, time };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(6);
}

function element(name: string, attributes: Readonly<Record<string, string>>, content: readonly string[]): string {
  const start = [name, ...Object.entries(attributes).map(([key, value]) => `${key}="${escape(value)}"`)].join(' ');
  return content.length === 0 ? `<${start}/>` : `<${start}>${content.join('\n')}</${name}>`;
}

// XML 1.0 has no way at all to write most control characters, half surrogates, U+FFFE and U+FFFF.
function escape(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\u{fffd}')
    .replaceAll(/[&<>"'\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

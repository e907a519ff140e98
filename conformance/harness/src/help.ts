/** The text of `--help`. */
export const help = `Tests an implementation of TriDComm, in any language, against the golden vectors.

  tridcomm-conformance vectors [options] -- CMD ARGS…   run the vectors
  tridcomm-conformance smoke [options] -- CMD ARGS…     run three cases, to see that the adapter is wired up
  tridcomm-conformance table REPORT.json…               merge JSON reports into a Markdown matrix

CMD is your adapter: a program that reads JSON lines on stdin and writes JSON lines on stdout.

  -> {"cmd":"hello","protocol":1,"vectors":"1.0.0","spec":["1.0"]}
  <- {"protocol":1,"name":"my-tridcomm","version":"0.1.0","language":"go","spec":["1.0"],"features":["codec"]}
  -> {"cmd":"run","id":"framing/varint-decode/300","op":"varint.decode","in":{"bytes":"ac02"}}
  <- {"id":"framing/varint-decode/300","out":{"value":"300"}}
     or, if your code refuses the input:       {"id":"…","error":{"code":"E_ENCODING"}}
     or, if your adapter doesn't know the op:  {"id":"…","skip":"op not known"}
  -> {"cmd":"reset"}    drop what is kept between cases; no answer
  -> {"cmd":"bye"}      exit; no answer

Bytes are lower-case hex, integers above 2^32 are decimal strings, absent members are omitted and never null. Answers
may come in any order; up to 64 cases are in flight. Logs go to stderr, and are shown under a failing case.

Options of vectors and smoke
  --vectors-dir DIR      folder with manifest.json (default: the installed package @tridcomm/vectors)
  --timeout MS           longest wait for an answer (default 5000)
  --help
  --version

Options of vectors
  --run PATTERN          run only the cases whose id matches; may be repeated
  --skip PATTERN         don't run these; may be repeated; they are counted
  --known-failing FILE   lines "PATTERN reason": these cases must fail, and one that passes fails the run
  --strict-errors        a wrong E_* code is a failure, not a warning
  --validate             check each line of the adapter against protocol.schema.json
  --name NAME            name of the implementation in the reports
  --json                 write the JSON report to stdout instead of text
  --report-json FILE     write the JSON report to a file too, in a folder that exists
  --report-junit FILE    write a JUnit report too

In a PATTERN * stands for anything within one part between slashes, ** for any number of parts:
framing/**, */varint-decode/*.

Exit status: 0 all passed, 1 a case failed, 2 wrong usage or an adapter that doesn't work at all,
or that crashes or hangs 10 times in a row (the reports then have the results so far).
NO_COLOR is honoured.
`;

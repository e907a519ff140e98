/** What `tridcomm --help` says. */
export const overview = `tridcomm: sealed and signed messages, from the command line

Usage
  tridcomm pub TOPIC [FILE...]     publish the lines of standard input, or files
  tridcomm sub PATTERN             print messages as they come
  tridcomm inspect FILE            take an envelope apart
  tridcomm keys [COMMAND]          make an identity, show it, enrol it
  tridcomm authority COMMAND       run an authority: who is who, and who may read and write

  tridcomm COMMAND --help          options and examples
  tridcomm --version

A first walk, with a broker for development in another terminal (tridcomm-broker --dev):
  tridcomm sub 'orders/**'
  echo 'two coffees' | tridcomm pub orders/new

Exit codes: 0 done, 1 refused or failed, 2 command line not understood.
`;

const session = `
Without --broker, the broker that runs for development is found, and lets in whom it does not know.
  --broker URL        tls://host:port, noise://host:port, wss://host:port/path or unix:path
  --identity DIR      who connects; needed with --broker. See tridcomm keys --help
  --broker-name NAME  the name in the broker's record; default the host of the URL
  --authority ID      64 hex digits; default what the identity names
  --name NAME         who to enrol as for development; default your user name and a number
`;

/** What `tridcomm COMMAND --help` says. */
export const helpOf: Readonly<Record<string, string>> = {
  pub: `tridcomm pub: publish messages

  tridcomm pub TOPIC            each line of standard input is a message
  tridcomm pub TOPIC FILE...    each file is a message; - is all of standard input

  --durability none     handed to the broker, and no more is known
               memory   the broker has it (default)
               disk     it is on the broker's disk, through a loss of power
  --json                one object for what was published together: its id and how many messages
${session}
Examples
  echo 'two coffees' | tridcomm pub orders/new
  tail -f access.log | tridcomm pub logs/web --durability disk
  tridcomm pub images/cat cat.jpg --broker tls://broker.example --identity ~/.tridcomm/alice
`,
  sub: `tridcomm sub: print messages as they come

  tridcomm sub PATTERN

A pattern has segments between slashes: * stands for one, ** at the end for the rest. Quote it, or the shell takes it for file names.

  --json         one object for each message: topic, sender, time, id, and text, or base64 for what is no text
  --count N      end after so many messages
  --from N       read the broker's log, from this position on; 1 is everything that it holds
  --from cursor  read on where the same identity was the last time
${session}
Examples
  tridcomm sub 'orders/**'
  tridcomm sub 'sensors/*/temperature' --json | jq .text
  tridcomm sub 'orders/**' --from cursor --broker tls://broker.example --identity ~/.tridcomm/bob
`,
  inspect: `tridcomm inspect: take an envelope apart

  tridcomm inspect FILE    bytes, or hex; - is standard input

Shows what anybody can see who has the bytes: a broker sees no more.

  --identity DIR  also try the keys of this identity: who signed it, and what is in it
  --payload       show the messages, with --identity
  --json          one object

Examples
  tridcomm inspect envelope.bin
  xxd -p envelope.bin | tridcomm inspect -
  tridcomm inspect envelope.bin --identity ~/.tridcomm/bob --payload
`,
  keys: `tridcomm keys: make an identity, show it, enrol it

  tridcomm keys show                      public key, key id, and the name that an authority gave
  tridcomm keys create                    make keys, where there are none; they never leave the directory
  tridcomm keys enrol SOCKET NAME         make keys, and let the authority behind its socket give them a name
  tridcomm keys sign REQUEST              sign what tridcomm authority issue asks for, and say what that is
  tridcomm keys record HEX                keep the record that an authority issued
  tridcomm keys key-record                make the record that tridcomm authority key-record hands in

  --identity DIR  directory of the identity; default ./tridcomm-identity
  --authority ID  the authority that is meant: 64 hex digits
  --tls           with enrol: also get a certificate for links over TLS; SOCKET is admin.sock of the authority then
  --json          one object

Examples
  tridcomm keys create --identity ~/.tridcomm/alice
  tridcomm keys sign tdreq1.… --identity ~/.tridcomm/alice
  tridcomm keys enrol /run/tridcomm/enrol.sock alice --identity ~/.tridcomm/alice
`,
};

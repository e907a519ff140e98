/** What `tridcomm authority --help` says. */
export const overview = `tridcomm authority: who is who, and who may read and write

  The authority issues records to principals, keeps grants, and makes the keys of groups.
  Its state is one encrypted file in a directory. Brokers get what it publishes, and no key.

Usage
  tridcomm authority <command> [options]

Commands
  init          make a new authority in a directory
  serve         run it: everything else asks the one that runs
  issue         give a name to the key of a principal
  key-record    hand in the key record of a principal
  add-group     make a group for topics
  remove-group  end a group for good
  grant         let a principal publish, subscribe or route
  withdraw      take that back
  revoke        end a principal for good
  rotate        give a group its next epoch
  certificate   certify the TLS key of a principal
  status        say how it is
  restore       go on from a backup

Options of every command
  --dir DIR        directory of the authority; default ./tridcomm-authority
  --key-file FILE  the state is encrypted under the 32 bytes in this file
  --json           print one object of JSON
  --help           help of a command

The state is encrypted under a passphrase, or under a key file. The passphrase is asked for at a terminal, or read from
the file that TRIDCOMM_PASSPHRASE_FILE names. It is never taken from the command line, which others can read.

A first walk
  tridcomm authority init
  tridcomm authority add-group 'orders/**'
  tridcomm authority serve --broker tls://broker.example:7301

Exit codes: 0 done, 1 refused or failed, 2 command line not understood.
`;

const opening = `
Where \`serve\` runs, this asks it. Where it does not, this command is the authority for a moment, and needs what serve needs:
  --broker URL              may be given more than once: who is asked what is newest, and gets what changes
  --accept-single-source    begin although only one source answers what is newest; see \`serve --help\`
As long as nothing was ever given to a broker, none is needed.
`;

/** What `tridcomm authority <command> --help` says. */
export const helpOf: Readonly<Record<string, string>> = {
  init: `tridcomm authority init: make a new authority in a directory

  --dir DIR        default ./tridcomm-authority; made for you alone
  --key-file FILE  encrypt under this file; one that is not there is made. Without it a passphrase is asked for

Prints the id of the authority: the one value that everybody has to be told, and trusts.
Keep a copy of the directory, and keep the passphrase or key file elsewhere.

Example
  tridcomm authority init --dir ./authority --key-file ~/authority.key
`,
  serve: `tridcomm authority serve: run an authority

  --broker URL              may be given more than once
  --enrol-socket PATH       also listen here for principals that enrol themselves, as members
  --accept-single-source    begin although only one source answers what is newest

It makes a head every 20 s, the next epochs, and what else time asks for, and hands it to the brokers. Other commands reach it by the socket
admin.sock in its directory, which only you can open.

A state directory may be a copy of an older one, and nobody can see that by looking at it. So before it begins it asks what is newest:
its own archive and a broker, or two brokers where the archive proves to be old. --accept-single-source makes do with one. If that
one is old, principals that were revoked since may have their rights back. It never begins without any, nor where another authority runs.

Example
  tridcomm authority serve --broker tls://a.example --broker tls://b.example
`,
  issue: `tridcomm authority issue: give a name to the key of a principal

  --public-key HEX   the principal's Ed25519 public key: \`tridcomm keys show\` prints it
  --name NAME        what others see
  --tenant TENANT
  --role ROLE        member, broker or authority; may be given more than once; default member
  --days N           how long, at most 30; default 30

The principal signs its record first, to show that it has the key. This command prints a request on one line, waits, and takes the
signature from standard input:

  tridcomm authority issue --public-key 3f9a… --name alice
    → tdreq1.…                                    give this to alice
  alice: tridcomm keys sign tdreq1.…              which shows her what she signs, and prints the signature
    → paste it where this command waits; it prints the record
  alice: tridcomm keys record 5444…               which keeps the record: now she has a name

Where \`serve\` runs you need not wait: end the input (Ctrl-D), and finish later, while the same serve runs, with
  tridcomm authority issue --request tdreq1.… --signature HEX
${opening}
Example
  tridcomm authority issue --public-key 3f9a…c2 --name alice --days 7
`,
  'key-record': `tridcomm authority key-record: hand in the key record of a principal

A principal needs a key record, which it signs itself, before it can be given a seat in a group. Clients send theirs by themselves.

  tridcomm authority key-record <record in hex>
${opening}
Example
  tridcomm authority key-record 54444f42…
`,
  'add-group': `tridcomm authority add-group: make a group for topics

  tridcomm authority add-group <pattern>...

  --purpose PURPOSE   what its topics are for, and so what the rights to them mean:
                        pubSub   publish sends messages, subscribe reads them (default)
                        bus      the same, among members who do both
                        survey   publish asks, and hears the answers; subscribe hears what is asked, and answers
                        front    a pool: publish requests, deals and pushes jobs; subscribe takes them and replies; route hands
                                 messages of dealers on to who is to work, and reads what dealers tell routers, no body
  --kind KIND         completeSubtree (default) or list: how members get each epoch's key

Who may read one topic of a group can read them all: a smaller audience is a group of its own. A pattern is a topic, or literal segments
and a \`**\` at the end; quote it, or the shell takes it for file names. A survey or a front has whole topics, without \`**\`.
${opening}
Example
  tridcomm authority add-group 'orders/**' 'invoices/new'
  tridcomm authority add-group images/resize images/crop --purpose front
`,
  'remove-group': `tridcomm authority remove-group: end a group for good

  tridcomm authority remove-group <group id or pattern>

Brokers forget it at once, and refuse what is sent to its topics; the rights to them end. The same topics can be given to another group afterwards,
with new rights.
${opening}
Example
  tridcomm authority remove-group images/resize
`,
  grant: `tridcomm authority grant: let a principal publish, subscribe or route

  tridcomm authority grant <key id> publish|subscribe|route <pattern>

  --until TIME   when it ends, such as 2030-01-31T12:00:00Z; default when it is withdrawn
  --join now     read the running epoch from its start; default from the next one on

What a right means the purpose of the group says (\`add-group\`); \`route\` is for fronts alone. Who may read one topic of a group reads all, so who works
in a front of several whole topics needs one wide grant, such as 'kitchen/**': a grant for one of them alone is refused.
${opening}
Example
  tridcomm authority grant 8c1f…07 subscribe 'orders/**'
`,
  withdraw: `tridcomm authority withdraw: take a right back

  tridcomm authority withdraw <key id> publish|subscribe|route <pattern>

It counts at once: every group that it reached gets a new epoch.
${opening}
Example
  tridcomm authority withdraw 8c1f…07 subscribe 'orders/**'
`,
  revoke: `tridcomm authority revoke: end a principal for good

  tridcomm authority revoke <key id>

Its record, its grants and its seats end at once. The key can never be issued a record again.
${opening}
Example
  tridcomm authority revoke 8c1f…07
`,
  rotate: `tridcomm authority rotate: give a group its next epoch, now

  tridcomm authority rotate <group id or pattern>

Groups rotate by themselves; this is for when you do not want to wait. Nothing that is on its way is lost. With a front, its pool gets a new key.
${opening}
Example
  tridcomm authority rotate 'orders/**'
`,
  certificate: `tridcomm authority certificate: certify the TLS key of a principal, for links in mode T

  tridcomm authority certificate <key id> --public-key-file FILE

  --public-key-file FILE   its TLS public key, PEM: ECDSA on P-256. The private key stays with the principal
  --host NAME              of a broker: host name or address that it is reached at; may be given more than once

Prints two certificates in PEM: that of the principal, then that of the CA. They last as long as the principal's record, 30 days at most.
In the directory of the principal's identity they are found as tls-cert.pem and tls-ca.pem, and the private key as tls-key.pem.
${opening}
Example
  openssl ecparam -genkey -name prime256v1 -noout -out tls.key
  openssl ec -in tls.key -pubout -out tls.pub
  tridcomm authority certificate 8c1f…07 --public-key-file tls.pub --host broker.example
`,
  status: `tridcomm authority status: say how an authority is

Where \`serve\` runs: heads, groups, and which brokers have not taken the newest head. Where it does not: what the state says.
Changes nothing.

Example
  tridcomm authority status --json
`,
  restore: `tridcomm authority restore: go on from a backup

  --backup FILE             a copy of authority.state from before; the present one is kept as authority.state.replaced
  --broker URL              may be given more than once
  --accept-single-source    see \`serve --help\`

It begins far above all numbers that the archive in the directory and the brokers know of, and takes over what they say of revocations. Principals,
groups and grants that came after the backup have to be made again. A grant that was withdrawn after the backup may be back where no broker shows
otherwise. It refuses where the policy or the list of revocations of the newest head is not to be had.

When it is done the authority has handed all to the brokers, and ended: start \`serve\`.

Example
  tridcomm authority restore --backup /backup/authority.state --broker tls://a.example --broker tls://b.example
`,
};

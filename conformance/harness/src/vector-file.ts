/** A value inside `in` and `out`: bytes are lower-case hex, integers above 2^32 are decimal strings. */
export type Value = string | boolean | number | readonly Value[] | Members;

/** The members of an `in` or `out` object. */
export interface Members {
  readonly [name: string]: Value;
}

/** One test of a vector file, as written there; `vectors.schema.json` explains each member. */
export interface VectorTest {
  readonly id: string;
  readonly since: string;
  readonly comment: string;
  readonly in: Members;
  readonly result: 'valid' | 'invalid';
  readonly out?: Members;
  readonly layer?: string;
  readonly error?: readonly string[];
  readonly flags: readonly string[];
  readonly spec: readonly string[];
  readonly from?: string;
  readonly withdrawn?: string;
}

/** Tests that ask the adapter for the same operation. */
export interface VectorGroup {
  readonly id: string;
  readonly op: string;
  readonly feature: string;
  readonly extraOut?: true;
  readonly tests: readonly VectorTest[];
}

/** One vector file. */
export interface VectorFile {
  readonly schema: 'tridcomm-vectors/1';
  readonly suite: string;
  readonly specVersion: string;
  readonly vectorsVersion: string;
  readonly numberOfTests: number;
  readonly notes: Readonly<Record<string, VectorNote>>;
  readonly groups: readonly VectorGroup[];
}

/** What a flag means. */
export interface VectorNote {
  readonly bugType: string;
  readonly description: string;
  readonly effect: string;
  readonly spec: readonly string[];
}

/** `manifest.json`: the files of a vectors directory. */
export interface Manifest {
  readonly schema: 'tridcomm-vectors-manifest/1';
  readonly vectorsVersion: string;
  readonly specVersion: string;
  readonly files: readonly ManifestEntry[];
}

/** One file of the manifest; `sha256` is over its bytes. */
export interface ManifestEntry {
  readonly path: string;
  readonly sha256: string;
  readonly numberOfTests: number;
  readonly valid: number;
  readonly invalid: number;
}

/** A test together with what its file and group say about it. */
export interface Case {
  readonly file: string;
  readonly group: VectorGroup;
  readonly test: VectorTest;
}
